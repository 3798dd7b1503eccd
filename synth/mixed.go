package synth

import "github.com/hone-net/hone/introspect"

// use is what the kernel leaves with a nexthop object for the first route whose packets take it (nhc_rth_input,
// rt6i_pcpu). Other routes to the object then find that, not what they say themselves.
type use struct {
	kind    uint8
	mtu     uint32
	locked  bool
	unknown bool
}

func useOf(r introspect.Route) use {
	return use{kind: r.Type, mtu: r.MTU, locked: r.MTULock, unknown: len(r.Unknown) > 0}
}

// uses counts the routes of a family, of all tables, by their nexthop object.
type uses struct {
	objects map[uint32]map[use]int
	kinds   map[use]int
	moved   bool // since mixtures was asked
}

func newUses() uses {
	return uses{objects: map[uint32]map[use]int{}, kinds: map[use]int{}}
}

func (u *uses) add(r introspect.Route, n int) {
	if r.Object == 0 {
		return
	}
	kind, of := useOf(r), u.objects[r.Object]
	if of == nil {
		of = map[use]int{}
		u.objects[r.Object] = of
	}
	before := of[kind]
	count(of, kind, n)
	count(u.kinds, kind, n)
	if len(of) == 0 {
		delete(u.objects, r.Object)
	}
	u.moved = u.moved || (before == 0) != (of[kind] == 0)
}

// mixtures are the objects with a nexthop that different uses are made of: which of them a packet finds depends on which
// packet came first.
func (u *uses) mixtures(s *introspect.Snapshot) map[uint32]bool {
	u.moved = false
	mixed := map[uint32]bool{}
	if len(u.kinds) < 2 {
		return mixed
	}
	of := map[uint32]map[use]bool{} // by single nexthop
	for object, kinds := range u.objects {
		for _, m := range members(s, object) {
			if of[m] == nil {
				of[m] = map[use]bool{}
			}
			for k := range kinds {
				of[m][k] = true
			}
		}
	}
	for object := range u.objects {
		for _, m := range members(s, object) {
			mixed[object] = mixed[object] || len(of[m]) > 1
		}
		if !mixed[object] {
			delete(mixed, object)
		}
	}
	return mixed
}

// members are the single nexthops of an object: those of a group, or itself.
func members(s *introspect.Snapshot, object uint32) []uint32 {
	n, _ := s.Nexthops.Get(introspect.Index(object))
	if len(n.Group) == 0 {
		return []uint32{object}
	}
	all := make([]uint32, len(n.Group))
	for i, m := range n.Group {
		all[i] = m.ID
	}
	return all
}
