package introspect

import (
	"fmt"

	"github.com/hone-net/hone/slowpath"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// stale is what has to be read anew before anything can be vouched for: what the kernel changes without a message of its
// own, what messages tell only in part, and what an older message may have spoilt in a newer dump.
type stale struct {
	dump             Kind // kinds to dump
	later            Kind // those for which the live lookup need not wait
	routes4, routes6 staleRoutes
	rules            bool
	hooks            bool
	bound            bool // addresses of sockets
	ruleset          staleRuleset
	silent           bool                // everything that is never announced
	links            map[Index]staleLink // features, TCX programs and sysctls of these
	neighs           map[NeighKey]bool
	ports            map[Index]bool
	tags             map[Index]bool // who takes them off the frames of these ports, or takes frames, and what the far ends take
	entries          map[FDBKey]bool
}

// staleLink is what to read of a link: its features, or everything, with the sysctls of the names that it had.
type staleLink struct {
	whole bool
	names []string
}

// maxNeighs is how many neighbours are asked for one by one; more are dumped.
const maxNeighs = 256

// routes are the doubts about routes of a kind.
func (t *stale) routes(k Kind) *staleRoutes {
	if k == Routes6 {
		return &t.routes6
	}
	return &t.routes4
}

func (t *stale) any() bool { return t.anyRoutes() || t.besidesRoutes() || t.later != 0 }

// anyRoutes tells of doubts about routes, which may be very many.
func (t *stale) anyRoutes() bool { return t.routes4.any() || t.routes6.any() }

// besidesRoutes tells of doubts about anything else.
func (t *stale) besidesRoutes() bool {
	return t.announced() || t.hooks || t.bound || t.ruleset.any() || len(t.neighs) > 0 || len(t.ports) > 0 || len(t.entries) > 0
}

// announced tells of doubts about what may be announced before it is done, the routes apart.
func (t *stale) announced() bool {
	return t.dump != 0 || t.rules || t.silent || len(t.links) > 0 || len(t.tags) > 0
}

func (t *stale) everything() {
	*t = stale{silent: true, bound: true}
	t.kinds(Announced)
}

// effect takes that of a message. What is silent about a new link is noted with the link.
func (t *stale) effect(e Effect) {
	t.kinds(e.Resync)
	t.single(e)
	if e.Resync&Routes4 == 0 {
		for _, i := range e.Over {
			t.routes4.over.all(i)
		}
	}
}

func (t *stale) kinds(k Kind) {
	if k&Routes4 != 0 {
		t.routes4.all()
	}
	if k&Routes6 != 0 {
		t.routes6.all()
	}
	t.rules = t.rules || k&Rules != 0
	t.dump |= k & Announced &^ (Routes4 | Routes6 | Rules)
}

// takeLink notes a link that appears, goes or changes its name: then the kernel makes, removes or renames its sysctls. With
// the MTU it changes that of IPv6.
func (t *stale) takeLink(s *Snapshot, m netlink.Message) {
	l, ok, err := decodeLink(m.Data)
	if err != nil || !ok {
		return
	}
	if m.Header.Type == unix.RTM_NEWLINK && (l.isPort() || l.mayBeTaken() && related(m)) {
		t.tag(l.Index)
	}
	old, known := s.Links.Get(l.Index)
	if known && m.Header.Type == unix.RTM_NEWLINK && s.confDiffers(l, m.Data) {
		t.dump |= Netconfs
		t.link(l.Index, true, l.Name)
	}
	if known && old.Name == l.Name && old.MTU == l.MTU && m.Header.Type == unix.RTM_NEWLINK {
		return
	}
	t.link(l.Index, true, old.Name, l.Name)
}

// related tells whether a message may say of a link that a device has come to stand on it, or has gone: flags change by
// others, such as going down.
func related(m netlink.Message) bool {
	changes := native.Uint32(m.Data[12:])
	return changes == 0 || changes == ^uint32(0)
}

// takeNoAddr notes that an address is gone, while its connections stay. Nothing is forwarded to those of IPv6 that every link
// has of its own.
func (t *stale) takeNoAddr(m netlink.Message) {
	a, ok, err := decodeAddr(m.Data)
	local := a.Key.Local.Addr()
	t.bound = t.bound || err != nil || ok && !(local.Is6() && local.IsLinkLocalUnicast())
}

// tag notes a link on which a device may have been made or deleted: it is told of as a change of the link.
func (t *stale) tag(i Index) {
	if t.tags == nil {
		t.tags = map[Index]bool{}
	}
	t.tags[i] = true
}

func (t *stale) link(i Index, whole bool, names ...string) {
	if t.links == nil {
		t.links = map[Index]staleLink{}
	}
	old := t.links[i]
	t.links[i] = staleLink{whole || old.whole, append(old.names, names...)}
}

// takeGeneric notes the link that a notification of netdev or ethtool is about: both put its index into the first
// attribute, ethtool within a header.
func (t *stale) takeGeneric(k *sensors, m netlink.Message) {
	const sizeofGenlmsghdr = 4
	if len(m.Data) < sizeofGenlmsghdr {
		return
	}
	_ = attributes(m.Data[sizeofGenlmsghdr:], func(kind uint16, data []byte) error {
		switch {
		case uint16(m.Header.Type) == k.netdev.ID && kind == netdevIfindex && len(data) == 4:
			t.link(Index(native.Uint32(data)), false)
		case uint16(m.Header.Type) == k.ethtool.ID && kind == ethtoolHeader:
			return attributes(data, func(kind uint16, data []byte) error {
				if kind == ethtoolHeaderIndex && len(data) == 4 {
					t.link(Index(native.Uint32(data)), false)
				}
				return nil
			})
		}
		return nil
	})
}

// takeNeigh notes a neighbour: two changes of one by two CPUs can be announced in the wrong order, so it is asked for.
func (t *stale) takeNeigh(m netlink.Message) {
	n, ok, err := decodeNeigh(m.Data)
	switch {
	case err != nil || !ok:
	case n.Key.Proxy:
		t.dump |= Neighs
	case len(t.neighs) >= maxNeighs:
		t.dump |= Neighs
	default:
		if t.neighs == nil {
			t.neighs = map[NeighKey]bool{}
		}
		t.neighs[n.Key] = true
	}
}

// refresh goes one step towards what is stale. A barrier comes first: the kernel announces that a link goes down or an
// address is deleted before it flushes the routes, and holds the lock that the barrier waits for until that is done. The
// routes come last, those of IPv6 first, which are fewer.
func (w *Watcher) refresh() error {
	switch {
	case !w.passed && (w.stale.announced() || w.stale.later != 0 || w.stale.anyRoutes()):
		w.passed, w.firm = true, true
		return w.barrier()
	case w.stale.besidesRoutes() || w.stale.later != 0:
		return w.refreshRest()
	case w.commit.pending():
		w.awaitCommit()
		return nil
	}
	w.early = maxEarly
	for _, k := range []Kind{Routes6, Routes4} {
		if !w.stale.routes(k).any() {
			continue
		}
		if err := w.refreshRoutes(k); err != nil {
			return err
		}
	}
	return nil
}

// refreshRest reads all that is stale but the routes.
func (w *Watcher) refreshRest() error {
	t := w.stale
	t.dump |= t.later
	w.stale = stale{routes4: t.routes4, routes6: t.routes6}
	if t.dump&Links != 0 {
		t.silent = true
	}
	before := w.ledger.moved()[slowpath.FDB]
	s, err := w.s.reload(w.route, t.dump|map[bool]Kind{true: Rules}[t.rules])
	if err != nil {
		return err
	}
	w.stale.kinds(s.mastered(w.s))
	w.s = s
	w.noteTorn(t.dump, before)
	if err := w.refreshSilent(t); err != nil {
		return err
	}
	if err := w.refreshBridges(t); err != nil {
		return err
	}
	return w.refreshNeighs(t.neighs, t.dump)
}

// mastered tells what follows in silence where a dump of links shows another master before it is announced.
func (s *Snapshot) mastered(old *Snapshot) (kinds Kind) {
	for c := range DiffMaps(old.Links, s.Links) {
		if c.Old != nil && c.New != nil && s.changesVRF(*c.Old, *c.New) {
			kinds |= s.affectedObjects(c.Key, anyState) | s.usedIn(use{id: c.Key}, anyState)
		}
	}
	return kinds
}

func (w *Watcher) refreshSilent(t stale) (err error) {
	switch {
	case t.silent:
		if w.s, err = w.sensors.readAll(w.s); tornRuleset(err) {
			w.stale.silent, w.stale.bound = true, w.stale.bound || t.bound // the next step tries again
			return nil
		}
		if err == nil && t.bound {
			w.s, err = readBound(w.s)
		}
		return err
	case t.ruleset.any():
		if err = w.refreshRuleset(t.ruleset); err != nil {
			return err
		}
		fallthrough
	case t.hooks:
		if w.s, err = w.sensors.readHooks(w.s); err != nil {
			return err
		}
	}
	if t.bound {
		if w.s, err = readBound(w.s); err != nil {
			return err
		}
	}
	for i, l := range t.links {
		if w.s, err = w.sensors.readLink(w.s, i, l); err != nil {
			return err
		}
	}
	return nil
}

// barrier waits until no change is under way that took the lock of rtnetlink: a request for a single link takes it.
func (w *Watcher) barrier() error {
	m := netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request}, Data: linkRequest()}
	native.PutUint32(m.Data[4:], 1)
	if _, err := w.route.Execute(m); err != nil && !gone(err) {
		return fmt.Errorf("introspect: pass barrier: %w", err)
	}
	return nil
}

