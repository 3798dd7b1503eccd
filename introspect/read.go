package introspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Read takes one full dump of what the calling thread's network namespace is configured to do.
func Read(ctx context.Context) (*Snapshot, error) {
	c, err := dialRoute()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	s, err := new(Snapshot).reload(c, Announced)
	if err == nil {
		s, err = readSilent(s)
	}
	if err == nil {
		s, err = readLocked(s)
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("introspect: read: %w", cause)
	}
	return s, err
}

// reload returns the Snapshot with all objects of some kinds dumped anew. It is the same pointer if nothing differs, and
// it shares with s what does not differ.
func (s *Snapshot) reload(c *netlink.Conn, kinds Kind) (*Snapshot, error) {
	n := *s
	for k := Links; k < Silent; k <<= 1 {
		if kinds&k == 0 {
			continue
		}
		if err := n.reloadKind(c, k); err != nil {
			return s, fmt.Errorf("introspect: dump %v: %w", k, err)
		}
	}
	if n == *s {
		return s, nil
	}
	return &n, nil
}

func (s *Snapshot) reloadKind(c *netlink.Conn, k Kind) error {
	switch k {
	case Routes4, Routes6:
		_, err := s.reloadRoutes(c, k)
		return err
	case Filters:
		return s.reloadFilters(c)
	case FDB:
		return s.reloadFDB(c)
	}
	fresh := s.Drop(k)
	for _, r := range requests[k] {
		base := fresh
		err := ask(c, r, func() { fresh = base }, func(m netlink.Message) (err error) {
			fresh, _, err = fresh.Fold(m)
			return err
		})
		if err != nil && !lacks(k, r, err) {
			return err
		}
	}
	s.adopt(fresh.keepFeatures(s))
	return nil
}

// lacks tells whether an error says that the kernel has no objects of a kind: it is older, or was started without IPv6.
func lacks(k Kind, r request, err error) bool {
	six := r.body[0] == unix.AF_INET6
	return six && errors.Is(err, unix.EAFNOSUPPORT) || (six || k == Nexthops || k == VLANs) && errors.Is(err, unix.EOPNOTSUPP)
}

// adopt takes the content of another Snapshot and keeps the trees of its own as far as they say the same.
func (s *Snapshot) adopt(o *Snapshot) {
	s.Links = o.Links.onto(s.Links)
	s.Addrs = o.Addrs.onto(s.Addrs)
	s.Rules4 = o.Rules4.onto(s.Rules4)
	s.Rules6 = o.Rules6.onto(s.Rules6)
	s.Nexthops = o.Nexthops.onto(s.Nexthops)
	s.Neighs = o.Neighs.onto(s.Neighs)
	s.VLANs = o.VLANs.onto(s.VLANs)
	s.Netconf = o.Netconf.onto(s.Netconf)
	s.Netconf6 = o.Netconf6.onto(s.Netconf6)
	s.Qdiscs = o.Qdiscs.onto(s.Qdiscs)
	s.Filters = o.Filters.onto(s.Filters)
}

// keepFeatures takes over what a dump of links does not carry.
func (s *Snapshot) keepFeatures(old *Snapshot) *Snapshot {
	n := *s
	for i, l := range s.Links.All() {
		o, _ := old.Links.Get(i)
		l.silentFrom(o)
		n.Links = n.Links.With(i, l)
	}
	return &n
}

// reloadRoutes builds the tree of a full table at once: a million insertions would cost ten times as much. Of IPv4 it
// tells where the parts of the dump meet.
func (s *Snapshot) reloadRoutes(c *netlink.Conn, k Kind) (met seams, err error) {
	var b routeBuilder
	err = askParts(c, requests[k][0], b.again, func(m netlink.Message) error {
		if len(m.Data) > 0 && m.Data[0] != requests[k][0].body[0] {
			return nil // a kernel without IPv6 shows all routes that it has
		}
		return b.add(m)
	}, b.part)
	if err != nil {
		return met, err
	}
	if k == Routes4 {
		met = b.seams()
	}
	routes := s.routes(k)
	*routes = b.build().onto(*routes)
	s.countUses()
	if k == Routes6 {
		entries, err := countedEntries()
		known := s.entries6()
		s.hidden6, s.pieces6 = entries != known && (entries >= 0 || known > 0), b.pieces > 1
		return met, err
	}
	return met, nil
}

