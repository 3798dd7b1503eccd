package synth

import (
	"net/netip"

	"github.com/hone-net/hone/introspect"
)

// What happens to the configuration in the model of interleave_test.go.

// change moves hosts, routes and interfaces.
func (m *interleaved) change() {
	s := m.snapshot
	switch m.IntN(13) {
	case 0: // a host comes to be somebody else, behind another port
		m.neighbour(2)
		m.learn()
	case 1, 2:
		m.neighbour(2)
	case 3, 4, 5:
		m.neighbour(3)
	case 6:
		m.learn()
	case 7:
		l, _ := s.Links.Get(3)
		l.MAC[5], l.MTU = byte(1+m.IntN(2)), uint32(1400+m.IntN(2)*100)
		s.Links = s.Links.With(3, l)
	case 8, 9, 10:
		m.retag()
	default:
		dst := []string{"192.0.2.0/24", "192.0.2.0/26", "192.0.2.150/32", "192.0.2.128/25", "192.0.0.0/16"}[m.IntN(5)]
		hop := introspect.Hop{Index: introspect.Index(2 + m.IntN(2))}
		hop.Via = netipAddr(10<<24 | uint32(hop.Index-1)<<16 | uint32(2+m.IntN(2)))
		r := introspect.Route{Key: introspect.RouteKey{Dst: netip.MustParsePrefix(dst), Table: tableMain}, Type: 1, Hops: []introspect.Hop{hop}}
		if s.Routes4 = s.Routes4.With(r.Key, r); m.IntN(4) == 0 {
			s.Routes4 = s.Routes4.Without(r.Key)
		}
	}
}

// learn lets a bridge find somebody at another port.
func (m *interleaved) learn() {
	out := egressesOf(m.snapshot, 2)
	key := introspect.FDBKey{Bridge: out.bridge, MAC: host(1, byte(2+m.IntN(2))), VLAN: out.inside}
	m.snapshot.FDB = m.snapshot.FDB.With(key, introspect.FDBEntry{Key: key, Port: introspect.Index(5 + m.IntN(2))})
}

// retag changes the VLANs of devices on cards, and what those cards are, and how a port carries its VLAN.
func (m *interleaved) retag() {
	s := m.snapshot
	l, _ := s.Links.Get(introspect.Index(2 + m.IntN(2)))
	if lower, ok := below(s, l); ok && lower.Kind != kindBridge {
		l.VLAN.ID, l.Lower = uint16(20+m.IntN(2)), introspect.Index(5+m.IntN(2))
		s.Links = s.Links.With(l.Index, l)
	}
	key := introspect.VLANKey{Index: introspect.Index(5 + m.IntN(2)), VID: 10}
	if v, ok := s.VLANs.Get(key); ok {
		v.Untagged = m.IntN(2) == 0
		s.VLANs = s.VLANs.With(key, v)
	}
}

// neighbour changes one behind an interface.
func (m *interleaved) neighbour(dev introspect.Index) {
	key := introspect.NeighKey{Index: dev, Addr: netipAddr(10<<24 | uint32(dev-1)<<16 | uint32(2+m.IntN(2)))}
	n := introspect.Neigh{Key: key, MAC: host(byte(dev-1), byte(2+m.IntN(2))), HasMAC: true, State: []uint16{2, 4, 0x20}[m.IntN(3)], Type: 1}
	m.snapshot.Neighs = m.snapshot.Neighs.With(key, n)
}
