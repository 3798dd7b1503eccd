package oracle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// fault changes what hone makes of a configuration, to see that the comparison notices. The zero value changes nothing.
type fault struct {
	name     string
	program  func(*ir.Program)
	tables   func([]ir.Write) []ir.Write
	snapshot func(*introspect.Snapshot) // what hone believes of the configuration that it reads first
	kernel   []arrivals                 // what the kernel does after the change of a configuration, nil to find out
}

// machine is what honed does for r0, step by step and without its loop: the epochs move when the test says so.
type machine struct {
	bed     *bed
	kernel  emit.Kernel
	options synth.Options
	mode    fastpath.Mode
	watch   *introspect.Watcher // nil where nothing changes
	seen    *ebpf.Map
	host    *fastpath.Host
	ingress []*ingress
	fib     *synth.FIB
	epochs  slowpath.Epochs
	cause   string          // of a refusal
	refused slowpath.Reason // since the configuration has changed
	single  bool            // a port may be refused by itself
	fault   fault
}

// ingress is a port of the router that has a program.
type ingress struct {
	index   int
	port    *fastpath.Port // nil while there is none
	text    string         // of the running program, before it was specialized
	refused slowpath.Reason
}

// probe asks once what the kernel can do: that takes seconds on an emulated machine.
var probe = sync.OnceValues(fastpath.Probe)

// newMachine prepares hone for r0 and reads the configuration: once, or by a Watcher where it is going to change.
func (b *bed) newMachine(c config, f fault) (m *machine, s *introspect.Snapshot, err error) {
	return b.machineOf(c, f, len(c.alter) > 0)
}

func (b *bed) machineOf(c config, f fault, watched bool) (m *machine, s *introspect.Snapshot, err error) {
	m = &machine{bed: b, fault: f}
	if m.kernel, err = probe(); err != nil {
		return nil, nil, err
	}
	m.options = synth.Options{Hook: c.hook, VethTag: m.kernel.VethTag != nil,
		VethSummed: m.kernel.VethTag != nil && m.kernel.VethTag.SummedMask != 0, FIBLookup: m.kernel.FIBLookup, Ruleset: true, Tallies: true,
		Conntrack: m.kernel.Conntrack != nil, Accounts: m.kernel.Conntrack != nil && m.kernel.Conntrack.Accounts}
	if c.hook == "" {
		m.options.Hook = "xdp"
	}
	if c.hook == "xdp-generic" {
		m.mode = fastpath.Generic
	}
	for _, p := range b.net.Ports[:b.sides] {
		m.ingress = append(m.ingress, &ingress{index: p.Index})
	}
	if err := b.net.R.Do(func() error { s, err = m.read(watched); return err }); err != nil {
		m.close()
		return nil, nil, err
	}
	noteExpressions(s)
	return m, s, nil
}

func (m *machine) read(watched bool) (s *introspect.Snapshot, err error) {
	if !watched {
		m.seen, err = ebpf.NewMap(&ebpf.MapSpec{Name: emit.MapSeen, Type: ebpf.Array, KeySize: 4,
			ValueSize: 8 * uint32(slowpath.NumDomains), MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE})
		if err != nil {
			return nil, err
		}
		return introspect.Read(context.Background())
	}
	if m.watch, err = introspect.Watch(context.Background()); err != nil {
		return nil, err
	}
	m.seen = m.watch.Seen()
	s, m.epochs, err = m.watch.Next(context.Background())
	return s, err
}

// start puts hone's programs on the router; a Reason tells that there are none.
func (m *machine) start(s *introspect.Snapshot) (slowpath.Reason, error) {
	s = m.believed(s)
	if r := m.refusal(s, m.options); r != slowpath.None {
		return r, nil
	}
	if err := m.bed.net.R.Do(func() error { return m.install(s) }); err != nil {
		return slowpath.None, err
	}
	return slowpath.None, m.follow()
}

// believed is what hone takes the configuration for.
func (m *machine) believed(s *introspect.Snapshot) *introspect.Snapshot {
	if m.fault.snapshot == nil {
		return s
	}
	believed := *s
	m.fault.snapshot(&believed)
	return &believed
}

// install makes the host, its tables and the ports.
func (m *machine) install(s *introspect.Snapshot) (err error) {
	if m.host, err = fastpath.Open(m.kernel, m.seen); err != nil {
		return err
	}
	m.fib = synth.NewFIB(s)
	if err := m.image(); err != nil {
		return err
	}
	for _, i := range m.ingress {
		if err := m.attach(s, i); err != nil {
			return err
		}
	}
	m.vouch()
	return nil
}