// routeBuilder collects the entries of the tree as a dump shows them.
type routeBuilder struct {
	routes []*node[RouteKey, Route]
	pieces int   // parts that the dump came in
	parts  []int // how many routes there were after each that was not its end
}

func (b *routeBuilder) again() { *b = routeBuilder{routes: b.routes[:0], parts: b.parts[:0]} }

func (b *routeBuilder) part(last bool) {
	if b.pieces++; !last {
		b.parts = append(b.parts, len(b.routes))
	}
}

func (b *routeBuilder) add(m netlink.Message) error {
	if m.Header.Type != unix.RTM_NEWROUTE {
		return nil
	}
	r, ok, err := decodeRoute(m.Data)
	if err != nil || !ok {
		return err
	}
	b.routes = append(b.routes, seed(r.Key, r.kept()))
	return nil
}

// build numbers the routes of equal keys in the order of the dump.
func (b *routeBuilder) build() Map[RouteKey, Route] {
	slices.SortStableFunc(b.routes, func(x, y *node[RouteKey, Route]) int { return x.key.Compare(y.key) })
	var s spine[RouteKey, Route]
	var equals []*node[RouteKey, Route]
	for _, n := range b.routes {
		if len(equals) > 0 && equals[0].key != n.key {
			equals = equals[:0]
		}
		if n.key.six() && slices.ContainsFunc(equals, again(n)) {
			continue
		}
		equals = append(equals, n)
		if seq := len(equals) - 1; seq > 0 {
			n = seed(keyAt(n.key, seq), n.value)
		}
		s.add(n)
	}
	return Map[RouteKey, Route]{chain(s)}
}

const (
	classIngress = 0xfffffff2 // TC_H_CLSACT with TC_H_MIN_INGRESS
	classEgress  = 0xfffffff3
)

// reloadFilters asks every queueing discipline that can hold filters for them.
func (s *Snapshot) reloadFilters(c *netlink.Conn) error {
	fresh := s.Drop(Filters)
	for k, q := range s.Qdiscs.All() {
		for _, parent := range filterParents(q) {
			err := ask(c, request{unix.RTM_GETTFILTER, filterRequest(k.Index, parent)}, func() {}, func(m netlink.Message) error {
				f, err := decodeFilter(m.Data)
				f.Key.Index = k.Index // one on a shared block names no device
				if err == nil && m.Header.Type == unix.RTM_NEWTFILTER {
					fresh.Filters = fresh.Filters.With(f.Key, f)
				}
				return err
			})
			if err != nil && !gone(err) {
				return err
			}
		}
	}
	s.Filters = fresh.Filters.onto(s.Filters)
	return nil
}

// filterParents are the places of a queueing discipline where filters may stand. Those on classes need none: a device
// with a classful discipline is not compiled.
func filterParents(q Qdisc) []uint32 {
	switch {
	case q.Key.Handle == 0:
		return nil // a default one
	case q.Kind == "clsact":
		return []uint32{classIngress, classEgress}
	}
	return []uint32{q.Key.Handle}
}

func filterRequest(i Index, parent uint32) []byte {
	b := header(sizeofTcmsg, unix.AF_UNSPEC)
	native.PutUint32(b[4:], uint32(i))
	native.PutUint32(b[12:], parent)
	return b
}

// gone says that the device or discipline went away meanwhile (of which a notification tells) or takes no filters.
func gone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOENT)
}
