package introspect

import (
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// staleRoutes says which routes of one kind are in doubt. A route is announced relative to what is there ("replace the
// first that is equal"), so a notification that is older than a dump must not be applied to it. Each key that was
// announced while a dump was under way is therefore in doubt until a dump during which it was not.
type staleRoutes struct {
	whole    bool              // every route
	keys     map[RouteKey]bool // those of these keys
	over     overLinks         // those over some links, of IPv4 only
	window   map[RouteKey]bool // keys that were announced since the current dump began; nil while there is none
	reading  overLinks         // what the current dump is about, if only that
	restless int               // dumps in a row that left doubts
	seams    seams             // those where IPv4 routes may have been passed over
	shaken   bool              // since the current dump began, IPv4 routes may have gone that nothing announces
}

// maxRestless is how many dumps may leave doubts before their keys are given up for a while: marked as unknown, so that
// nothing copies them, and dumped again later.
const maxRestless = 4

// unsettled marks a route that changes faster than it can be read.
const unsettled = "unsettled"

func (t *staleRoutes) any() bool {
	return t.whole || len(t.keys) > 0 || len(t.over) > 0 || t.seams.any()
}

// all doubts everything, as after a flush that is not announced.
func (t *staleRoutes) all() { t.whole = true }

// moved notes that a key was announced; doubted says that the announcement did not fit what was known of it.
func (t *staleRoutes) moved(k RouteKey, doubted bool) {
	if t.window != nil {
		t.window[k] = true
	}
	if doubted {
		t.doubt(k)
	}
}

// refreshRoutes dumps the routes of a kind, and takes of the dump what was not announced since it began.
func (w *Watcher) refreshRoutes(k Kind) error {
	if k == Routes4 && w.selective(&w.stale.routes4) {
		return w.refreshOver()
	}
	doubts := w.openWindow(k)
	doubts.whole = doubts.whole || len(doubts.over) > 0
	dumped, err := w.dumpRoutes(k, doubts.restless)
	if err != nil {
		return err
	}
	return w.closeWindow(k, doubts, dumped)
}

// openWindow takes the doubts over to a dump that is about to begin, and has new ones noted.
func (w *Watcher) openWindow(k Kind) staleRoutes {
	t := w.stale.routes(k)
	doubts := *t
	doubts.whole = doubts.whole || k == Routes6 && w.s.hidden6
	*t = staleRoutes{window: map[RouteKey]bool{}, reading: doubts.over, restless: doubts.restless}
	if doubts.whole || len(doubts.keys) > 0 || doubts.seams.any() {
		t.reading = nil
	}
	return doubts
}

// closeWindow folds what was announced since, and settles the doubts that the dump can.
func (w *Watcher) closeWindow(kind Kind, doubts staleRoutes, dumped dumped) error {
	if err := w.drainAll(); err != nil {
		return err
	}
	t, entries := w.stale.routes(kind), -1
	t.seams = t.torn(dumped.met)
	pieces := kind == Routes6 && dumped.pieces6 && len(t.window) > 0
	if pieces {
		var err error
		if entries, err = w.entriesAtRest(); err != nil {
			return err
		}
	}
	if doubts.seams.any() && !doubts.whole {
		doubts.keys = doubts.seams.keys(dumped.Snapshot, doubts.seams.keys(w.s, doubts.keys))
	}
	n := *w.s
	after := staleRoutes{whole: t.whole, keys: maps.Clone(t.keys), over: t.over, restless: t.restless}
	after.settle(&n, w.s, dumped.Snapshot, kind, doubts, t)
	if pieces && n.entries6() != entries || t.seams.everywhere() || w.behind {
		t.whole, t.seams, t.window, t.shaken = t.whole || doubts.whole, doubts.seams, nil, false
		for k := range doubts.keys {
			t.doubt(k)
		}
	} else {
		maps.DeleteFunc(w.unsettled, func(k RouteKey, _ bool) bool {
			return k.kind() == kind && (doubts.whole || doubts.keys[k] && !after.keys[k])
		})
		n.hidden6 = n.hidden6 && !pieces // the count was right
		w.doubtEnds(&n)
		w.s, *t = changed(w.s, &n), after
	}
	w.giveUp(t)
	return nil
}

// settle takes of a dump what was in doubt, unless it was announced meanwhile.
func (t *staleRoutes) settle(n, folded, dumped *Snapshot, kind Kind, doubts staleRoutes, during *staleRoutes) {
	window, torn := during.window, during.seams
	n.hidden6 = dumped.hidden6 || n.hidden6 && kind != Routes6
	if doubts.whole {
		*n.routes(kind) = *dumped.routes(kind)
		n.countUses()
		for k := range torn.keys(folded, nil) {
			n.takeEquals(k, folded) // which has those that are gone at most
		}
		for k := range window {
			n.takeEquals(k, folded)
			t.doubt(k)
		}
		t.seams = torn
		return
	}
	t.seams = torn.of(doubts.seams)
	for k := range doubts.keys {
		if window[k] || torn.hold(k) {
			t.doubt(k)
			continue
		}
		n.takeEquals(k, dumped)
	}
}

// doubtEnds marks the IPv6 routes that had an end and are shown without: in the moment of its end there is no time left to
// show, and the kernel does not use the route any more. Another dump, later, tells the two apart.
func (w *Watcher) doubtEnds(n *Snapshot) {
	for c := range DiffMaps(w.s.Routes6, n.Routes6) {
		if c.Old == nil || c.New == nil || !c.Old.Expires || c.New.Expires || slices.Contains(c.Old.Unknown, unsettled) {
			continue
		}
		k := keyAt(c.Key, 0)
		n.unsettle(k)
		w.unsettled[k] = true
	}
}

// giveUp ends the dumps for keys that never rest.
func (w *Watcher) giveUp(t *staleRoutes) {
	if !t.any() {
		t.restless = 0
		return
	}
	if t.restless++; t.whole || t.restless <= maxRestless || t.over.whole() || t.seams.any() {
		return
	}
	n := *w.s
	for k := range t.singles() {
		n.unsettle(k)
		w.unsettled[k] = true
	}
	w.s, *t = &n, staleRoutes{}
}

// retryRoutes doubts those that were given up once more.
func (w *Watcher) retryRoutes() error {
	for k := range w.unsettled {
		t := w.stale.routes(k.kind())
		t.restless = maxRestless
		t.doubt(k)
	}
	return nil
}

// unsettle marks the routes of a key, or puts a marked one there.
func (s *Snapshot) unsettle(k RouteKey) {
	before := s.equals(k)
	marked := slices.Clone(before)
	if len(marked) == 0 {
		marked = []Route{{}}
	}
	for i := range marked {
		marked[i].Unknown = []string{unsettled}
	}
	s.setEquals(k, before, marked)
}

// unsettledBy doubts every route when a message arrives, while a dump is under way, that routes may be flushed or marked
// after: what it does to them cannot be told from a Snapshot that is older than the dump in one part, newer in another.
func (t *staleRoutes) unsettledBy(kind uint16) {
	switch kind {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK, unix.RTM_NEWADDR, unix.RTM_DELADDR, unix.RTM_NEWNEXTHOP, unix.RTM_DELNEXTHOP:
		t.whole = t.whole || t.window != nil
	}
}

func (t *staleRoutes) doubt(k RouteKey) {
	if t.keys == nil {
		t.keys = map[RouteKey]bool{}
	}
	t.keys[k] = true
}

// takeEquals replaces the routes of one key by those of another Snapshot.
func (s *Snapshot) takeEquals(k RouteKey, from *Snapshot) {
	s.setEquals(k, s.equals(k), from.equals(k))
}