// attach puts a program on a port, unless that is refused.
func (m *machine) attach(s *introspect.Snapshot, i *ingress) error {
	if i.refused != slowpath.None {
		return nil
	}
	spec, err := m.compile(s, i)
	if err != nil {
		return err
	}
	i.port, err = m.host.Attach(i.index, spec, m.mode)
	return err
}

// image writes the tables from nothing.
func (m *machine) image() error {
	if err := m.host.Tables(m.fib.Tables()); err != nil {
		return err
	}
	return m.write(m.fib.Image())
}

func (m *machine) write(writes []ir.Write) error {
	if m.fault.tables != nil {
		writes = m.fault.tables(writes)
	}
	return m.host.Write(writes)
}

// compile makes the program of a port; nil if that is the one that it has.
func (m *machine) compile(s *introspect.Snapshot, i *ingress) (*ebpf.CollectionSpec, error) {
	p, err := synth.Program(s, i.index, m.options, m.fib.Shape())
	if err != nil {
		return nil, err
	}
	if m.fault.program != nil {
		m.fault.program(p)
	}
	text := p.String()
	if text == i.text {
		return nil, nil
	}
	i.text, p = text, specialize.Run(p)
	if err := ir.Check(p); err != nil {
		return nil, fmt.Errorf("the program is not sound: %w\n%s", err, p)
	}
	for _, t := range p.Tables {
		if t.Kind.Tracks() {
			if err := m.host.Tables([]*ir.Table{t}); err != nil {
				return nil, err
			}
		}
	}
	return emit.Spec(p, m.kernel)
}

// move lets the kernel announce a change of routes, and of neighbours, that the program does not account for.
func (m *machine) move() error {
	e := m.epochs
	for d := range e {
		if slowpath.Domain(d) != slowpath.Config {
			e[d]++
		}
	}
	return m.seen.Put(uint32(0), e)
}

// follow makes program and tables account for the changes of the configuration, as honed does.
func (m *machine) follow() error {
	if m.watch == nil {
		return nil
	}
	end := time.Now().Add(lab.Patience(5 * time.Second))
	var seen slowpath.Epochs
	for {
		if err := m.seen.Lookup(uint32(0), &seen); err != nil {
			return err
		}
		if seen == m.epochs {
			return nil
		}
		if err := m.bed.net.R.Do(func() error { return m.step(end) }); err != nil {
			return fmt.Errorf("built %v, seen %v: %w", m.epochs, seen, err)
		}
	}
}

// step follows to the next configuration.
func (m *machine) step(end time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	s, epochs, err := m.watch.Next(ctx)
	if err != nil {
		return err
	}
	if m.single {
		s = m.believed(s)
	}
	if m.epochs = epochs; m.refuses(s) {
		m.park()
		return nil
	}
	if err := m.update(s); err != nil {
		return err
	}
	m.vouch()
	return nil
}

func (m *machine) park() {
	for _, i := range m.ingress {
		if i.port != nil {
			i.port.Park()
		}
	}
}

func (m *machine) vouch() {
	for _, i := range m.ingress {
		switch {
		case i.port == nil:
		case i.refused != slowpath.None:
			i.port.Park()
		default:
			i.port.Vouch(m.epochs)
		}
	}
}

// stats adds up what the programs have counted.
func (m *machine) stats() (sum fastpath.Stats, err error) {
	for _, i := range m.ingress {
		if i.port == nil {
			continue
		}
		s, err := i.port.Stats()
		if err != nil {
			return sum, err
		}
		sum.Fast += s.Fast
		sum.Live += s.Live
		for r, n := range s.Punts {
			sum.Punts[r] += n
		}
	}
	return sum, nil
}

// refuses tells whether no port is to have a fast path any more. The programs that are attached are ours.
func (m *machine) refuses(s *introspect.Snapshot) bool {
	o := m.options
	o.OurXDP = func(uint32) bool { return true }
	m.refused = m.refusal(s, o)
	return m.refused != slowpath.None
}

// refusal is why there is no fast path: because a port has none, or, where each port is by itself, because all have none.
func (m *machine) refusal(s *introspect.Snapshot, o synth.Options) (why slowpath.Reason) {
	some := false
	for _, i := range m.ingress {
		var cause string
		if i.refused, cause = synth.Refuse(s, i.index, o); i.refused == slowpath.None {
			some = true
		} else if why == slowpath.None {
			why, m.cause = i.refused, cause
		}
	}
	if some && m.single {
		return slowpath.None
	}
	return why
}

func (m *machine) close() {
	if m == nil {
		return
	}
	for _, i := range m.ingress {
		if i.port != nil {
			i.port.Close()
		}
	}
	if m.host != nil {
		m.host.Close()
	}
	if m.watch != nil {
		m.watch.Close()
	} else if m.seen != nil {
		m.seen.Close()
	}
}
