package transparency

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestTransparency plays every scene with the kernel alone and with honed, with complete and with partial checksums.
func TestTransparency(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	for _, program := range []string{"ip", "ethtool", "ping", "tcpdump", "traceroute", "tracepath", "iperf3", "arping"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	honed := buildHoned(t)
	for _, tx := range []string{"off", "on"} {
		t.Run("tx "+tx, func(t *testing.T) {
			var alone, beside map[string]string
			t.Run("honed", func(t *testing.T) {
				t.Run("off", func(t *testing.T) { t.Parallel(); alone = results(t, tx, "") })
				t.Run("on", func(t *testing.T) { t.Parallel(); beside = results(t, tx, honed) })
			})
			for _, s := range slices.Concat(scenes, scenes6) {
				if alone[s.name] != beside[s.name] {
					t.Errorf("%s:\nthe kernel alone: %s\nwith honed: %s", s.name, alone[s.name], beside[s.name])
				}
			}
		})
	}
}

// results plays every scene on a fresh bed, with honed if a program is given, and checks that what should be fast was.
func results(t *testing.T, tx, program string) map[string]string {
	results := map[string]string{}
	b := newBed(t, tx)
	if program != "" {
		b.start(program)
	}
	for _, s := range slices.Concat(scenes, scenes6) {
		before := b.fast()
		results[s.name] = s.play(b)
		n := b.fast() - before
		t.Logf("%s: fast %d: %s", s.name, n, results[s.name])
		if program != "" && tx == "off" && s.fast && n < 20 {
			t.Errorf("%s: only %d packets took the fast path", s.name, n)
		}
	}
	return results
}

// buildHoned makes the program that is tested.
func buildHoned(t *testing.T) string {
	t.Helper()
	honed := filepath.Join(t.TempDir(), "honed")
	if out, err := exec.Command("go", "build", "-o", honed, "../../cmd/honed").CombinedOutput(); err != nil {
		t.Fatalf("build honed: %v\n%s", err, out)
	}
	return honed
}
