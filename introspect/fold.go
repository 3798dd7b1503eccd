package introspect

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Fold applies one rtnetlink message, of a dump or a notification, and returns the Snapshot after it: the same pointer
// if it changes nothing. Messages of other types and families change nothing.
func (s *Snapshot) Fold(m netlink.Message) (*Snapshot, Effect, error) {
	f, ok := folds[uint16(m.Header.Type)]
	if !ok {
		return s, Effect{}, nil
	}
	next, e := *s, Effect{}
	changed, err := f.run(&next, message{f.gone, s.hidden6, m.Header.Flags, m.Data}, &e)
	if err != nil {
		return s, Effect{}, fmt.Errorf("introspect: decode %s: %w", f.name, err)
	}
	if !changed {
		return s, e, nil
	}
	return &next, e, nil
}

// message is a netlink message as the folds want it.
type message struct {
	gone   bool // it says that the object is deleted
	hidden bool // there are IPv6 routes that a dump does not show
	flags  netlink.HeaderFlags
	data   []byte
}

type fold struct {
	name string
	gone bool
	run  func(s *Snapshot, m message, e *Effect) (changed bool, err error)
}

var folds = map[uint16]fold{
	unix.RTM_NEWLINK:    {"link", false, foldLink},
	unix.RTM_DELLINK:    {"link", true, foldLink},
	unix.RTM_NEWADDR:    {"addr", false, foldAddr},
	unix.RTM_DELADDR:    {"addr", true, foldAddr},
	unix.RTM_NEWROUTE:   {"route", false, foldRoute},
	unix.RTM_DELROUTE:   {"route", true, foldRoute},
	unix.RTM_NEWRULE:    {"rule", false, foldRule},
	unix.RTM_DELRULE:    {"rule", true, foldRule},
	unix.RTM_NEWNEXTHOP: {"nexthop", false, foldNexthop},
	unix.RTM_DELNEXTHOP: {"nexthop", true, foldNexthop},
	unix.RTM_NEWNEIGH:   {"neigh", false, foldNeigh},
	unix.RTM_DELNEIGH:   {"neigh", true, foldNeigh},
	unix.RTM_NEWNETCONF: {"netconf", false, foldNetconf},
	unix.RTM_DELNETCONF: {"netconf", true, foldNetconf},
	unix.RTM_NEWVLAN:    {"vlan", false, foldVLAN},
	unix.RTM_DELVLAN:    {"vlan", true, foldVLAN},
	rtmNewPrefix:        {"prefix", false, foldPrefix},
	unix.RTM_NEWQDISC:   {"qdisc", false, foldQdisc},
	unix.RTM_DELQDISC:   {"qdisc", true, foldQdisc},
	unix.RTM_NEWTFILTER: {"filter", false, foldFilter},
	unix.RTM_DELTFILTER: {"filter", true, foldFilter},
}

// foldPrefix takes the prefix of a router's advertisement: the kernel gives its route an end, or another, in silence.
func foldPrefix(_ *Snapshot, _ message, e *Effect) (bool, error) {
	e.Resync |= Routes6
	return false, nil
}

// put stores or removes an entry and tells whether that changed the Map.
func put[K Key[K], V Object[V]](m *Map[K, V], gone bool, k K, v V) bool {
	old := *m
	if gone {
		*m = m.Without(k)
	} else {
		*m = m.With(k, v)
	}
	return m.root != old.root
}

// Drop returns the Snapshot without the objects of these kinds. TCX programs, which no dump shows, stay among the Filters.
func (s *Snapshot) Drop(k Kind) *Snapshot {
	n := *s
	clearIf(&n.Links, k&Links)
	clearIf(&n.Addrs, k&Addrs)
	clearIf(&n.Routes4, k&Routes4)
	clearIf(&n.Routes6, k&Routes6)
	n.countUses()
	clearIf(&n.Rules4, k&Rules)
	clearIf(&n.Rules6, k&Rules)
	clearIf(&n.Nexthops, k&Nexthops)
	clearIf(&n.Neighs, k&Neighs)
	clearIf(&n.FDB, k&FDB)
	clearIf(&n.VLANs, k&VLANs)
	clearIf(&n.Netconf, k&Netconfs)
	clearIf(&n.Netconf6, k&Netconfs)
	clearIf(&n.Qdiscs, k&Qdiscs)
	if k&Filters != 0 {
		n.Filters = keep(n.Filters, func(f FilterKey) bool { return f.Kind == kindTCX })
	}
	return &n
}

func clearIf[K Key[K], V Object[V]](m *Map[K, V], k Kind) {
	if k != 0 {
		*m = Map[K, V]{}
	}
}

// keep returns the entries of m whose keys pass.
func keep[K Key[K], V Object[V]](m Map[K, V], pass func(K) bool) Map[K, V] {
	kept := m
	for k := range m.All() {
		if !pass(k) {
			kept = kept.Without(k)
		}
	}
	return kept
}
