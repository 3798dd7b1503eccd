package introspect

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Between two parts of a dump of IPv4 routes the kernel keeps the address at which it stopped, and how many of the routes
// to that address it has passed (fn_trie_dump_leaf). If one of these goes meanwhile, another that nobody has touched is
// passed over, and if all go, one to the next address is; nothing says so. What a dump may lack stands thus where two of
// its parts meet, and only if something has changed there.

// seam is where two parts of a dump meet: from the last address that was shown to the next one, both included.
type seam struct{ from, to netip.Addr }

// seams are those of a dump, or some of them.
type seams struct {
	between []seam   // apart from each other, in order
	after   RouteKey // the last route, if the dump went on after it without showing any more; else the zero RouteKey
}

var (
	firstAddr4 = netip.AddrFrom4([4]byte{})
	lastAddr4  = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	everywhere = seam{firstAddr4, lastAddr4} // from one table to another
)

// tablePlaces is how many places the kernel has for IPv4 tables (FIB_TABLE_HASHSZ), which it shows in their order.
const tablePlaces = 256

func (s seams) any() bool { return len(s.between) > 0 || s.ends() }

func (s seams) ends() bool { return s.after.Dst.IsValid() }

// everywhere tells whether nothing at all can be believed.
func (s seams) everywhere() bool { return len(s.between) > 0 && s.between[0] == everywhere }

// find is the first seam between two addresses.
func (s seams) find(from, to netip.Addr) (at int, found bool) {
	at, _ = slices.BinarySearchFunc(s.between, from, func(s seam, a netip.Addr) int { return s.to.Compare(a) })
	return at, at < len(s.between) && s.between[at].from.Compare(to) <= 0
}

// hold tells whether the routes of a key lie at a seam.
func (s seams) hold(k RouteKey) bool {
	_, found := s.find(k.Dst.Addr(), k.Dst.Addr())
	return found || s.behind(k)
}

// behind tells whether a key stands behind the last route: in its table, or in one that is shown later.
func (s seams) behind(k RouteKey) bool {
	return s.ends() && s.after.Dst.Addr().Compare(k.Dst.Addr()) <= 0 && k.Table%tablePlaces >= s.after.Table%tablePlaces
}

// of are those of the seams that lie at others, too.
func (s seams) of(others seams) (both seams) {
	for _, b := range s.between {
		if _, found := others.find(b.from, b.to); found || others.ends() && others.after.Dst.Addr().Compare(b.to) <= 0 {
			both.between = append(both.between, b)
		}
	}
	if _, found := others.find(s.after.Dst.Addr(), lastAddr4); s.ends() && (found || others.ends()) {
		both.after = s.after
	}
	return both
}

// keys adds those of a Snapshot's routes that lie there.
func (s seams) keys(of *Snapshot, keys map[RouteKey]bool) map[RouteKey]bool {
	if keys == nil {
		keys = map[RouteKey]bool{}
	}
	stretches := slices.Clone(s.between)
	if s.ends() {
		stretches = append(stretches, seam{s.after.Dst.Addr(), lastAddr4})
	}
	for _, s := range stretches {
		for k := range of.Routes4.From(RouteKey{Dst: netip.PrefixFrom(s.from, 0)}) {
			if k.Dst.Addr().Compare(s.to) > 0 {
				break
			}
			keys[keyAt(k, 0)] = true
		}
	}
	return keys
}

// seams are where the parts of a dump meet, before it is put in order. After a part that did not end the dump something may
// be missed even if nothing was shown any more.
func (b *routeBuilder) seams() (s seams) {
	var all []seam
	for _, at := range b.parts {
		switch {
		case at == len(b.routes) && at > 0:
			s.after = b.routes[at-1].key
		case at == 0 || b.routes[at-1].key.Table != b.routes[at].key.Table:
			all = append(all, everywhere)
		default:
			all = append(all, seam{b.routes[at-1].key.Dst.Addr(), b.routes[at].key.Dst.Addr()})
		}
	}
	slices.SortFunc(all, func(a, b seam) int { return a.from.Compare(b.from) })
	for _, next := range all {
		last := len(s.between) - 1
		switch {
		case last < 0 || s.between[last].to.Compare(next.from) < 0:
			s.between = append(s.between, next)
		case s.between[last].to.Compare(next.to) < 0:
			s.between[last].to = next.to
		}
	}
	return s
}

// torn are the seams of a dump at which something has changed since it began.
func (t *staleRoutes) torn(all seams) (torn seams) {
	if t.shaken || !all.any() {
		return all
	}
	changed := make([]bool, len(all.between))
	for k := range t.window {
		if at, found := all.find(k.Dst.Addr(), k.Dst.Addr()); found {
			changed[at] = true
		}
		if all.behind(k) {
			torn.after = all.after
		}
	}
	for at, s := range all.between {
		if changed[at] {
			torn.between = append(torn.between, s)
		}
	}
	return torn
}

// takesRoutes4 tells whether IPv4 routes may go in silence with a message: with a link that goes, goes down or changes its
// master, with an address, and with the first rule, before which local and main are one table.
func (s *Snapshot) takesRoutes4(m netlink.Message) bool {
	switch uint16(m.Header.Type) {
	case unix.RTM_DELLINK:
		return true
	case unix.RTM_DELADDR:
		return m.Data[0] == unix.AF_INET
	case unix.RTM_NEWRULE:
		const unchanged = 3
		return m.Data[0] == unix.AF_INET && s.Rules4.Len() <= unchanged
	case unix.RTM_NEWLINK:
		l, ok, err := decodeLink(m.Data)
		old, known := s.Links.Get(l.Index)
		return err != nil || ok && known && (old.Flags&^l.Flags&unix.IFF_UP != 0 || l.Master != old.Master)
	}
	return false
}

// dumped is a Snapshot with routes of one kind read anew, and where the parts of the dump of those of IPv4 meet.
type dumped struct {
	*Snapshot
	met seams
}

// dumpRoutes reads the routes of a kind. As long as nothing changes before them, the parts of a dump meet in the same places
// each time, and so might what changes all the time: every other try takes a new socket, on which the first part is
// shorter than the others.
func (w *Watcher) dumpRoutes(k Kind, restless int) (d dumped, err error) {
	c := w.route
	if k == Routes4 && restless%2 == 1 {
		if c, err = dialRoute(); err != nil {
			return d, err
		}
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	n := *w.s
	if d.met, err = n.reloadRoutes(c, k); err != nil {
		return d, fmt.Errorf("introspect: dump %v: %w", k, err)
	}
	d.Snapshot = &n
	return d, nil
}
