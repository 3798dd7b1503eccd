package introspect

import (
	"slices"

	"github.com/mdlayher/netlink"
)

// foldRoute keeps the order of equal routes as the kernel's fib_table_insert does: a replacement takes the place of the
// first of them, an appended one comes last, any other first. A dump shows them in order.
func foldRoute(s *Snapshot, m message, resync *Kind) (bool, error) {
	r, ok, err := decodeRoute(m.data)
	if err != nil || !ok {
		return false, err
	}
	before, equals := s.Routes4, s.equals(r.Key)
	same := slices.IndexFunc(equals, r.same)
	switch {
	case m.gone && same < 0:
		if len(equals) > 0 {
			*resync |= Routes // another than the one that we know: only the kernel can say what is left
		}
		return false, nil
	case m.gone:
		equals = slices.Delete(equals, same, same+1)
		s.Routes4 = s.Routes4.Without(keyAt(r.Key, len(equals)))
	case same >= 0:
		equals[same] = r // nexthop flags
	case m.flags&netlink.Replace != 0 && len(equals) > 0:
		equals[0] = r
	case m.flags&(netlink.Append|netlink.Multi) != 0:
		equals = append(equals, r)
	default:
		equals = slices.Insert(equals, 0, r)
	}
	for i, e := range equals {
		e.Key = keyAt(r.Key, i)
		s.Routes4 = s.Routes4.With(e.Key, e)
	}
	s.uses = s.uses.after(s.Routes4)
	return s.Routes4.root != before.root, nil
}

func keyAt(k RouteKey, i int) RouteKey {
	k.Seq = uint32(i)
	return k
}

// equals returns the routes that differ from k in Seq only, in order.
func (s *Snapshot) equals(k RouteKey) []Route {
	k.Seq = 0
	var all []Route
	for key, r := range s.Routes4.From(k) {
		if keyAt(key, 0) != k {
			break
		}
		all = append(all, r)
	}
	return all
}

// same tells whether two routes of equal keys are the same one to the kernel: alike in all but flags, which follow the
// state of the devices.
func (r Route) same(o Route) bool {
	o.Key, o.Flags = r.Key, r.Flags
	if r.Protocol != o.Protocol || len(r.Hops) != len(o.Hops) {
		return false
	}
	hops := slices.Clone(o.Hops)
	for i := range hops {
		hops[i].Flags = r.Hops[i].Flags
	}
	o.Hops = hops
	return r.Equal(o)
}
