package oracle

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hone-net/hone/slowpath"
)

// accelerate gives the twin its programs: to each port that is not refused.
func (t *trialLAN) accelerate(f fault) error {
	m, s, err := t.two.machineOf(t.c.config, f, true)
	if err != nil {
		return err
	}
	t.m, m.single, m.ingress = m, true, m.ingress[:t.accelerated()]
	if t.o.refused, err = m.start(s); err != nil {
		return err
	}
	some := false
	for _, i := range m.ingress[:bridgePorts] {
		if t.o.alone = append(t.o.alone, i.refused); i.refused == slowpath.None {
			some = true
		}
	}
	if some {
		return nil
	}
	// Those of other ports go on.
	t.o.refused, t.o.cause = m.ingress[0].refused, m.cause
	return nil
}

// accelerated is how many ports may have programs: those of the bridge, and more where frames come in by them.
func (t *trialLAN) accelerated() int {
	if t.c.routed || len(t.c.members) > 0 || len(t.c.alter) > 0 {
		return lanPorts
	}
	return bridgePorts
}

// judge compares the kernel with the twin: while programs and tables follow what the bridge learns, but not before each
// batch; while they do not, though stations that nobody has seen come or the configuration changes; and after that.
func (t *trialLAN) judge(f fault, n int) error {
	if err := t.run("greetings", t.gen.greetings(), nil); err != nil {
		return err
	}
	if err := t.accelerate(f); err != nil || t.o.refused != slowpath.None && t.m.host == nil && len(t.c.alter) == 0 {
		return err
	}
	// The first frame of each goes to the kernel.
	if err := t.run("greetings again", t.gen.greetings(), nil); err != nil {
		return err
	}
	if err := t.run("fast", t.gen.entries(n), t.keepUp); err != nil {
		return err
	}
	t.two.each = nil
	if err := t.behind(n / 4); err != nil {
		return err
	}
	t.two.each = t.follow
	return t.run("after", t.gen.entries(n/2), nil)
}

// keepUp follows before most batches and, now and then, within them; before one it lets the bridge's entries age.
func (t *trialLAN) keepUp(batch int) error {
	t.two.each = nil
	if batch > 0 && t.gen.IntN(4) == 0 {
		return nil
	}
	t.two.each = func() error {
		if t.gen.IntN(2) == 0 {
			return nil
		}
		return t.follow()
	}
	if err := t.follow(); err != nil {
		return err
	}
	if batch == 3 {
		return t.m.age()
	}
	return nil
}

func (t *trialLAN) follow() error {
	if t.m.host == nil {
		return nil
	}
	return t.m.follow()
}

// behind plays frames after a change that is not followed.
func (t *trialLAN) behind(n int) error {
	if err := t.follow(); err != nil {
		return err
	}
	if len(t.c.alter) > 0 {
		if err := t.alter(); err != nil {
			return err
		}
	} else if err := t.run("discovery", t.gen.discovery(20), nil); err != nil {
		return err
	}
	t.gen.still = t.c.still
	defer func() { t.gen.still = false }()
	return t.run("behind", t.gen.entries(n), nil)
}

// age asks for one frame from each station that is known, as the agent does in time.
func (m *machine) age() error {
	if m.host == nil || m.fib == nil {
		return nil
	}
	for bridge := range m.fib.AgeEvery() {
		if err := m.host.Write(m.fib.Age(bridge, m.host.Read)); err != nil {
			return err
		}
	}
	return nil
}

// runs of the programs: the others are for what they find.
var programRuns = []string{"fast", "behind", "after"}

// judged runs a configuration once, and, where something differs, from the beginning once more: what does not differ again
// is the kernel's timers.
func judged(t *testing.T, made *trialLAN, f fault, seed uint64, n int) outcome {
	t.Helper()
	goOn(t, made.c, made.judge(f, n))
	made.close()
	if len(made.o.findings) == 0 {
		return made.o.told()
	}
	again := startLAN(t, made.c, seed)
	time.Sleep(again.c.settles)
	goOn(t, again.c, again.judge(f, n))
	if len(again.o.findings) == 0 {
		again.o.unsteady, again.o.last = len(made.o.findings), made.o.findings[0]
	}
	return again.o.told()
}

// told leaves what the golden file has: the runs of the programs, and what most of their packets are left to the kernel for.
func (o outcome) told() outcome {
	for name := range o.runs {
		if !slices.Contains(programRuns, name) {
			delete(o.runs, name)
		}
	}
	s := o.runs["fast"]
	for r, n := range s.Punts {
		if r := slowpath.Reason(r); int(n)*12 > o.sent["fast"] && r != slowpath.Multicast && r != slowpath.Moved { // as sentinels are
			o.why = append(o.why, r)
		}
	}
	return o
}

// sayLAN tells what became of the frames of a configuration.
func sayLAN(o *outcome) string { return fmt.Sprintf("%s; left to the kernel: %s", o, o.left("fast")) }
