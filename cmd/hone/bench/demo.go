package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Demo shows the kernel against hone in a lab of namespaces: packets a second, the price of a packet, what took the fast
// path and what did not and why; it changes a route in the middle of the traffic and counts packets that took the old
// one. It cleans up, also when the context ends, and then returns its error.
func Demo(ctx context.Context, out io.Writer) (err error) {
	fmt.Fprint(out, "Lab: sender a0 -- r0 router r1 -- b0 receiver, each in a network namespace of its own.\n\n")
	r, err := newRouter(50, secondReceiver)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	d := &demo{ctx: ctx, out: out, rig: r}
	kernel, err := d.watch("kernel", nil)
	if err != nil {
		return err
	}
	fmt.Fprint(out, "\nhoned starts in the router.\n")
	began := time.Now()
	agent, err := r.honed()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, agent.stop()) }()
	if err := d.introduce(agent, time.Since(began)); err != nil {
		return err
	}
	fast, err := d.watch("hone", agent)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nhone forwards %.1f times as many packets with one CPU: %.2f against %.2f million a second.\n\n",
		kernel.NS/fast.NS, fast.Mpps, kernel.Mpps)
	if err := d.reroute(agent); err != nil {
		return err
	}
	return d.summary(agent)
}

type demo struct {
	ctx context.Context
	out io.Writer
	rig *rig
}

// phase is how long each side is shown.
const phase = 3 * time.Second

// watch floods for a phase and prints a line for each turn.
func (d *demo) watch(name string, agent *daemon) (best Speed, err error) {
	speed := Speed{NS: 500}
	for end := time.Now().Add(phase); time.Now().Before(end); {
		if err := d.ctx.Err(); err != nil {
			return best, err
		}
		w, lost, err := d.rig.window(sized(speed, 400*time.Millisecond))
		if err != nil {
			return best, err
		}
		speed = w.speed()
		if best.NS == 0 || speed.NS < best.NS {
			best.NS = speed.NS
		}
		best.Mpps = max(best.Mpps, speed.Mpps)
		fmt.Fprintf(d.out, "  %-7s %6.2f Mpps  %6.1f ns a packet  %8d packets, %d lost%s\n", name, speed.Mpps, speed.NS, w.packets, lost, d.shares(agent))
	}
	return best, nil
}

// shares says how many of the packets so far were fast.
func (d *demo) shares(agent *daemon) string {
	if agent == nil {
		return ""
	}
	s, err := agent.status()
	if err != nil {
		return ""
	}
	var fast, punted uint64
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			fast += i.Counters.Fast + i.Counters.Live
			punted += i.Counters.Punted()
		}
	}
	return fmt.Sprintf("  fast %.2f %%", 100*float64(fast)/float64(max(1, fast+punted)))
}

// introduce shows the programs.
func (d *demo) introduce(agent *daemon, took time.Duration) error {
	s, err := agent.status()
	if err != nil {
		return err
	}
	for _, i := range s.Interfaces {
		if i.Program != nil {
			fmt.Fprintf(d.out, "  %s: %s program of %d instructions (%d bytes of machine code) for %d routes, after %.0f ms\n",
				i.Name, i.Mode, i.Program.Instructions, i.Program.JITed, s.Tables.Routes, float64(took)/1e6)
		}
	}
	return nil
}

// reroutes is how often the demo changes the route.
const reroutes = 20

// reroute changes the route of the traffic under a flood and looks for packets that took the old one.
func (d *demo) reroute(agent *daemon) error {
	fmt.Fprintf(d.out, "The routes of the traffic change %d times, between 10.2.0.1 and 10.2.0.2:\n", reroutes)
	s := d.rig.stream()
	defer s.stop()
	t := toggler{rig: d.rig, daemon: agent, domain: domain{keys: [2]int{byFirst, bySecond}}}
	for to, via := range []string{"10.2.0.1", "10.2.0.2"} {
		// The demo sends to 50 prefixes; all but the first are taken away so that one route carries the traffic.
		t.lines[to] = "ip route replace 10.128.0.0/16 via " + via
	}
	var gone []string
	for i := range 50 {
		gone = append(gone, fmt.Sprintf("route del 10.128.%d.0/24", i))
	}
	if err := d.rig.R.Run(t.lines[0]); err != nil {
		return err
	}
	if err := d.rig.R.Batch(gone); err != nil {
		return err
	}
	before := d.rig.arrived()
	for i := range reroutes {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if err := t.change(1 - i%2); err != nil {
			return err
		}
	}
	if t.words != nil {
		t.words.close()
	}
	fmt.Fprintf(d.out, "  %d changes under traffic (%d packets): %d packets took the old route after the command had returned.\n",
		t.effective, d.rig.arrived()-before, t.stale)
	if t.stale > 0 {
		return fmt.Errorf("bench: demo: %d stale packets", t.stale)
	}
	return nil
}

// summary shows what the kernel got and why.
func (d *demo) summary(agent *daemon) error {
	s, err := agent.status()
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out, "\nWhat took which path:")
	for _, i := range s.Interfaces {
		if i.Counters == nil {
			continue
		}
		fmt.Fprintf(d.out, "  %s: %d fast, %d by the kernel's own route lookup, %d handed to the kernel", i.Name, i.Counters.Fast, i.Counters.Live, i.Counters.Punted())
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(i.Counters.Punts)) {
			if n := i.Counters.Punts[reason]; n > 0 {
				why = append(why, fmt.Sprintf("%s %d", reason, n))
			}
		}
		if len(why) > 0 {
			fmt.Fprintf(d.out, " (%s)", strings.Join(why, ", "))
		}
		fmt.Fprintln(d.out)
	}
	fmt.Fprintln(d.out, "\nThe lab is taken down.")
	return nil
}
