package oracle

import (
	"cmp"
	"flag"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// steadyEach is of how many configurations one is tried without programs.
const steadyEach = 6

// TestBridgesAreSteady sends the same frames through two bridges without programs: what differs there cannot tell anything
// about programs.
func TestBridgesAreSteady(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("short")
	}
	t.Cleanup(closing.Wait)
	seed, begin, packets, made := seed(), time.Now(), 0, 0
	for i, c := range lanConfigs() {
		if !strings.HasPrefix(c.name, *onlyFlag) || *onlyFlag == "" && i%steadyEach != 0 || c.settles > 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			two := startLAN(t, c, seed)
			goOn(t, c, two.steady(500))
			if len(two.o.findings) > 0 { // what does not differ again is the kernel's timers
				two.close()
				two = startLAN(t, c, seed)
				goOn(t, c, two.steady(500))
			}
			for _, f := range two.o.findings {
				t.Errorf("seed %d: %s", seed, f)
			}
			made, packets = made+1, packets+two.o.packets
		})
	}
	took := time.Since(begin)
	t.Logf("told: %d frames through %d pairs of bridges in %.1f s, %.0f a second, seed %d", packets, made, took.Seconds(),
		float64(packets)/took.Seconds(), seed)
}

// startLAN makes the bridges of a configuration for the length of a test.
func startLAN(t *testing.T, c lanConfig, seed uint64) *trialLAN {
	t.Helper()
	if strings.HasPrefix(c.name, filtering) && !filtersVLANs() {
		t.Skip("bridges of this kernel do not filter VLANs")
	}
	two, err := newTrialLAN(c, seed)
	if err != nil && (c.newer || missing(err)) {
		t.Skipf("%s: a kernel or a command without it: %v", c.name, err)
	}
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	t.Cleanup(two.close)
	return two
}

// steady plays frames of all kinds.
func (t *trialLAN) steady(n int) error {
	if err := t.run("greetings", t.gen.greetings(), nil); err != nil {
		return err
	}
	if err := t.run("before", t.gen.entries(n), nil); err != nil || len(t.c.alter) == 0 {
		return err
	}
	if err := t.alter(); err != nil {
		return err
	}
	return t.run("after", t.gen.entries(n), nil)
}

var lanPacketsFlag = flag.Int("oracle.bridged", 180000, "frames to compare over all configurations of bridges")

// goldenLANs is the golden file of bridges.
var goldenLANs = goldenFile{filepath.Join("testdata", "bridges.txt"), goldenLANHeader, nearLAN, 1}

const goldenLANHeader = `# What the fast path does with the frames of each configuration of a bridge: the reason why no port has one, or the
# percentage of frames that it takes while it follows what the bridge learns most of the time (fast), while it does not
# (behind), and always (after), and what most others are left to the kernel for. Written by:
# go test ./slowpath/oracle -run TestBridges$ -oracle.update
`

// nearLAN compares an outcome with the golden one: the refusal, or the shares, which may be larger and a good deal smaller.
// How many frames come while nobody has followed what the bridge learned is a matter of time, and so is what they are left
// to the kernel for.
func nearLAN(want, got string) (same, late bool) {
	if strings.HasPrefix(want, "refused") || strings.HasPrefix(got, "refused") {
		return want == got, false
	}
	x, y := strings.Fields(want), strings.Fields(got)
	for i := 0; i+1 < min(len(x), len(y), 6); i += 2 {
		m, err1 := strconv.Atoi(strings.TrimSuffix(x[i+1], ","))
		n, err2 := strconv.Atoi(strings.TrimSuffix(y[i+1], ","))
		switch {
		case err1 != nil || err2 != nil || x[i] != y[i]:
			return false, false
		case x[i] == "behind" && n == 0:
			late = m > 0
		case n < m/3-slack:
			return false, late
		}
	}
	return true, late
}

// TestBridges compares a bridge that has programs with its twin that has none: what comes out of every port, and what they
// know afterwards.
func TestBridges(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	t.Cleanup(closing.Wait)
	all, seed := lanConfigs(), seed()
	frames := *lanPacketsFlag / len(all) * 4 / 7
	begin, packets := time.Now(), 0
	results := map[string]outcome{}
	var listed []config
	early := map[string]*trialLAN{}
	for _, c := range all {
		listed = append(listed, c.config)
		if strings.HasPrefix(c.name, *onlyFlag) && c.settles > 0 {
			early[c.name] = startLAN(t, c, seed)
		}
	}
	// Those that take their time come last.
	slices.SortStableFunc(all, func(a, b lanConfig) int { return cmp.Compare(a.settles, b.settles) })
	for _, c := range all {
		if !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			made := early[c.name]
			if made == nil {
				made = startLAN(t, c, seed)
			}
			time.Sleep(c.settles - time.Since(begin))
			o := judged(t, made, fault{}, seed, frames)
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed, f)
			}
			if o.unsteady > 0 {
				t.Logf("%d differences, which were not there again; the first: %s", o.unsteady, o.last)
			}
			t.Log(sayLAN(&o))
			results[c.name], packets = o, packets+o.packets
		})
	}
	took := time.Since(begin)
	t.Logf("told: %d frames compared over %d configurations of bridges in %.1f s, %.0f a second, seed %d",
		packets, len(results), took.Seconds(), float64(packets)/took.Seconds(), seed)
	if !t.Failed() {
		shown := maps.Clone(results)
		if !*wholeFlag && !*updateFlag {
			maps.DeleteFunc(shown, func(name string, _ outcome) bool { return !strings.HasPrefix(name, filtering) })
		}
		goldenLANs.check(t, listed, shown)
	}
	if *onlyFlag == "" && *wholeFlag && !t.Failed() {
		checkReasonsOfBridges(t, results)
		if packets < 150000 || len(results) < 40 {
			t.Errorf("too few frames: %d, over %d configurations of bridges", packets, len(results))
		}
	}
}
