package introspect

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
)

// learnedLab has a route to fd00:5::/64. Behind a gateway that does not say to be a router, the kernel
// would soon forget what it has learned.
const learnedLab = `sysctl -qw net.ipv6.conf.all.forwarding=1
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 addrgenmode none up
ip link set v1 addrgenmode none up
ip -6 addr add fd00::1/64 dev v0 nodad
ip -6 route add fd00:5::/64 dev v0`

// host5 is one of the hosts that this route leads to.
func host5(i int) string {
	a := netip.MustParseAddr("fd00:5::").As16()
	binary.BigEndian.PutUint32(a[12:], uint32(i+1))
	return netip.AddrFrom16(a).String()
}

// movedOf reads a map of epochs.
func movedOf(t testing.TB, seen *ebpf.Map) (e slowpath.Epochs) {
	t.Helper()
	var all [tallySize / 8]uint64
	if err := seen.Lookup(uint32(0), &all); err != nil {
		t.Error(err)
	}
	copy(e[:], all[:])
	return e
}

// TestSentryLearned: a path's MTU that the host is told of moves no epoch while the sentry is answered, and once it is not,
// that of IPv6's routes, once.
func TestSentryLearned(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(learnedLab)
		c := watched(t)
		s, err := newSentry(c)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.close()
		report(t, s, 1<<watchLearned) // the first look
		reply(t, c, s)
		for i := range 3 {
			teach(t, "fd00::1", host5(i), 1300)
			report(t, s, 1<<watchLearned)
			reply(t, c, s)
			quiet(t, s)
		}
		if e := movedOf(t, c.seen); e != (slowpath.Epochs{}) {
			t.Errorf("%v moved though what was learned was read in time", e)
		}
		teach(t, "fd00::1", host5(3), 1300)
		report(t, s, 1<<watchLearned)
		begin := time.Now()
		for s.last.late == 0 && time.Since(begin) < 2*learnedPeriod {
			time.Sleep(tapPeriod)
			if _, err := s.read(); err != nil {
				t.Error(err)
			}
		}
		t.Logf("epochs moved after %v", time.Since(begin))
		want := slowpath.Epochs{slowpath.Any: 1, slowpath.Route6: 1}
		if e := movedOf(t, c.seen); e != want || s.last.late != 1 || s.last.moves != 0 {
			t.Errorf("%v moved, %+v was reported when nobody answered", e, s.last)
		}
		quiet(t, s)
		if e := movedOf(t, c.seen); e != want {
			t.Errorf("%v moved by one question", e)
		}
	})
}

// idle calls Next for a while.
func idle(w *Watcher, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for ctx.Err() == nil {
		_, _, _ = w.Next(ctx)
	}
}

// TestSentryEviction has the kernel learn so much that it forgets as much as it learns: the count stands still, and what is
// new is noticed all the same.
func TestSentryEviction(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(learnedLab + "\nsysctl -qw net.ipv6.route.max_size=1000000") // before Linux 6.3 it is 4096
		w := watchHere(t)
		defer w.Close()
		if w.sentry == nil {
			t.Skip("the kernel takes no sentry")
		}
		const at = 4
		count := func() int {
			n, err := countedRoutes(at)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		i := 0
		for ; i < 20000; i++ {
			teach(t, "fd00::1", host5(i), 1300)
		}
		full := count()
		until(t, w, func(s *Snapshot) bool { return s.Learned6.Len() == full })
		idle(w, 2*hookPeriod) // for another look, a moment after
		most := bound(w, "the host is told of the MTU of an IPv6 path, or redirected")
		for tries := 0; ; tries++ {
			if tries == 100 {
				t.Error("nothing was forgotten")
				return
			}
			before := count()
			teach(t, "fd00::1", host5(i), 1300)
			if count() == before {
				break
			}
			until(t, w, func(s *Snapshot) bool { return s.Learned6.Len() == count() })
			idle(w, 2*hookPeriod)
			i++
		}
		last := Address(netip.MustParseAddr(host5(i)))
		late := w.sentry.last.late // on a busy machine reading may take too long
		took := until(t, w, func(s *Snapshot) bool { _, ok := s.Learned6.Get(last); return ok })
		t.Logf("%d are learned, one in the place of another was noticed after %v", full, took)
		if took > most && w.sentry.last.late == late {
			t.Errorf("noticed after %v, and nothing was stopped before", took)
		}
	})
}

