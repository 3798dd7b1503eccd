package introspect

import (
	"fmt"
	"time"

	"github.com/hone-net/hone/slowpath"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// maxSingles is how many ports, or entries of bridges, are asked for one by one; more are dumped.
const maxSingles = 256

// single notes the ports and entries that an effect puts in doubt.
func (t *stale) single(e Effect) {
	for _, i := range e.Ports {
		if t.ports == nil {
			t.ports = map[Index]bool{}
		}
		t.ports[i] = true
	}
	for _, k := range e.Entries {
		if t.entries == nil {
			t.entries = map[FDBKey]bool{}
		}
		t.entries[k] = true
	}
	if len(t.ports) > maxSingles {
		t.ports, t.dump = nil, t.dump|Links
	}
	if len(t.entries) > maxSingles {
		t.entries, t.dump = nil, t.dump|FDB
	}
}

// refreshBridges asks for single ports and entries.
func (w *Watcher) refreshBridges(t stale) error {
	if t.dump&Links == 0 {
		for i := range t.ports {
			if err := w.readPort(i); err != nil {
				return err
			}
		}
	}
	for i := range t.tags {
		if err := w.readBeside(i); err != nil {
			return err
		}
	}
	if t.dump&FDB != 0 {
		return nil
	}
	for k := range t.entries {
		s, err := readEntry(w.route, w.s, k)
		if err != nil {
			return fmt.Errorf("introspect: read entry of a bridge: %w", err)
		}
		w.s = s
	}
	return nil
}

// readPort asks for one link.
func (w *Watcher) readPort(i Index) error {
	m := netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request}, Data: linkRequest()}
	native.PutUint32(m.Data[4:], uint32(i))
	answers, err := w.route.Execute(m)
	if gone(err) {
		return nil // as a notification is about to tell
	}
	for _, a := range answers {
		if err == nil {
			w.s, _, err = w.s.Fold(a)
		}
	}
	if err != nil {
		return fmt.Errorf("introspect: read port: %w", err)
	}
	return nil
}

// readBeside reads what no message about a link carries, though one tells of its change.
func (w *Watcher) readBeside(i Index) (err error) {
	for _, read := range []func(*Snapshot, Index) (*Snapshot, error){w.sensors.readTagsOf, readTakenOf, w.sensors.readFarOf} {
		if w.s, err = read(w.s, i); err != nil {
			return err
		}
	}
	return nil
}

// recent is which entries of bridges were deleted in the last seconds.
type recent struct {
	now, before map[FDBKey]bool
	since       time.Time
}

// recentTime is longer than a processor takes from the change of an entry to its announcement.
const recentTime = 2 * time.Second

func (r *recent) note(k FDBKey) {
	r.forget()
	if r.now == nil {
		r.now = map[FDBKey]bool{}
	}
	r.now[k] = true
}

func (r *recent) forget() {
	if time.Since(r.since) > recentTime {
		r.before, r.now, r.since = r.now, nil, time.Now()
	}
}

func (r *recent) has(k FDBKey) bool { return r.now[k] || r.before[k] }

// takeEntry notes an entry that seems to be made anew soon after it was deleted: it may be an older announcement, that it
// had moved.
func (w *Watcher) takeEntry(m netlink.Message) {
	f, ok, err := decodeFDB(m.Data)
	switch {
	case err != nil || !ok:
	case m.Header.Type == unix.RTM_DELNEIGH:
		w.deleted.note(f.Key)
	case w.deleted.has(f.Key):
		w.stale.single(Effect{Entries: []FDBKey{f.Key}})
	}
}

// noteTorn notes a dump of entries that came in pieces while entries changed: the kernel shows the rest by number, so that
// some may be missing. What is missing is the kernel's, so there is time to read it again.
func (w *Watcher) noteTorn(dumped Kind, before uint64) {
	if dumped&FDB != 0 {
		w.tornFDB = w.s.piecesFDB && w.ledger.moved()[slowpath.FDB] != before
	}
}

// retryEntries adds the entries that a dump has missed, as a later one shows them. Programs are vouched for meanwhile: what
// becomes of those entries is announced. Where entries never rest, that takes a fiftieth of the time.
func (w *Watcher) retryEntries() error {
	if !w.tornFDB || time.Now().Before(w.retryFDB) {
		return nil
	}
	before, fresh, n := w.ledger.moved()[slowpath.FDB], *w.s, *w.s
	begin := time.Now()
	if err := fresh.reloadFDB(w.route); err != nil {
		return err
	}
	for c := range DiffMaps(n.FDB, fresh.FDB) {
		if c.Old == nil {
			n.FDB = n.FDB.With(c.Key, *c.New)
		}
	}
	w.s = changed(w.s, &n)
	w.retryFDB = time.Now().Add(max(retryPeriod, restFactor*time.Since(begin)))
	w.tornFDB = fresh.piecesFDB && w.ledger.moved()[slowpath.FDB] != before
	return nil
}

// restFactor is how much longer than a dump of entries the rest after it is.
const restFactor = 50

// readPorts reads the links anew where there is a bridge: one that takes part in a ring sets the state of its ports
// without a word.
func (w *Watcher) readPorts(s *Snapshot) (*Snapshot, error) {
	if !s.bridges() {
		return s, nil
	}
	return s.reload(w.route, Links)
}

// bridges tells whether there is a bridge with an entry, if only for its own address.
func (s *Snapshot) bridges() bool { return s.FDB.Len() > 0 }

// readTaps reads the packet sockets anew, and has the links read where they may have made a port of a bridge promiscuous:
// the bridge has done so before them, and only the first is announced.
func (w *Watcher) readTaps(s *Snapshot) (*Snapshot, error) {
	n, err := w.sensors.readTaps(s)
	if n != s && n.bridges() {
		w.stale.kinds(Links)
	}
	return n, err
}
