package introspect

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// until calls Next until the Snapshot is as wanted, and returns how long that took.
func until(t testing.TB, w *Watcher, wanted func(*Snapshot) bool) time.Duration {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(10*time.Second))
	defer cancel()
	for s := w.s; !wanted(s); {
		var err error
		if s, _, err = w.Next(ctx); err != nil {
			t.Error(err)
			break
		}
	}
	return time.Since(start)
}

func TestWatchTaps(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		most := bound(w, "a packet socket is opened or changes its filter")
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0300)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		if took := until(t, w, func(s *Snapshot) bool { return s.Taps.Len() == 1 }); took > most {
			t.Errorf("a tap was noticed after %v", took)
		}
		if built, seen := w.givenEpochs, w.ledger.moved(); built != seen || w.ledger.own[slowpath.Config] < 2 {
			t.Errorf("built %v, seen %v, own %v", built, seen, w.ledger.own)
		}
		filter, err := bpf.Assemble(filterCases[3].code)
		if err != nil {
			t.Error(err)
		}
		attachClassic(t, fd, filter)
		harmless := func(s *Snapshot) bool {
			for _, tap := range s.Taps.All() {
				return tap.Harmless
			}
			return false
		}
		if took := until(t, w, harmless); took > most {
			t.Errorf("a harmless filter was noticed after %v", took)
		}
		same(t, w)
	})
}

// TestWatchTapsUnattended opens a packet socket while nobody calls Next, as where the agent is busy or stopped: programs
// may not go on with what they copied.
func TestWatchTapsUnattended(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		if w.sentry == nil {
			t.Skip("the kernel takes no sentry")
		}
		deafen(t, w)
		settle(t, w)
		time.Sleep(2 * tapPeriod) // the sentry's first look
		settle(t, w)
		before, most := w.ledger.moved(), bound(w, "a packet socket is opened or changes its filter")
		time.Sleep(most)
		if rest := w.ledger.moved(); rest != before {
			t.Errorf("%v came of %v without any change", rest, before)
		}
		defer unix.Close(tap(t))
		time.Sleep(most)
		after := w.ledger.moved()
		for _, d := range []slowpath.Domain{slowpath.Any, slowpath.Config, slowpath.FDB} {
			if after[d] == before[d] {
				t.Errorf("%v did not move within %v", d, most)
			}
		}
		if s := settle(t, w); s.Taps.Len() != 1 {
			t.Errorf("%d taps", s.Taps.Len())
		}
		same(t, w)
	})
}

func attachClassic(t testing.TB, fd int, code []bpf.RawInstruction) {
	t.Helper()
	filter := make([]unix.SockFilter, len(code))
	for i, c := range code {
		filter[i] = unix.SockFilter{Code: c.Op, Jt: c.Jt, Jf: c.Jf, K: c.K}
	}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}); err != nil {
		t.Error(err)
	}
}

// TestWatchSysctls writes values and looks whether what is vouched for shows them.
func TestWatchSysctls(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		if w.sysctls == nil {
			t.Skip("no program can be attached to the root of cgroup2 here")
		}
		for i := range 50 {
			path := []string{"ipv4/conf/all/accept_local", "netfilter/nf_conntrack_tcp_be_liberal", accounting}[i/2%3]
			if _, err := os.Stat("/proc/sys/net/" + path); err != nil {
				continue // no connection tracking
			}
			value, before := fmt.Sprint(i%2), w.ledger.moved()
			if err := os.WriteFile("/proc/sys/net/"+path, []byte(value+"\n"), 0); err != nil {
				t.Error(err)
				return
			}
			if after := w.ledger.moved(); after[slowpath.Config] == before[slowpath.Config] || after[slowpath.Any] == before[slowpath.Any] {
				t.Error("a write returned before seen moved")
			}
			start := time.Now()
			s := settle(t, w)
			if v, _ := s.Sysctls.Get(Name(path)); v.Value != value {
				t.Errorf("%q was vouched for when %q had been written", v.Value, value)
			}
			if took := time.Since(start); took > lab.Patience(holdLimit) {
				t.Errorf("took %v", took)
			}
		}
		same(t, w)
	})
}