// learning runs a test of a Watcher with a sentry, where paths can be learned; in the end it wants to know what the kernel has.
func learning(t *testing.T, f func(w *Watcher)) {
	inNamespace(t, func(run func(string)) {
		run(learnedLab)
		w := watchHere(t)
		defer w.Close()
		if w.sentry == nil {
			t.Skip("the kernel takes no sentry")
		}
		deafen(t, w)
		f(w)
		same(t, w)
	})
}

// TestWatchLearnedFlood has somebody tell of path after path: what programs copied of the configuration stands meanwhile, and
// what they copied of IPv6's routes is vouched for nearly all the time.
func TestWatchLearnedFlood(t *testing.T) {
	learning(t, func(w *Watcher) {
		until(t, w, func(s *Snapshot) bool { return s.Routes6.Len() > 3 })
		time.Sleep(2 * tapPeriod) // the sentry's first look
		settle(t, w)
		before, coherent, looks := w.ledger.moved(), 0, 0
		for end := time.Now().Add(2 * time.Second); time.Now().Before(end); looks++ {
			teach(t, "fd00::1", host5(looks), 1300)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
			_, _, _ = w.Next(ctx)
			cancel()
			if w.givenEpochs == w.ledger.moved() {
				coherent++
			}
		}
		after := w.ledger.moved()
		t.Logf("%d told of, %d of them while all was vouched for; IPv6's routes moved %d times, %d of them late", looks, coherent,
			after[slowpath.Route6]-before[slowpath.Route6], w.ledger.learned)
		if after[slowpath.Config] != before[slowpath.Config] || after[slowpath.FDB] != before[slowpath.FDB] {
			t.Errorf("the configuration moved from %v to %v", before, after)
		}
		if after[slowpath.Route6] == before[slowpath.Route6] {
			t.Error("nothing was noticed")
		}
		until(t, w, func(s *Snapshot) bool {
			_, ok := s.Learned6.Get(Address(netip.MustParseAddr(host5(looks - 1))))
			return ok
		})
	})
}

// TestWatchLearnedUnattended has the host told of a path's MTU while nobody calls Next.
func TestWatchLearnedUnattended(t *testing.T) {
	learning(t, func(w *Watcher) {
		time.Sleep(2 * tapPeriod) // the sentry's first look
		settle(t, w)
		before, most := w.ledger.moved(), bound(w, "the host is told of the MTU of an IPv6 path, or redirected")
		teach(t, "fd00::1", host5(0), 1300)
		for begin := time.Now(); w.ledger.moved() == before && time.Since(begin) < most; {
			time.Sleep(tapPeriod)
		}
		time.Sleep(4 * tapPeriod)
		want := before
		toRoute6.add(&want)
		if after := w.ledger.moved(); after != want {
			t.Errorf("%v became %v, not %v", before, after, want)
		}
		if s := settle(t, w); s.Learned6.Len() != 1 {
			t.Errorf("%d are learned", s.Learned6.Len())
		}
	})
}

// TestWatchLearnedRests has the host told of a path's MTU while the Watcher rests from reading such: it reads it later, and what
// else changes is accounted for meanwhile.
func TestWatchLearnedRests(t *testing.T) {
	learning(t, func(w *Watcher) {
		idle(w, 2*hookPeriod)
		settle(t, w)
		free := time.Now().Add(20 * tapPeriod)
		for i := range w.polls {
			if w.polls[i].watched == 1<<watchLearned {
				w.polls[i].free = free
			}
		}
		before := w.ledger.replied
		teach(t, "fd00::1", host5(0), 1300)
		idle(w, 4*tapPeriod)
		fd := tap(t)
		t.Cleanup(func() { unix.Close(fd) }) // it is there to the end
		until(t, w, func(s *Snapshot) bool { return s.Taps.Len() == 1 })
		settle(t, w)
		if time.Now().Before(free) && (w.s.Learned6.Len() != 0 || w.sentry.last.questions == before || w.ledger.replied != before) {
			t.Errorf("%d are learned, %+v, %d questions were answered", w.s.Learned6.Len(), w.sentry.last, w.ledger.replied)
		}
		until(t, w, func(s *Snapshot) bool { return s.Learned6.Len() == 1 })
		if rest := time.Until(free); rest > 0 {
			t.Errorf("read %v too early", rest)
		}
		settle(t, w)
		if w.ledger.replied != w.sentry.last.questions || w.told != 0 {
			t.Errorf("%+v, %d questions were answered", w.sentry.last, w.ledger.replied)
		}
	})
}
