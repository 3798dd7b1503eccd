package introspect

import (
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// report waits until the sentry has told of a change.
func report(t testing.TB, s *sentry, want uint64) time.Duration {
	t.Helper()
	start := time.Now()
	for time.Since(start) < lab.Patience(time.Second) {
		changed, err := s.read()
		if err != nil {
			t.Fatal(err)
		}
		if changed&want != 0 {
			return time.Since(start)
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("no report of %d", want)
	return 0
}

func TestSentry(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		c := watched(t)
		s, err := newSentry(c)
		if err != nil {
			var v *ebpf.VerifierError
			if errors.As(err, &v) {
				t.Errorf("%+v", v)
			}
			t.Error(err)
			return
		}
		defer s.close()
		report(t, s, 1<<watchHooks) // the first look
		reply(t, c, s)
		quiet(t, s)
		var sockets []int
		for range 3 {
			fd := tap(t)
			defer unix.Close(fd)
			report(t, s, 1<<watchTaps)
			sockets = append(sockets, fd)
		}
		quiet(t, s)
		filter, err := bpf.Assemble(filterCases[3].code)
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range sockets { // each in its turn is in the list of its namespace
			attachClassic(t, fd, filter)
			report(t, s, 1<<watchTaps)
			attachClassic(t, fd, filter)
			report(t, s, 1<<watchTaps)
			if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: 1}); err != nil {
				t.Error(err)
			}
			report(t, s, 1<<watchTaps)
		}
		for _, family := range []string{"ip", "ip6"} {
			run("nft add table " + family + " t; nft add chain " + family + " t f '{ type filter hook forward priority 0; }'")
			report(t, s, 1<<watchHooks)
			run("nft delete table " + family + " t")
			report(t, s, 1<<watchHooks)
		}
		quiet(t, s)
	})
}

// watched are epochs, and the tally with the answers to a sentry.
func watched(t testing.TB) counters {
	t.Helper()
	var c counters
	for name, m := range map[string]**ebpf.Map{"seen": &c.seen, "tally": &c.tally} {
		var err error
		if *m, err = newWords(name, max(tallySize, 8*int(slowpath.NumDomains))); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*m).Close() })
	}
	return c
}

// reply tells a sentry that all that it has asked for was read.
func reply(t testing.TB, c counters, s *sentry) {
	t.Helper()
	b := make([]byte, max(tallySize, 8*int(slowpath.NumDomains)))
	native.PutUint64(b[tallyAnswered:], s.last.questions)
	if err := c.tally.Put(uint32(0), b); err != nil {
		t.Error(err)
	}
}

// quiet looks whether the sentry tells of nothing while nothing changes.
func quiet(t testing.TB, s *sentry) {
	t.Helper()
	time.Sleep(3 * tapPeriod)
	if changed, err := s.read(); err != nil || changed != 0 {
		t.Errorf("told of %d: %v", changed, err)
	}
}

// tap opens a packet socket for all protocols.
func tap(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0300)
	if err != nil {
		t.Error(err)
	}
	return fd
}

// TestSentryCrowd has more packet sockets than the sentry looks at: then it wakes its reader each time.
func TestSentryCrowd(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		s, err := newSentry(watched(t))
		if err != nil {
			t.Error(err)
			return
		}
		defer s.close()
		for range sentrySockets + 1 {
			defer unix.Close(tap(t))
		}
		for range 5 {
			report(t, s, 1<<watchTaps)
		}
	})
}
