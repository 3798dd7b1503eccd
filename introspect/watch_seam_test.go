package introspect

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// flap deletes and adds a route every millisecond until it is stopped, or, of two links, moves it from one to the other. Its
// socket is of the namespace that it is called in.
func flap(t *testing.T, dst netip.Prefix, metric uint32, links ...Index) (stop func()) {
	c, err := dialRoute()
	if err != nil {
		t.Error(err)
		return func() {}
	}
	const ask = netlink.Request | netlink.Acknowledge
	turns := []netlink.Header{{Type: unix.RTM_DELROUTE, Flags: ask}, {Type: unix.RTM_NEWROUTE, Flags: ask | netlink.Create}}
	if len(links) > 1 {
		turns = []netlink.Header{{Type: unix.RTM_NEWROUTE, Flags: ask | netlink.Replace}}
	}
	b := header(unix.SizeofRtMsg, unix.AF_INET)
	b[1], b[4], b[5], b[6], b[7] = byte(dst.Bits()), unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_LINK, unix.RTN_UNICAST
	b = append(attribute(b, unix.RTA_DST, dst.Addr().AsSlice()), attribute32(unix.RTA_PRIORITY, metric)...)
	ending, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-ending:
				return
			case <-time.After(time.Millisecond):
			}
			body := append(slices.Clone(b), attribute32(unix.RTA_OIF, uint32(links[i%len(links)]))...)
			if _, err := c.Execute(netlink.Message{Header: turns[i%len(turns)], Data: body}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return func() {
		close(ending)
		<-ended
		_ = c.Close()
	}
}

// byName finds a link.
func byName(s *Snapshot, name string) Index {
	for i, l := range s.Links.All() {
		if l.Name == name {
			return i
		}
	}
	return 0
}

// TestRoutesThatADumpPassesOver reads very many routes to one address while the first of them comes and goes: the kernel
// passes over others, which nobody touches and which are not to be believed gone.
func TestRoutesThatADumpPassesOver(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		const all = 2000
		dst := netip.MustParsePrefix("10.77.0.0/24")
		var commands []string
		for m := range all {
			commands = append(commands, fmt.Sprintf("route add %v dev v0 metric %d", dst, m+1))
		}
		batch(t, commands)
		w := watchHere(t)
		defer w.Close()
		stop := flap(t, dst, 1, byName(settle(t, w), "v0"))
		missed := func(s *Snapshot) (n int) {
			for m := uint32(2); m <= all; m++ {
				if _, ok := s.Routes4.Get(RouteKey{Dst: dst, Table: unix.RT_TABLE_MAIN, Priority: m}); !ok {
					n++
				}
			}
			return n
		}
		passed := 0
		for deadline := time.Now().Add(lab.Patience(5 * time.Second)); passed < 5 && time.Now().Before(deadline) && !t.Failed(); {
			w.stale.routes4 = staleRoutes{whole: true}
			doubts := w.openWindow(Routes4)
			dumped, err := w.dumpRoutes(Routes4, 0)
			if err == nil {
				err = w.closeWindow(Routes4, doubts, dumped)
			}
			if err != nil {
				t.Error(err)
			}
			if missed(dumped.Snapshot) > 0 {
				passed++
			}
			if n := missed(w.s); n > 0 {
				t.Errorf("%d routes that nobody touched are believed gone", n)
			}
			if missed(dumped.Snapshot) > 0 && !w.stale.routes4.seams.hold(RouteKey{Dst: dst}) {
				t.Error("nothing is in doubt")
			}
		}
		stop()
		if passed == 0 {
			t.Error("the kernel passed over no route")
		}
		t.Logf("told: %d dumps lacked routes", passed)
		same(t, w)
	})
}

