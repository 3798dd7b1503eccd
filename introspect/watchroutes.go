package introspect

import "golang.org/x/sys/unix"

// staleRoutes says which routes are in doubt. A route is announced relative to what is there ("replace the first that is
// equal"), so a notification that is older than a dump must not be applied to it. Each key that was announced while a
// dump was under way is therefore in doubt until a dump during which it was not.
type staleRoutes struct {
	whole    bool              // every route
	keys     map[RouteKey]bool // those of these keys
	window   map[RouteKey]bool // keys that were announced since the current dump began; nil while there is none
	restless int               // dumps in a row that left doubts
}

// maxRestless is how many dumps may leave doubts before their keys are given up for a while: marked as unknown, so that
// nothing copies them, and dumped again later.
const maxRestless = 4

// unsettled marks a route that changes faster than it can be read.
const unsettled = "unsettled"

func (t *staleRoutes) any() bool { return t.whole || len(t.keys) > 0 }

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

// refreshRoutes dumps the routes, and takes of the dump what was not announced since it began.
func (w *Watcher) refreshRoutes() error {
	doubts := w.openWindow()
	dumped, err := w.s.reload(w.route, Routes)
	if err != nil {
		return err
	}
	return w.closeWindow(doubts, dumped)
}

// openWindow takes the doubts over to a dump that is about to begin, and has new ones noted.
func (w *Watcher) openWindow() staleRoutes {
	doubts := w.stale.routes
	w.stale.routes = staleRoutes{window: map[RouteKey]bool{}, restless: doubts.restless}
	return doubts
}

// closeWindow folds what was announced since, and settles the doubts that the dump can.
func (w *Watcher) closeWindow(doubts staleRoutes, dumped *Snapshot) error {
	if err := w.drain(); err != nil {
		return err
	}
	t := &w.stale.routes
	n := *w.s
	if doubts.whole {
		n.Routes4 = dumped.Routes4
		clear(w.unsettled)
		for k := range t.window {
			n.takeEquals(k, w.s)
			t.doubt(k)
		}
		doubts.keys = nil
	}
	for k := range doubts.keys {
		if t.window[k] {
			t.doubt(k)
			continue
		}
		n.takeEquals(k, dumped)
		delete(w.unsettled, k)
	}
	w.s, t.window = changed(w.s, &n), nil
	w.giveUp()
	return nil
}

// giveUp ends the dumps for keys that never rest.
func (w *Watcher) giveUp() {
	t := &w.stale.routes
	if !t.any() {
		t.restless = 0
		return
	}
	if t.restless++; t.whole || t.restless <= maxRestless {
		return
	}
	n := *w.s
	for k := range t.keys {
		n.unsettle(k)
		w.unsettled[k] = true
	}
	w.s, w.stale.routes = &n, staleRoutes{}
}

// retryRoutes doubts those that were given up once more.
func (w *Watcher) retryRoutes() error {
	if len(w.unsettled) > 0 {
		w.stale.routes.restless = maxRestless
		for k := range w.unsettled {
			w.stale.routes.doubt(k)
		}
	}
	return nil
}

// unsettle marks the routes of a key, or puts a marked one there.
func (s *Snapshot) unsettle(k RouteKey) {
	marked := new(Snapshot)
	for i, r := range append(s.equals(k), Route{})[:max(1, len(s.equals(k)))] {
		r.Key, r.Unknown = keyAt(k, i), []string{unsettled}
		marked.Routes4 = marked.Routes4.With(r.Key, r)
	}
	s.takeEquals(k, marked)
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
	fresh := from.equals(k)
	for i := len(fresh); ; i++ {
		before := s.Routes4
		if s.Routes4 = s.Routes4.Without(keyAt(k, i)); s.Routes4 == before {
			break
		}
	}
	for i, r := range fresh {
		s.Routes4 = s.Routes4.With(keyAt(k, i), r)
	}
}
