package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/control"
)

func TestPrintVisits(t *testing.T) {
	rule := func(chain string, handle uint64, outcome string) control.Visit {
		return control.Visit{Hook: "forward", Family: "inet", Table: "t", Chain: chain, Handle: handle, Matches: outcome != "", Outcome: outcome}
	}
	all := []control.Visit{rule("f", 1, ""), rule("f", 2, ""), rule("f", 3, "jump web"), rule("web", 4, ""), rule("f", 5, ""),
		{Hook: "forward", Family: "inet", Table: "t", Chain: "f", Handle: 6, Comment: "x", Matches: true, Outcome: "counts"},
		rule("f", 0, "policy accept")}
	for every, want := range map[bool]string{false: `    forward      inet t f: 2 rules do not match
    forward      inet t f handle 3: jump web
    forward      inet t web: 1 rule does not match
    forward      inet t f: 1 rule does not match
    forward      inet t f handle 6 "x": counts
    forward      inet t f: policy accept
`, true: `    forward      inet t f handle 1: does not match
    forward      inet t f handle 2: does not match
    forward      inet t f handle 3: jump web
    forward      inet t web handle 4: does not match
    forward      inet t f handle 5: does not match
    forward      inet t f handle 6 "x": counts
    forward      inet t f: policy accept
`} {
		var got strings.Builder
		printVisits(&got, all, every)
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("every %v: %s", every, diff)
		}
	}
}
