package agent

import (
	"encoding/hex"
	"fmt"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// Explain tells what happens to the packet of a description.
func (a *Agent) Explain(description string) (control.Explanation, error) {
	s, o, err := a.view()
	if err != nil {
		return control.Explanation{}, err
	}
	x, err := Explain(s, o, description)
	if err != nil || x.Path == "kernel" {
		return x, err
	}
	link, _ := linkNamed(s, x.Interface)
	if lower, ok := synth.Below(s, link); ok {
		link = lower
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.faces[link.Index]; f != nil {
		f.overrule(&x)
	}
	return x, nil
}

// overrule corrects an explanation by what really runs on the interface.
func (f *face) overrule(x *control.Explanation) {
	switch f.state() {
	case control.StateParked:
		x.Path, x.Out, x.After = "kernel", "", ""
		x.Reason, x.Detail = slowpath.Moved.String(), "the program is parked: "+f.parked
	case control.StateFailed:
		x.Path, x.Out, x.After = "kernel", "", ""
		x.Reason, x.Detail = f.failure.String(), f.failureText
	}
}

// Explain tells what happens to the packet of a description under the configuration of a Snapshot.
func Explain(s *introspect.Snapshot, o Options, description string) (control.Explanation, error) {
	p, err := packet.Parse(description)
	if err != nil {
		return control.Explanation{}, err
	}
	link, err := linkNamed(s, p.Interface)
	if err != nil {
		return control.Explanation{}, err
	}
	at := arrive(s, link, *p)
	bridge, isPort := bridgeOf(s, link)
	if isPort {
		if p.Src == (packet.MAC{}) {
			p.Src = packet.MAC(stationAt(s, link))
		}
		at = arriveBridged(s, bridge, link, *p)
	}
	frame := at.framed
	x := control.Explanation{Packet: description, Interface: link.Name, Path: "kernel", Before: hex.EncodeToString(frame)}
	if isPort {
		x.Bridge = known(s, bridge, link, frame)
	}
	var c *synth.Connection
	note := ""
	if p.Established && !synth.Untracked(s, int(at.in.Index), at.bare) {
		c, note = connectionOf(o.Connection, s, at.bare)
	}
	if !isPort || goesTo(frame, bridge.MAC) {
		follow(&x, s, o, at.in, c, note, at.bare)
	}
	fib := synth.NewFIB(s)
	d := decide(s, link, o, fib.Shape())
	if d.reason == slowpath.VLANDevice {
		d = decide(s, at.port, o, fib.Shape())
	}
	if d.reason != slowpath.None {
		x.Reason, x.Detail = d.reason.String(), d.detail
		return x, nil
	}
	env := fib.Env()
	env.VLAN = p.VLAN != 0
	env.FIB, env.FIB6 = liveUnknown, liveUnknown
	env.Conntrack, env.Conntrack6 = tableOf(c, c.Leaves(s, at.bare))
	env.Trace = true
	verdict, err := ir.Eval(d.program, env, frame)
	if err == nil && verdict.Kind == ir.Punt && verdict.Reason == slowpath.FDBAgeing {
		remember(d.program, env) // most frames are not the first in a quarter of the ageing time
		verdict, err = ir.Eval(d.program, env, frame)
	}
	if err != nil {
		return x, fmt.Errorf("agent: explain: %w", err)
	}
	conclude(&x, s, verdict, env)
	if verdict.Reason == slowpath.RulesetAction && o.Config.Counters == config.Exact && x.Ruleset != filter.Undecided.String() {
		x.Detail += ": counters are exact, so that the kernel counts"
	}
	return x, nil
}

// remember puts what a program has marked into the tables of an environment.
func remember(p *ir.Program, env *ir.Env) {
	for _, m := range env.Marks {
		for _, t := range p.Tables {
			if field, ok := t.Field(m.Field); ok && t.Name == m.Table && (t.Kind == ir.Rows || t.Kind == ir.Keyed) {
				env.Tables[t.Name][int(m.Row)*t.RowSize+field.Offset] = 1
			}
		}
	}
}

// liveUnknown stands for the kernel's live lookup, which only a packet on the wire can ask: a row that says "not
// forwarded".
func liveUnknown([]uint64) []byte {
	row := make([]byte, 32)
	row[0] = 0xff
	return row
}

// conclude puts a verdict into words.
func conclude(x *control.Explanation, s *introspect.Snapshot, v ir.Verdict, env *ir.Env) {
	x.Trace = v.Trace
	switch v.Kind {
	case ir.RedirectExit:
		x.Path, x.After = "fast", hex.EncodeToString(v.Packet)
		if link, ok := s.Links.Get(introspect.Index(v.Oif)); ok {
			x.Out = link.Name
		}
		if env.Counts[ir.CountLive] > 0 {
			x.Path = "live"
		}
	case ir.Punt:
		x.Reason, x.Detail = v.Reason.String(), v.Reason.Doc()
		if v.Reason == slowpath.LiveLookup {
			x.Path, x.Reason, x.Detail = "live", "", "the kernel's route lookup is asked for each packet"
		}
	default:
		x.Reason, x.Detail = slowpath.Aborted.String(), slowpath.Aborted.Doc()
	}
}
