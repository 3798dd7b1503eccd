package oracle

import (
	"context"
	"fmt"
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
	port    *fastpath.Port
	fib     *synth.FIB
	text    string // of the running program
	epochs  slowpath.Epochs
	cause   string          // of a refusal
	refused slowpath.Reason // since the configuration has changed
	fault   fault
}

// newMachine prepares hone for r0 and reads the configuration: once, or by a Watcher where it is going to change.
func (b *bed) newMachine(c config, f fault) (m *machine, s *introspect.Snapshot, err error) {
	m = &machine{bed: b, fault: f}
	if m.kernel, err = fastpath.Probe(); err != nil {
		return nil, nil, err
	}
	m.options = synth.Options{Hook: c.hook, VethTag: m.kernel.VethTag != nil,
		VethSummed: m.kernel.VethTag != nil && m.kernel.VethTag.SummedMask != 0, FIBLookup: m.kernel.FIBLookup}
	if c.hook == "" {
		m.options.Hook = "xdp"
	}
	if c.hook == "xdp-generic" {
		m.mode = fastpath.Generic
	}
	if err := b.net.R.Do(func() error { s, err = m.read(len(c.alter) > 0); return err }); err != nil {
		m.close()
		return nil, nil, err
	}
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

// start puts hone's program on r0; a Reason tells that there is none.
func (m *machine) start(s *introspect.Snapshot) (slowpath.Reason, error) {
	if m.fault.snapshot != nil {
		believed := *s
		m.fault.snapshot(&believed)
		s = &believed
	}
	if r, cause := synth.Refuse(s, m.bed.net.Ports[0].Index, m.options); r != slowpath.None {
		m.cause = cause
		return r, nil
	}
	if err := m.bed.net.R.Do(func() error { return m.install(s) }); err != nil {
		return slowpath.None, err
	}
	return slowpath.None, m.follow()
}

// install makes the host, its tables and the port.
func (m *machine) install(s *introspect.Snapshot) (err error) {
	if m.host, err = fastpath.Open(m.kernel, m.seen); err != nil {
		return err
	}
	m.fib = synth.NewFIB(s)
	if err := m.image(); err != nil {
		return err
	}
	spec, err := m.compile(s)
	if err != nil {
		return err
	}
	if m.port, err = m.host.Attach(m.bed.net.Ports[0].Index, spec, m.mode); err != nil {
		return err
	}
	m.port.Vouch(m.epochs)
	return nil
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

// compile makes the program of r0.
func (m *machine) compile(s *introspect.Snapshot) (*ebpf.CollectionSpec, error) {
	p, err := synth.Program(s, m.bed.net.Ports[0].Index, m.options, m.fib.Shape())
	if err != nil {
		return nil, err
	}
	if m.fault.program != nil {
		m.fault.program(p)
	}
	p = specialize.Run(p)
	if err := ir.Check(p); err != nil {
		return nil, fmt.Errorf("the program is not sound: %w\n%s", err, p)
	}
	m.text = p.String()
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
	end := time.Now().Add(lab.Patience(2 * time.Second))
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
	if m.epochs = epochs; m.refuses(s) {
		m.port.Park()
		return nil
	}
	if err := m.update(s); err != nil {
		return err
	}
	m.port.Vouch(epochs)
	return nil
}

// refuses tells whether r0 is to have no fast path any more. The program that is attached is ours.
func (m *machine) refuses(s *introspect.Snapshot) bool {
	o := m.options
	o.OurXDP = func(uint32) bool { return true }
	m.refused, _ = synth.Refuse(s, m.bed.net.Ports[0].Index, o)
	return m.refused != slowpath.None
}

// update brings tables and program up to date.
func (m *machine) update(s *introspect.Snapshot) error {
	writes, reshaped := m.fib.Update(s)
	apply := func() error { return m.write(writes) }
	if reshaped {
		apply = m.image
	}
	if err := apply(); err != nil {
		return err
	}
	old := m.text
	spec, err := m.compile(s)
	if err != nil || !reshaped && m.text == old {
		return err
	}
	return m.port.Swap(spec)
}

// aside runs f while every packet goes to the kernel.
func (m *machine) aside(f func() error) error {
	m.port.Park()
	defer func() {
		if m.refused == slowpath.None {
			m.port.Vouch(m.epochs)
		}
	}()
	return f()
}

func (m *machine) close() {
	if m == nil {
		return
	}
	if m.port != nil {
		m.port.Close()
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
