package introspect

import (
	"fmt"
	"iter"
	"slices"

	"golang.org/x/sys/unix"
)

const (
	sizeofNhmsg   = 8
	sizeofNhGroup = 8
	nhaFDB        = 11
	nhaResGroup   = 12
	nhaResBucket  = 13
	nhaOpFlags    = 14
	nhaGroupStats = 15
	nhaHWStats    = 16
	nhaHWUsed     = 17
	groupHash     = 0 // NEXTHOP_GRP_TYPE_MPATH
	groupResil    = 1
)

// harmlessNexthop are the attributes of a nexthop object that forwarding does not depend on: statistics, and the
// buckets of a resilient group, which Resilient keeps from being compiled.
var harmlessNexthop = setOf(unix.NHA_UNSPEC, nhaResGroup, nhaResBucket, nhaOpFlags, nhaGroupStats, nhaHWStats,
	nhaHWUsed)

// decodeNexthop reads the payload of RTM_NEWNEXTHOP or RTM_DELNEXTHOP.
func decodeNexthop(b []byte) (n Nexthop, ok bool, err error) {
	if len(b) < sizeofNhmsg {
		return n, false, errShort
	}
	n.Hop.Flags = uint8(native.Uint32(b[4:]) & rtnhFlags)
	if err := attributes(b[sizeofNhmsg:], n.attribute); err != nil {
		return Nexthop{}, false, err
	}
	if n.ID == 0 {
		return Nexthop{}, false, errShort
	}
	n.Hop.Object = n.ID
	return n, true, nil
}

func (n *Nexthop) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.NHA_ID:
		return set(&n.ID, readU32, data)
	case unix.NHA_GROUP:
		return n.group(data)
	case unix.NHA_GROUP_TYPE:
		return n.groupType(data)
	case unix.NHA_BLACKHOLE:
		n.Blackhole = true
	case nhaFDB:
		n.FDB = true
	case unix.NHA_OIF:
		return set(&n.Hop.Index, readIndex, data)
	case unix.NHA_GATEWAY:
		return set(&n.Hop.Via, readAddr, data)
	case unix.NHA_ENCAP_TYPE:
		return set(&n.Hop.Encap, readU16, data)
	case unix.NHA_ENCAP:
	default:
		harmlessNexthop.note(&n.Unknown, kind)
	}
	return nil
}

func (n *Nexthop) group(b []byte) error {
	if len(b)%sizeofNhGroup != 0 {
		return fmt.Errorf("group of %d bytes", len(b))
	}
	for ; len(b) > 0; b = b[sizeofNhGroup:] {
		n.Group = append(n.Group, Member{native.Uint32(b), uint16(b[4]) | uint16(b[5])<<8})
	}
	return nil
}

func (n *Nexthop) groupType(data []byte) error {
	t, err := readU16(data)
	n.Resilient = t == groupResil
	if err == nil && t != groupHash && t != groupResil {
		n.Unknown = append(n.Unknown, fmt.Sprintf("group-type-%d", t))
	}
	return err
}

func foldNexthop(s *Snapshot, m message, e *Effect) (bool, error) {
	n, ok, err := decodeNexthop(m.data)
	if err != nil || !ok {
		return false, err
	}
	changed := put(&s.Nexthops, m.gone, Index(n.ID), n)
	if m.gone {
		e.Resync |= s.using(n.ID) // its routes are flushed in silence
	} else {
		e.Resync |= s.misshown(n)
	}
	return changed, nil
}

// using tells which kinds hold objects that use a nexthop object.
func (s *Snapshot) using(id uint32) Kind {
	kinds := Kind(0)
	for group := range s.groupsWith(id) {
		kinds |= Nexthops
		kinds |= s.usedBy(use{object: true, id: group})
	}
	return kinds | s.usedBy(use{object: true, id: Index(id)})
}

// groupsWith ranges over the groups with a nexthop object.
func (s *Snapshot) groupsWith(id uint32) iter.Seq2[Index, Nexthop] {
	return func(yield func(Index, Nexthop) bool) {
		for group, n := range s.Nexthops.All() {
			if slices.ContainsFunc(n.Group, func(m Member) bool { return m.ID == id }) && !yield(group, n) {
				return
			}
		}
	}
}

// misshown tells which kinds hold routes that are shown as blackholes where their nexthop object is none, or the reverse:
// their own type shows only while the object is none.
func (s *Snapshot) misshown(n Nexthop) Kind {
	kinds := s.shown(n)
	if !n.Blackhole && !s.holed() {
		return kinds
	}
	for _, group := range s.groupsWith(n.ID) {
		kinds |= s.shown(group)
	}
	return kinds
}

func (s *Snapshot) shown(n Nexthop) Kind {
	hole := n.Blackhole
	if len(n.Group) == 1 {
		member, _ := s.Nexthops.Get(Index(n.Group[0].ID))
		hole = member.Blackhole
	}
	return s.usedIn(use{object: true, id: Index(n.ID)}, func(state uint8) bool { return state != holed(hole) })
}

// holed tells whether any route to a nexthop object is shown as a blackhole.
func (s *Snapshot) holed() bool {
	return s.uses4.after(s.Routes4, false).holes > 0 || s.uses6.after(s.Routes6, true).holes > 0
}
