package introspect

import (
	"errors"

	"github.com/hone-net/hone/slowpath"
)

// resync starts over after a loss. Own bumps come first: a notification that the kernel had no memory for moved nothing.
// Outside of all groups the filters stand still, so that what they counted is what was lost or discarded; what changes
// meanwhile is in the dump that follows the return to the groups.
func (w *Watcher) resync() error {
	w.ledger.bump(everything)
	w.loseRuleset()
	for _, l := range w.listeners {
		if err := l.leave(); err != nil {
			return err
		}
	}
	for _, l := range w.listeners {
		if err := l.discard(w.buffer); err != nil {
			return err
		}
	}
	w.ledger.restart()
	for _, l := range w.listeners {
		if err := l.join(); err != nil {
			return err
		}
	}
	w.stale.everything()
	w.passed, w.firm, w.blind, w.losses = false, false, true, w.losses+1
	return nil
}

// relieve puts the spare socket in the place of one whose queue ran over, and takes over what is still queued there. The
// filters tell of what was lost: as long as that is only routes and neighbours, all else is known, and the live lookup
// goes on while they are read again. The spare joins before the other one leaves: what is announced between comes twice,
// which leaves doubts about routes at most, that are all in doubt anyway.
func (w *Watcher) relieve() error {
	full, fresh := w.listeners[0], w.spare
	w.listeners[0], w.spare = fresh, full
	if err := fresh.join(); err != nil {
		return err
	}
	if err := full.leave(); err != nil {
		return err
	}
	if err := w.empty(full); err != nil {
		return err
	}
	lost := full.account.lost()
	if lost[slowpath.Any] == 0 || lost[slowpath.Config] != 0 {
		return w.resync() // what the kernel had no memory for was not even counted
	}
	w.ledger.writeOff(full.account)
	w.stale.kinds(Routes4 | Routes6)
	if lost[slowpath.Neigh] != 0 {
		w.stale.kinds(Neighs)
	}
	if lost[slowpath.FDB] != 0 {
		w.stale.kinds(FDB)
	}
	w.passed, w.losses = false, w.losses+1
	return nil
}

// empty takes what is queued on a socket to which nothing is delivered any more. Plain routes, which are many, are only
// counted: they are read again. Others the live lookup may not do justice to, so that they have to be known before.
func (w *Watcher) empty(l *listener) error {
	defer w.countUses()
	for {
		d, err := l.receive(w.buffer)
		switch {
		case errors.Is(err, errEmpty):
			return nil
		case errors.Is(err, errLost):
			continue
		case err != nil:
			return err
		}
		if moves := l.moves(d.data); moves == toRoute4 || moves == toRoute6 {
			w.account(l, moves)
		} else if err := w.take(l, d); err != nil {
			return err
		}
	}
}