// refreshNeighs asks for single neighbours.
func (w *Watcher) refreshNeighs(keys map[NeighKey]bool, dumped Kind) error {
	if dumped&Neighs != 0 {
		return nil
	}
	for k := range keys {
		s, err := w.readNeigh(k)
		if err != nil {
			return err
		}
		w.s = s
	}
	return nil
}

func (w *Watcher) readNeigh(k NeighKey) (*Snapshot, error) {
	answers, err := w.route.Execute(netlink.Message{Header: netlink.Header{Type: unix.RTM_GETNEIGH, Flags: netlink.Request},
		Data: neighRequest(k)})
	if gone(err) {
		n := *w.s
		n.Neighs = n.Neighs.Without(k)
		return changed(w.s, &n), nil
	}
	if err != nil {
		return w.s, fmt.Errorf("introspect: read neighbour: %w", err)
	}
	s := w.s
	for _, a := range answers {
		if s, _, err = s.Fold(a); err != nil {
			return w.s, fmt.Errorf("introspect: read neighbour: %w", err)
		}
	}
	return s, nil
}

func neighRequest(k NeighKey) []byte {
	address, family := k.Addr.AsSlice(), byte(unix.AF_INET)
	if k.Addr.Is6() {
		family = unix.AF_INET6
	}
	b := header(sizeofNdmsg, family)
	native.PutUint32(b[4:], uint32(k.Index))
	b = native.AppendUint16(b, uint16(unix.SizeofNlAttr+len(address)))
	b = native.AppendUint16(b, unix.NDA_DST)
	return append(b, address...)
}