// TestWatchSysctlWithheld stands for a writer between the program and the store: nothing may be vouched for until the
// value shows, or its time is up.
func TestWatchSysctlWithheld(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		if w.sysctls == nil {
			t.Skip("no program can be attached to the root of cgroup2 here")
		}
		w.ledger.seenWords[slowpath.Config]++ // as the program does
		w.ledger.seenWords[slowpath.Any]++
		w.ledger.seenWords[slowpath.FDB]++
		path := "ipv4/conf/all/src_valid_mark"
		w.sysctls.holds = append(w.sysctls.holds, hold{path: path, value: "1", count: 1, until: time.Now().Add(time.Hour)})
		if e, err := w.turn(); err != nil || e == w.ledger.moved() {
			t.Errorf("vouched for %v before the write shows: %v", e, err)
		}
		w.sysctls.holds[0].until = time.Now()
		if e, err := w.turn(); err != nil || e != w.ledger.moved() {
			t.Errorf("%v is not %v after the time was up: %v", e, w.ledger.moved(), err)
		}
	})
}

// TestWatchIdle sees that a Watcher sleeps that nothing happens to.
func TestWatchIdle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		time.Sleep(1500 * time.Millisecond) // for duplicate address detection
		settle(t, w)
		deafen(t, w)
		before := cpuTime()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		turns := 0
		for ; ; turns++ {
			if _, _, err := w.Next(ctx); err != nil {
				break
			}
		}
		used := cpuTime() - before
		t.Logf("%v of processor time in 2 s, %d turns", used, turns)
		if used > time.Second && !lab.Emulated() { // how little it uses is measured by the benchmarks; here it may not spin
			t.Errorf("an idle Watcher used %v in 2 s", used)
		}
	})
}

// cpuTime is what the scheduler has counted; that of getrusage is guessed by ticks.
func cpuTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &now); err != nil {
		return 0
	}
	return time.Duration(now.Nano())
}

// TestWatchRoutesKeepUp changes routes as fast as one process can and watches the time that folding them takes.
func TestWatchRoutesKeepUp(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(noDetection)
		stormLab(run)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		const changes = 1000
		var folding time.Duration
		for i := range changes {
			if err := changeRoute(c, i%512); err != nil && i < 512 {
				t.Error(err)
				return
			}
			start := time.Now()
			e, err := w.turn()
			for tries := 0; err == nil && e[slowpath.Any] == slowpath.Never && tries < 100; tries++ { // the last of the lab's addresses, announced late
				time.Sleep(time.Millisecond)
				e, err = w.turn()
			}
			folding += time.Since(start)
			if err != nil || e != w.ledger.moved() {
				t.Errorf("built %v, seen %v: %v", e, w.ledger.moved(), err)
				return
			}
		}
		t.Logf("%v a change", folding/changes)
		if folding/changes > lab.Patience(500*time.Microsecond) {
			t.Errorf("folding a change takes %v", folding/changes)
		}
	})
}

// deafen takes the sysctl program off, for other namespaces write sysctls, too, while tests run.
func deafen(t testing.TB, w *Watcher) {
	t.Helper()
	if w.sysctls == nil {
		return
	}
	if err := w.sysctls.close(); err != nil {
		t.Error(err)
	}
	w.sysctls = nil
}

// TestWatchAudit has the filter count what the reader never gets, which should not happen, and looks whether that heals.
func TestWatchAudit(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		deafen(t, w)
		w.ledger.seenWords[slowpath.Config]++
		w.ledger.tallyWords[tallySockets/8+slowpath.Config]++
		for i := range w.polls {
			w.polls[i].rest = retryPeriod
			w.polls[i].after(time.Now(), 0)
		}
		ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(4*time.Second))
		defer cancel()
		for w.givenEpochs != w.ledger.moved() {
			if _, _, err := w.Next(ctx); err != nil {
				t.Errorf("seen %v, built %v: %v", w.ledger.moved(), w.givenEpochs, err)
				return
			}
		}
	})
}
