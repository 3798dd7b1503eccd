package oracle

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var updateFlag = flag.Bool("oracle.update", false, "write the shares of this run to testdata/golden.txt")

// goldenFile holds, for each configuration, how much of its traffic the fast path takes: a change that makes it lazy is
// seen.
type goldenFile struct {
	path, header string
	near         func(want, got string) (same, late bool)

	// mayBeLate is how many configurations may have no fast packets while hone is behind although they had some in the
	// golden run: an announcement that comes late, say of a link that is up, leaves everything to the kernel.
	mayBeLate int
}

var golden = goldenFile{filepath.Join("testdata", "golden.txt"), goldenHeader, near, 4}

// slack is by how many percent of the packets a share may differ from the golden one, for numbers of packets and seeds
// other than those of the golden run.
const slack = 4

const goldenHeader = `# What the fast path does with the packets of each configuration of the oracle: the reason why the interface has no
# fast path, or the percentage of packets that it takes: by copied tables (fast), by the live lookup (live), and, where
# the configuration changes under it, before (behind) and after it has followed. About half of the packets are broken on
# purpose. Written by: go test ./slowpath/oracle -run TestOracle -oracle.update
`

func (g goldenFile) check(t *testing.T, all []config, results map[string]outcome) {
	t.Helper()
	if *updateFlag {
		g.write(t, all, results)
		return
	}
	want, err := g.read()
	if err != nil {
		t.Fatal(err)
	}
	var late []string
	for name, o := range results {
		line, ok := want[name]
		if !ok {
			t.Errorf("%s: not in %s", name, g.path)
			continue
		}
		same, waited := g.near(line, o.String())
		if waited {
			late = append(late, name)
		}
		if *seedFlag == 1 && !same {
			t.Errorf("%s: %s, golden %s", name, &o, line)
		}
	}
	if len(late) > g.mayBeLate {
		t.Errorf("nothing is fast, and should be, while hone is behind in: %s", strings.Join(late, "; "))
	}
	for _, c := range all {
		delete(want, c.name)
	}
	for name := range want {
		t.Errorf("%s has %q, which is no configuration", g.path, name)
	}
}

func (g goldenFile) write(t *testing.T, all []config, results map[string]outcome) {
	t.Helper()
	old, _ := g.read() // none at first
	text := g.header
	for _, c := range all {
		line, known := old[c.name]
		if o, ok := results[c.name]; ok {
			line, known = o.String(), true
		}
		if known {
			text += fmt.Sprintf("%s: %s\n", c.name, line)
		}
	}
	if err := os.MkdirAll(filepath.Dir(g.path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(g.path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (g goldenFile) read() (map[string]string, error) {
	text, err := os.ReadFile(g.path)
	if err != nil {
		return nil, err
	}
	want := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if at := strings.LastIndex(line, ": "); at > 0 {
			want[line[:at]] = strings.TrimSpace(line[at+2:])
		}
	}
	return want, nil
}

// near compares an outcome with the golden one word by word; numbers may differ a little. Late tells that nothing was
// fast while hone was behind.
func near(want, got string) (same, late bool) {
	x, y := strings.Fields(want), strings.Fields(got)
	if len(x) != len(y) {
		return false, false
	}
	for i := range x {
		m, err1 := strconv.Atoi(strings.TrimSuffix(x[i], ","))
		n, err2 := strconv.Atoi(strings.TrimSuffix(y[i], ","))
		switch {
		case err1 != nil || err2 != nil:
			if x[i] != y[i] {
				return false, late
			}
		case i > 0 && x[i-1] == "behind":
			late = n == 0 && m > 0
		case m-n > slack || n-m > slack || (m == 0) != (n == 0):
			return false, late
		}
	}
	return true, late
}
