package introspect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hone-net/hone/slowpath"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	maxBatch  = 1 << 14 // datagrams in a turn, so that a storm cannot keep Next from returning
	maxRounds = 32      // steps at reading what keeps changing in a turn
	maxEarly  = 3       // answers without the routes before these are read
)

// never is what nothing can be vouched for with.
var never = func() (e slowpath.Epochs) {
	for d := range e {
		e[d] = slowpath.Never
	}
	return e
}()

// turn folds what has arrived, reads anew what that leaves in doubt, and returns what is accounted for. Where doubts
// remain because the configuration changes faster than it can be read, that is nothing; the next turn tries again.
func (w *Watcher) turn() (slowpath.Epochs, error) {
	before := w.ledger.moved()
	defer func() { w.balance(before) }()
	err := w.poll()
	for range maxRounds {
		if err == nil {
			err = w.drain()
		}
		if err == nil {
			if e, ok := w.accounted(); ok {
				return e, nil
			}
			err = w.refresh()
		}
		switch {
		case errors.Is(err, errOverrun):
			err = w.relieve()
		case errors.Is(err, errLost):
			err = w.resync()
		}
		if err != nil {
			return never, err
		}
	}
	return never, nil
}

// accounted is what the Snapshot accounts for, if it does for anything: all that was folded once nothing is in doubt.
func (w *Watcher) accounted() (slowpath.Epochs, bool) {
	e := w.ledger.built()
	if !w.stale.any() && !w.commit.pending() {
		w.passed, w.firm, w.blind, w.early = false, true, false, maxEarly
		return e, true
	}
	known := w.firm && !w.stale.besidesRoutes() && !w.commit.pending() && !w.blind
	if !known || w.early == 0 || e[slowpath.Config] == w.givenEpochs[slowpath.Config] {
		return never, false
	}
	// A full table takes a second to read. What else has changed is known, and the live lookup can go on meanwhile: the
	// Snapshot may hold routes that are gone, but none that the lookup does not do justice to is missing, since those are
	// announced as Config. Each reading of the routes may be preceded by few such answers.
	w.early--
	e[slowpath.Any] = slowpath.Never
	if w.stale.routes4.any() {
		e[slowpath.Route4] = slowpath.Never
	}
	if w.stale.routes6.any() {
		e[slowpath.Route6] = slowpath.Never
	}
	return e, true
}

// drain folds what is queued. What routes depend on is counted for all of it.
func (w *Watcher) drain() error {
	defer w.countUses()
	left := maxBatch
	defer func() { w.behind = left == 0 }()
	for _, l := range w.listeners {
		for ; left > 0; left-- {
			d, err := l.receive(w.buffer)
			if errors.Is(err, errEmpty) {
				break
			}
			if l == w.listeners[0] && errors.Is(err, errLost) {
				return errOverrun
			}
			if err != nil {
				return err
			}
			if err := w.take(l, d); err != nil {
				return err
			}
		}
	}
	return w.takeSysctls()
}

// drainAll folds all that was queued before a dump ended: what is folded later must not be older than it.
func (w *Watcher) drainAll() error {
	for range maxRounds {
		if err := w.drain(); err != nil || !w.behind {
			return err
		}
	}
	return nil
}

func (w *Watcher) countUses() {
	n := *w.s
	n.countUses()
	w.s = changed(w.s, &n)
}

// account counts a datagram as the filter did.
func (w *Watcher) account(l *listener, moves domains) {
	moves.add(&w.ledger.folded)
	if l.account != nil {
		moves.add(&l.account.folded)
	}
}

// take folds one datagram and counts it.
func (w *Watcher) take(l *listener, d datagram) error {
	w.account(l, l.moves(d.data))
	if d.foreign {
		return nil
	}
	return each(d.data, func(m netlink.Message) error {
		switch {
		case l == w.far:
			w.takeFar(m, d.space)
		case l.protocol == unix.NETLINK_ROUTE:
			return w.takeRoute(m)
		case l.protocol == unix.NETLINK_NETFILTER:
			w.takeNetfilter(m)
		case l.protocol == unix.NETLINK_XFRM:
			w.stale.hooks = true
		case l.protocol == unix.NETLINK_GENERIC:
			w.stale.takeGeneric(w.sensors, m)
		}
		return nil
	})
}

// takeRoute folds one message of rtnetlink.
func (w *Watcher) takeRoute(m netlink.Message) error {
	switch uint16(m.Header.Type) {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return w.takeRouting(m)
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		w.stale.takeLink(w.s, m)
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		w.stale.takeNeigh(m)
		w.takeEntry(m)
	case unix.RTM_DELADDR:
		w.stale.takeNoAddr(m)
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		w.stale.rules = true
	}
	lowers := w.s.lowers(m)
	w.passed, w.firm = false, w.firm && lowers
	w.stale.routes4.disturbed(w.s, m)
	w.stale.routes6.unsettledBy(uint16(m.Header.Type))
	s, effect, err := w.s.Fold(m)
	if err != nil {
		return fmt.Errorf("introspect: fold notification: %w", err)
	}
	w.s = s
	if lowers {
		w.stale.later |= effect.Resync & (Links | Qdiscs)
		effect.Resync &^= Links | Qdiscs
	}
	w.stale.effect(effect)
	return nil
}

// takeRouting folds a route, and notes that its key moved while a dump of routes may be under way.
func (w *Watcher) takeRouting(m netlink.Message) error {
	r, ok, err := decodeRoute(m.Data)
	if err != nil {
		return fmt.Errorf("introspect: fold notification: %w", err)
	}
	if !ok {
		return nil
	}
	k := keyAt(r.Key, 0)
	t := w.stale.routes(k.kind())
	if w.unsettled[k] {
		t.moved(k, false)
		return nil
	}
	if !k.six() {
		return w.takeRouting4(r, m.Header)
	}
	t.moved(k, !w.merge(r, w.s.equals(k), m.Header))
	return nil
}

// takeRouting4 folds a route of IPv4. The kernel tells these apart by more than it shows, such as the scope of a gateway:
// one that seems to be there already may be its twin. Where links are in doubt, equal routes may be gone: which of several
// is replaced cannot be told then.
func (w *Watcher) takeRouting4(r Route, h netlink.Header) error {
	k, t := keyAt(r.Key, 0), &w.stale.routes4
	equals := w.s.equals(k)
	twin := h.Type == unix.RTM_NEWROUTE && slices.ContainsFunc(equals, r.same)
	link, only, doubted := t.doubtedLink(append(slices.Clone(equals), r))
	fits := w.merge(r, equals, h) && !twin
	switch {
	case !doubted || only && len(equals) < 2 && fits:
	case only:
		t.over.key(link, k)
		fits = true
	case len(equals) > 1:
		fits = false
	}
	t.moved(k, !fits)
	return nil
}

// merge folds a route into its equals, and tells whether it fits.
func (w *Watcher) merge(r Route, equals []Route, h netlink.Header) bool {
	n := *w.s
	changed, fits := n.merge(r, equals, message{gone: h.Type == unix.RTM_DELROUTE, hidden: n.hidden6, flags: h.Flags})
	if changed {
		w.s = &n
	}
	return fits
}
