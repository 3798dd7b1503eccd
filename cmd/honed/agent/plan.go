package agent

import (
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
)

// Plan tells what would be done for each interface of a Snapshot.
func Plan(s *introspect.Snapshot, o Options) control.Plan {
	fib := synth.NewFIB(s)
	plan := control.Plan{Interfaces: []control.Planned{}, Tables: tables(s, fib)}
	for index, link := range s.Links.All() {
		d := decide(s, link, o, fib.Shape())
		if d.reason == slowpath.Loopback {
			continue
		}
		p := control.Planned{Name: link.Name, Index: int(index)}
		if d.reason != slowpath.None {
			p.Reason, p.Detail = d.reason.String(), d.detail
		} else {
			p.Accelerate, p.Mode, p.Instructions, p.Left = true, modeName(d.mode), instructions(d, o.Kernel), d.left
		}
		plan.Interfaces = append(plan.Interfaces, p)
	}
	return plan
}

// instructions is the length of the program that would run.
func instructions(d decision, k emit.Kernel) int {
	spec, err := emit.Spec(d.program, k)
	if err != nil {
		return 0
	}
	n := 0
	for _, p := range spec.Programs {
		n += len(p.Instructions)
	}
	return n
}

func tables(s *introspect.Snapshot, fib *synth.FIB) control.Tables {
	t := control.Tables{Routes: s.Routes4.Len() + s.Routes6.Len(), Neighbours: s.Neighs.Len(), Rules: synth.Rules(s),
		Entries: s.FDB.Len()}
	for _, table := range fib.Tables() {
		t.Bytes += table.Bytes()
	}
	return t
}
