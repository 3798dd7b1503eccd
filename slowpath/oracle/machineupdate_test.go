package oracle

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// update brings tables and programs up to date.
func (m *machine) update(s *introspect.Snapshot) error {
	writes, reshaped := m.fib.Update(s)
	m.host.Drop(m.fib.Gone())
	if m.fib.Grew() {
		if err := m.host.Tables(m.fib.Tables()); err != nil {
			return err
		}
	}
	if m.fib.Settles() {
		m.host.Settle()
	}
	apply := func() error { return m.write(writes) }
	if reshaped {
		apply = m.image
	}
	if err := apply(); err != nil {
		return err
	}
	if rested := m.fib.Written(); rested != nil {
		m.host.Later(rested)
	}
	for _, i := range m.ingress {
		if err := m.renew(s, i, reshaped); err != nil {
			return err
		}
	}
	return nil
}

// renew gives a port another program if it has to have one.
func (m *machine) renew(s *introspect.Snapshot, i *ingress, reshaped bool) error {
	if i.port == nil {
		return m.attach(s, i)
	}
	if i.refused != slowpath.None {
		return nil
	}
	if reshaped {
		i.text = ""
	}
	spec, err := m.compile(s, i)
	if err != nil || spec == nil {
		return err
	}
	return i.port.Swap(spec, slowpath.Parked())
}

// aside runs f while every packet goes to the kernel.
func (m *machine) aside(f func() error) error {
	m.park()
	defer func() {
		if m.refused == slowpath.None {
			m.vouch()
		}
	}()
	return f()
}