// TestWhatDumpsLack has two dumps in a row lack a route that was known and one that was not, where parts meet and something
// changes: the first is kept, and the third dump has the other one.
func TestWhatDumpsLack(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		run("ip route add 10.77.0.0/24 dev v0")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		known, unknown := RouteKey{Dst: netip.MustParsePrefix("10.77.0.0/24"), Table: 254}, RouteKey{Dst: netip.MustParsePrefix("10.77.0.0/25"), Table: 254}
		at := seams{between: []seam{{known.Dst.Addr(), known.Dst.Addr()}}}
		before := w.s
		run("ip route add 10.77.0.0/25 dev v1")
		settle(t, w)
		w.s, w.stale.routes4 = before, staleRoutes{whole: true}
		for i, lacks := range []bool{true, true, false} {
			doubts := w.openWindow(Routes4)
			dumped, err := w.dumpRoutes(Routes4, 0)
			if err != nil {
				t.Error(err)
				return
			}
			if lacks {
				dumped.Routes4 = dumped.Routes4.Without(known).Without(unknown)
				dumped.met = at
				run(fmt.Sprintf("ip route add 10.77.0.0/26 dev v2 metric %d", i+1))
			}
			if err := w.closeWindow(Routes4, doubts, dumped); err != nil {
				t.Error(err)
			}
			_, first := w.s.Routes4.Get(known)
			_, second := w.s.Routes4.Get(unknown)
			if !first || second == lacks || w.stale.routes4.any() != lacks {
				t.Errorf("dump %d: has them: %v, %v; in doubt: %v", i, first, second, w.stale.routes4)
			}
		}
		same(t, w)
		w.stale.routes4.seams = at
		gone := *w.s // as by a flush
		gone.Routes4 = gone.Routes4.Without(known)
		if err := w.closeWindow(Routes4, w.openWindow(Routes4), dumped{Snapshot: &gone}); err != nil {
			t.Error(err)
		}
		if _, there := w.s.Routes4.Get(known); there || w.stale.routes4.any() {
			t.Errorf("there: %v; in doubt: %v", there, w.stale.routes4)
		}
	})
}

// TestFlushBetweenParts has a link go down during a dump: the routes that go with it are not announced.
func TestFlushBetweenParts(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		met := seam{netip.MustParseAddr("10.77.0.0"), netip.MustParseAddr("10.78.0.0")}
		for command, torn := range map[string]bool{"ip link set v1 down": true, "ip addr del 10.2.0.1/24 dev v2": true,
			"ip link set v0 promisc on": false, "ip link add v4 type veth peer name w4": false, "ip addr add 10.2.0.2/24 dev v2": false, "ip rule add iif v0 lookup 100": true} {
			w.stale.routes4.all()
			doubts := w.openWindow(Routes4)
			dumped, err := w.dumpRoutes(Routes4, 0)
			if err != nil {
				t.Error(err)
				return
			}
			dumped.met = seams{between: []seam{met}}
			run(command)
			if err := w.closeWindow(Routes4, doubts, dumped); err != nil {
				t.Error(err)
			}
			if got := slices.Contains(w.stale.routes4.seams.between, met); got != torn {
				t.Errorf("%s: in doubt where parts meet: %v", command, got)
			}
			same(t, w)
		}
	})
}

// TestFlapWherePartsMeet has a route change all the time just where two parts of the dump meet: all the others have to
// settle.
func TestFlapWherePartsMeet(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		var commands []string
		for i := range 5000 {
			commands = append(commands, fmt.Sprintf("route add 10.%d.%d.0/24 dev v0", 100+i>>8, i&255))
		}
		batch(t, commands)
		w := watchHere(t)
		defer w.Close()
		s := settle(t, w)
		dumped, err := w.dumpRoutes(Routes4, 0)
		if err != nil || len(dumped.met.between) < 5 {
			t.Errorf("%v: parts meet at %v", err, dumped.met)
			return
		}
		stop := flap(t, netip.PrefixFrom(dumped.met.between[2].from, 24), 0, byName(s, "v1"), byName(s, "v0"))
		defer stop()
		torn, begin := 0, time.Now()
		w.stale.routes4.all()
		for w.stale.routes4.whole || w.stale.routes4.seams.any() {
			if err := w.refreshRoutes(Routes4); err != nil || time.Since(begin) > lab.Patience(5*time.Second) {
				t.Errorf("%v after %v: %v", err, time.Since(begin), w.stale.routes4.seams)
				return
			}
			torn += len(w.stale.routes4.seams.between)
		}
		if torn == 0 {
			t.Error("nothing was in doubt")
		}
		t.Logf("told: in doubt %d times, settled after %v", torn, time.Since(begin))
	})
}

// TestMoreThanABatchDuringADump has more changes queued, before a dump has ended, than are folded at once.
func TestMoreThanABatchDuringADump(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		w.stale.routes4.all()
		doubts := w.openWindow(Routes4)
		var commands []string
		for i := range maxBatch + 100 {
			commands = append(commands, fmt.Sprintf("route add 10.%d.%d.%d/32 dev v0", 100+i>>14, i>>7&127, i&127))
		}
		batch(t, commands)
		dumped, err := w.dumpRoutes(Routes4, 0)
		if err == nil {
			err = w.closeWindow(Routes4, doubts, dumped)
		}
		if err != nil {
			t.Error(err)
		}
		if n := len(w.stale.routes4.keys); n != len(commands) {
			t.Errorf("%d of %d routes that were announced meanwhile are in doubt", n, len(commands))
		}
		same(t, w)
	})
}
