package introspect

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
)

// pathLab has a route to 10.5.0.0/16.
const pathLab = `sysctl -qw net.ipv4.ip_forward=1
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
ip addr add 10.0.0.1/24 dev v0
ip route add 10.5.0.0/16 via 10.0.0.2`

// teach4 sends the host itself a "fragmentation needed" about an answer to a ping, which it heeds without asking who pinged.
func teach4(t *testing.T, to string, mtu uint16) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	b := binary.BigEndian.AppendUint16([]byte{destUnreach, fragNeeded, 0, 0, 0, 0}, mtu)
	b = append(b, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, unix.IPPROTO_ICMP, 0, 0, 10, 0, 0, 1)
	b = append(append(b, netip.MustParseAddr(to).AsSlice()...), make([]byte, 8)...)
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Error(err)
	}
}

func knows4(addr string) func(*Snapshot) bool {
	return func(s *Snapshot) bool { _, ok := s.Learned4.Get(Address(netip.MustParseAddr(addr))); return ok }
}

// TestWatchPaths: a small path MTU moves Route4 before the ICMP error is sent, one that follows at once is known within the
// bound, and none that is large, or known, or another network namespace's, counts.
func TestWatchPaths(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(pathLab)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		moved := func() uint64 { return w.ledger.moved()[slowpath.Route4] }
		before := moved()
		teach4(t, "10.5.0.9", 552)
		if got := moved(); got != before {
			t.Errorf("seen %d after an MTU that is not locked, want %d", got, before)
		}
		teach4(t, "10.5.0.1", 551)
		if got := moved(); got != before+1 {
			t.Errorf("seen %d after an ICMP error, want %d", got, before+1)
		}
		begin := time.Now()
		teach4(t, "10.5.0.2", 0)
		teach4(t, "10.5.0.1", 551)
		if got := moved(); got != before+1 && time.Since(begin) < pathPeriod/2 {
			t.Errorf("seen %d after the next one, want %d", got, before+1)
		}
		until(t, w, knows4("10.5.0.1"))
		most := bound(w, "an ICMP error tells the host of an IPv4 path MTU below net.ipv4.route.min_pmtu, a moment after another one")
		if took := until(t, w, knows4("10.5.0.2")); took > most {
			t.Errorf("the next one was noticed after %v", took)
		}
		settle(t, w)
		if built, seen := w.givenEpochs, w.ledger.moved(); built != seen || w.s.Learned4.Len() != 2 {
			t.Errorf("built %v, seen %v, %d destinations", built, seen, w.s.Learned4.Len())
		}
		run("sysctl -qw net.ipv4.route.min_pmtu=600")
		until(t, w, knows4("10.5.0.9"))
		settle(t, w)
		before = moved()
		inNamespace(t, func(run func(string)) {
			run(pathLab)
			teach4(t, "10.5.0.3", 500)
			run("ip route get 10.5.0.3 | grep -q 'mtu lock 552'") // the error was heeded
		})
		if got := moved(); got != before {
			t.Errorf("seen %d after another namespace's, want %d", got, before)
		}
	})
}

// TestWatchPathsFlood: however many errors come, programs may copy routes most of the time, and the Watcher comes to know all.
func TestWatchPathsFlood(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(pathLab)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		const many = 5000
		begin, before := time.Now(), w.ledger.moved()[slowpath.Route4]
		for i := range many {
			teach4(t, netip.AddrFrom4([4]byte{10, 5, byte(i >> 8), byte(i)}).String(), 68)
		}
		moves, most := w.ledger.moved()[slowpath.Route4]-before, 1+uint64(time.Since(begin)/pathPeriod)
		if moves == 0 || moves > most {
			t.Errorf("%d moves in %v, want 1 to %d", moves, time.Since(begin), most)
		}
		until(t, w, func(s *Snapshot) bool { return s.Learned4.Len() == many })
		settle(t, w)
		if built, seen := w.givenEpochs, w.ledger.moved(); built != seen {
			t.Errorf("built %v, seen %v", built, seen)
		}
	})
}

// TestWatchPathsBefore: what the host was told of before it is watched is known as far as the kernel shows it.
func TestWatchPathsBefore(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(pathLab)
		for _, to := range []struct {
			addr string
			mtu  uint16
		}{{"10.5.0.1", 500}, {"10.5.0.2", 1000}} {
			teach4(t, to.addr, to.mtu)
			run("ip route get " + to.addr) // uses it
		}
		s, err := Read(context.Background())
		if err != nil || s.Learned4.Len() != 1 || !knows4("10.5.0.1")(s) {
			t.Errorf("read %d destinations, error %v", s.Learned4.Len(), err)
		}
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		until(t, w, knows4("10.5.0.1"))
		if w.s.Learned4.Len() != 1 {
			t.Errorf("%d destinations", w.s.Learned4.Len())
		}
	})
}
