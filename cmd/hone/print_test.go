package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/cmd/hone/bench"
	"github.com/hone-net/hone/control"
)

func TestPrintStatus(t *testing.T) {
	s := control.Status{
		Version: "1.0", PID: 7, Coherent: true, Netns: "blue", Tables: control.Tables{Routes: 50, Neighbours: 3, Rules: 12},
		Agent: control.Agent{Last: 120 * time.Microsecond},
		Interfaces: []control.Interface{
			{Name: "r0", State: "fast", Mode: "native", Program: &control.Program{Instructions: 99},
				Counters: &control.Counters{Fast: 5, Live: 1, Punts: map[string]uint64{"ttl": 1, "local": 9}}},
			{Name: "r1", State: "kernel", Reason: "auto-veth", Detail: "veth"},
			{Name: "r2", State: "parked", Detail: "trouble", Mode: "native"},
		},
	}
	var got strings.Builder
	printStatus(&got, s)
	want := `honed 1.0, process 7, namespace blue: 50 routes, 3 neighbours, 12 rules, last change took 120µs
INTERFACE  STATE   PROGRAM                  FAST  LIVE  TO KERNEL  WHY
r0         fast    native, 99 instructions  5     1     10         local 9, ttl 1
r1         kernel  -                        -     -     -          auto-veth: veth
r2         parked  -                        -     -     -          trouble
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// TestWrongPacket: a packet that is not described is a wrong command line, whether honed runs or not.
func TestWrongPacket(t *testing.T) {
	for _, packet := range []string{"iif r0 ip 10.0.0.1 > 10.2.0.9 fast", "r0", "iif r0 ip 10.0.0.1 > 10.2.0.9 ttl 256"} {
		root := newRoot()
		root.SetArgs([]string{"explain", packet})
		var wrong usageError
		if err := root.Execute(); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", packet, err)
		}
	}
}

func TestPrintExplanation(t *testing.T) {
	for _, c := range []struct {
		x    control.Explanation
		want string
	}{
		{control.Explanation{Path: "kernel", Reason: "ttl", Detail: "TTL is 0 or 1", Before: "00"},
			"left to the kernel: ttl: TTL is 0 or 1\n  arrives    00\n"},
		{control.Explanation{Path: "fast", Out: "r1", Before: "00", After: "01", Trace: []string{"v0 = const 1"}},
			"fast path: leaves by r1\n  arrives    00\n  leaves     01\n    v0 = const 1\n"},
		{control.Explanation{Path: "live", Detail: "asked for each packet"}, "live path: asked for each packet\n"},
	} {
		var got strings.Builder
		printExplanation(&got, c.x, true)
		if diff := cmp.Diff(c.want, got.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOneKind(t *testing.T) {
	yes, no := true, false
	kinds := []string{"ir", "asm"}
	if kind, err := one(kinds, map[string]*bool{"ir": &no, "asm": &yes}); kind != "asm" || err != nil {
		t.Error(kind, err)
	}
	if kind, err := one(kinds, map[string]*bool{"ir": &no, "asm": &no}); kind != "ir" || err != nil {
		t.Error(kind, err)
	}
	if _, err := one(kinds, map[string]*bool{"ir": &yes, "asm": &yes}); err == nil {
		t.Error("two kinds are accepted")
	}
}

func TestDoctorFails(t *testing.T) {
	d := control.Doctor{Checks: []control.Check{{Outcome: control.OK}, {Outcome: control.Warning}}}
	if err := failures(d); err != nil {
		t.Error(err)
	}
	d.Checks = append(d.Checks, control.Check{Outcome: control.Failure})
	if err := failures(d); err == nil {
		t.Error("a failed check is no failure")
	}
}

// TestEveryCommandHasHelp also finds flags that are declared twice.
// TestBenchCases: what cases are stands below each other, however long their names are.
func TestBenchCases(t *testing.T) {
	text, column := benchCases(), 0
	for _, c := range bench.Cases() {
		_, line, _ := strings.Cut(text, "  "+c.Name+" ")
		at := len(c.Name) + len(line) - len(strings.TrimLeft(line, " "))
		if column == 0 {
			column = at
		}
		if at != column || !strings.Contains(line, c.Doc) {
			t.Errorf("%s: column %d, others %d", c.Name, at, column)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range newRoot().Commands() {
		if c.Short == "" || c.RunE == nil {
			t.Errorf("%s: no text, or nothing to do", c.Name())
		}
	}
}

func TestLongFlags(t *testing.T) {
	got := longFlags([]string{"bench", "-json", "-runs=3", "-j", "-j=true", "--hook", "xdp", "-"})
	want := []string{"bench", "--json", "--runs=3", "-j", "-j=true", "--hook", "xdp", "-"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
