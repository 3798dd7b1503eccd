package oracle

import (
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
	seed, begin, packets, made := seed(), time.Now(), 0, 0
	for i, c := range lanConfigs() {
		if !strings.HasPrefix(c.name, *onlyFlag) || *onlyFlag == "" && i%steadyEach != 0 || c.settles > 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			two := startLAN(t, c, seed)
			if err := two.steady(500); err != nil {
				t.Fatal(err)
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
	if strings.HasPrefix(c.name, "vlan: ") && !filtersVLANs() {
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
