package introspect

import (
	"errors"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// commit is what nftables has announced of a commit whose end, a new generation, is still to come.
type commit struct {
	heads    bool // more than elements of sets
	elements []elementChange
	spilt    map[SetKey]bool // sets of which too many elements changed to keep them
	waits    int             // how often its end was waited for
}

// elementChange is one announcement of elements.
type elementChange struct {
	gone bool
	elements
}

const (
	maxCommit   = 1 << 16                // announcements that are kept
	commitWaits = 10                     // before the ruleset is read without the end of the commit
	commitWait  = 100 * time.Microsecond // each
)

func (c *commit) pending() bool { return c.heads || len(c.elements) > 0 || len(c.spilt) > 0 }

// staleRuleset is what to read anew of the ruleset: all but the elements of sets, the elements of some sets, or all.
type staleRuleset struct {
	heads, whole bool
	sets         map[SetKey]bool
}

func (t staleRuleset) any() bool { return t.heads || t.whole || len(t.sets) > 0 }

func (t staleRuleset) fresh(k SetKey) bool { return t.whole || t.sets[k] }

// set notes that the elements of a set are not known.
func (t *staleRuleset) set(k SetKey) {
	if t.sets == nil {
		t.sets = map[SetKey]bool{}
	}
	t.sets[k] = true
}

// takeNetfilter takes one message of netfilter. Those of nftables come commit by commit, and the last of each names the
// generation that it makes.
func (w *Watcher) takeNetfilter(m netlink.Message) {
	kind := uint16(m.Header.Type)
	if kind>>8 != unix.NFNL_SUBSYS_NFTABLES {
		w.stale.hooks = true
		return
	}
	switch kind & 0xff {
	case unix.NFT_MSG_NEWGEN:
		id, err := decodeGeneration(m.Data)
		if err != nil {
			w.stale.ruleset.whole = true
			return
		}
		w.endCommit(id)
	case unix.NFT_MSG_NEWSETELEM, unix.NFT_MSG_DELSETELEM:
		e, err := decodeElements(m.Data)
		if err != nil {
			w.stale.ruleset.whole = true
			return
		}
		w.commit.take(elementChange{kind&0xff == unix.NFT_MSG_DELSETELEM, e})
	default:
		w.commit.heads = true
	}
}

func (c *commit) take(e elementChange) {
	if len(c.elements) < maxCommit && !c.spilt[e.set] {
		c.elements = append(c.elements, e)
		return
	}
	if c.spilt == nil {
		c.spilt = map[SetKey]bool{}
	}
	c.spilt[e.set] = true
}

// endCommit folds a commit. The ruleset may have been read later than it was made; then it says nothing new but of sets
// whose elements were not read then.
func (w *Watcher) endCommit(id uint32) {
	r, c := &w.sensors.ruleset, w.commit
	w.commit = commit{}
	newer := !r.known || int32(id-r.generation) > 0
	if !w.follows(id, newer) {
		w.stale.ruleset.whole = true
	}
	r.folded, r.following = id, true
	w.stale.ruleset.heads = w.stale.ruleset.heads || newer && c.heads
	if r.known && id == r.generation { // the kernel names a generation just before it shows it: what was read may be older
		w.stale.ruleset.heads = w.stale.ruleset.heads || c.heads
		for _, e := range c.elements {
			w.stale.ruleset.set(e.set)
		}
	}
	for _, e := range c.elements {
		if newer || r.behind[e.set] {
			w.foldElements(e)
		}
	}
	for k := range c.spilt {
		w.stale.ruleset.set(k)
	}
	if newer && !w.stale.ruleset.any() {
		r.generation = id
	}
	if id == r.generation {
		r.behind = nil
	}
}

// follows tells whether no commit is missing before one.
func (w *Watcher) follows(id uint32, newer bool) bool {
	r := &w.sensors.ruleset
	switch {
	case r.following:
		return id == nextGeneration(r.folded)
	case newer:
		return r.known && id == nextGeneration(r.generation)
	}
	return true
}

// nextGeneration is the number after another one: none is 0.
func nextGeneration(id uint32) uint32 { return max(id+1, 1) }

// foldElements applies an announcement to the set that it is about.
func (w *Watcher) foldElements(c elementChange) {
	v, ok := w.s.Sets.Get(c.set)
	if !ok || v.Fluid() {
		return // a new one is read whole
	}
	for _, e := range c.all {
		put(&v.Elements, c.gone, e.Key, e)
	}
	n := *w.s
	n.Sets = n.Sets.With(c.set, v)
	w.s = changed(w.s, &n)
}

// awaitCommit waits a moment for the end of a commit, and at last reads what it may have changed.
func (w *Watcher) awaitCommit() {
	c := &w.commit
	if c.waits++; c.waits <= commitWaits {
		time.Sleep(commitWait)
		return
	}
	w.stale.ruleset.heads = true
	for _, e := range c.elements {
		w.stale.ruleset.set(e.set)
	}
	for k := range c.spilt {
		w.stale.ruleset.set(k)
	}
	w.commit = commit{}
}

// refreshRuleset reads what is stale of the ruleset. One that keeps changing stays stale; the next turn tries again.
func (w *Watcher) refreshRuleset(t staleRuleset) error {
	r, kept := &w.sensors.ruleset, map[SetKey]bool{}
	s, err := r.read(w.s, func(k SetKey) bool {
		kept[k] = !t.fresh(k)
		return t.fresh(k)
	})
	if retryable(err) {
		w.stale.ruleset = t
		return nil
	}
	if err != nil {
		return err
	}
	w.s, r.behind = s, nil
	if !r.following || r.folded != r.generation {
		r.behind = kept // commits that are still to be folded may be about these
	}
	return nil
}

// loseRuleset forgets where the announcements stood.
func (w *Watcher) loseRuleset() {
	w.commit = commit{}
	w.sensors.ruleset.following, w.sensors.ruleset.behind = false, nil
}

// tornRuleset tells whether an error of reading everything is only that the ruleset would not stand still.
func tornRuleset(err error) bool { return errors.Is(err, errTorn) }
