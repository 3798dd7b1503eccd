package upkeep

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// two makes a namespace with a host "here" and one with a host "there", a veth pair between them; timers of the
// neighbour table of "here" are short.
func two(t *testing.T) (here int, moveMAC func(net.HardwareAddr)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	runtime.LockOSThread() // never unlocked: the thread dies with the test, and the namespaces with it
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	other, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	t.Cleanup(func() { _ = other.Close() })
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "here", TxQLen: -1}, PeerName: "there",
		PeerNamespace: netlink.NsFd(int(other.Fd()))}))
	for name, value := range map[string]string{
		"base_reachable_time_ms": "400", "delay_first_probe_time": "0", "retrans_time_ms": "50", "locktime": "0",
	} {
		must(t, os.WriteFile("/proc/sys/net/ipv4/neigh/here/"+name, []byte(value), 0))
		if name != "locktime" {
			must(t, os.WriteFile("/proc/sys/net/ipv6/neigh/here/"+name, []byte(value), 0))
		}
	}
	here = address(t, "here", "10.0.0.1/24")
	address(t, "here", "fd00::1/64")
	there := inside(t, other)
	there(func() {
		address(t, "there", "10.0.0.2/24")
		address(t, "there", "fd00::2/64")
	})
	return here, func(mac net.HardwareAddr) {
		there(func() {
			must(t, os.WriteFile("/proc/sys/net/ipv4/conf/all/arp_notify", []byte("0"), 0))
			l, err := netlink.LinkByName("there")
			must(t, err)
			must(t, netlink.LinkSetHardwareAddr(l, mac))
		})
	}
}

// inside runs functions in another namespace and comes back.
func inside(t *testing.T, other *os.File) func(func()) {
	home, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	t.Cleanup(func() { _ = home.Close() })
	return func(f func()) {
		must(t, unix.Setns(int(other.Fd()), unix.CLONE_NEWNET))
		f()
		must(t, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET))
	}
}

func address(t *testing.T, name, prefix string) int {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	addr, err := netlink.ParseAddr(prefix)
	must(t, err)
	addr.Flags = unix.IFA_F_NODAD
	must(t, netlink.AddrAdd(l, addr))
	must(t, netlink.LinkSetUp(l))
	return l.Attrs().Index
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var there, there6 = netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::2")

func neighbour(t *testing.T, ifindex, state int, mac string) {
	t.Helper()
	hw, err := net.ParseMAC(mac)
	must(t, err)
	for _, addr := range []netip.Addr{there, there6} {
		must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: ifindex, IP: addr.AsSlice(), State: state, HardwareAddr: hw}))
	}
}

// became waits until the neighbour satisfies ok.
func became(t *testing.T, n *Neighbours, ifindex int, what string, ok func(*netlink.Neigh) bool) {
	t.Helper()
	becomes(t, n, key{ifindex, there}, what, ok)
}

func becomes(t *testing.T, n *Neighbours, k key, what string, ok func(*netlink.Neigh) bool) {
	t.Helper()
	var last *netlink.Neigh
	for end := time.Now().Add(lab.Patience(3 * time.Second)); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		e, err := n.entry(k)
		must(t, err)
		if last = e; ok(e) {
			return
		}
	}
	t.Fatalf("the neighbour never became %s; it is %+v", what, last)
}

func state(want int) func(*netlink.Neigh) bool {
	return func(e *netlink.Neigh) bool { return e.State&want != 0 }
}

func open(t *testing.T) *Neighbours {
	n, err := Open()
	must(t, err)
	t.Cleanup(n.Close)
	return n
}

func TestStaleNeighbourIsConfirmed(t *testing.T) {
	here, move := two(t)
	n := open(t)
	first, second := net.HardwareAddr{2, 0, 0, 0, 0, 9}, net.HardwareAddr{2, 0, 0, 0, 0, 10}
	move(first)
	neighbour(t, here, netlink.NUD_STALE, first.String())
	time.Sleep(50 * time.Millisecond)
	became(t, n, here, "stale", state(netlink.NUD_STALE))
	told, err := n.Use(here, there)
	if !told || err != nil {
		t.Fatalf("Use of a stale neighbour: %v, %v", told, err)
	}
	for tries := 0; told && tries < 10; tries++ { // on a busy machine it may be stale again by then
		became(t, n, here, "reachable", state(netlink.NUD_REACHABLE))
		told, err = n.Use(here, there)
		must(t, err)
	}
	if told {
		t.Error("the kernel is told of every use of a reachable neighbour")
	}
	move(second)
	became(t, n, here, "stale", state(netlink.NUD_STALE))
	use := time.Now()
	for told = false; !told && time.Since(use) < lab.Patience(time.Second); time.Sleep(time.Millisecond) {
		told, err = n.Use(here, netip.AddrFrom16(there.As16()))
		must(t, err)
	}
	if !told {
		t.Fatal("a neighbour that is stale again is not asked for")
	}
	// Three unicast probes go unanswered; the next packet of the kernel's own would ask by broadcast.
	became(t, n, here, "failed", state(netlink.NUD_FAILED))
	t.Logf("told: a MAC that moved in silence was noticed %v after the neighbour became stale", time.Since(use).Round(time.Millisecond))
}

// TestStaleIPv6NeighbourIsConfirmed: IPv6 has entries, timers and questions of its own.
func TestStaleIPv6NeighbourIsConfirmed(t *testing.T) {
	here, move := two(t)
	n := open(t)
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	move(mac)
	time.Sleep(1500 * time.Millisecond) // until the link-local addresses are no duplicates
	neighbour(t, here, netlink.NUD_STALE, mac.String())
	k := key{here, there6}
	becomes(t, n, k, "stale", state(netlink.NUD_STALE))
	if told, err := n.Use(here, there6); !told || err != nil {
		t.Fatalf("Use of a stale neighbour: %v, %v", told, err)
	}
	becomes(t, n, k, "reachable", state(netlink.NUD_REACHABLE))
	if every := k.interval(); every != 200*time.Millisecond {
		t.Errorf("asked every %v", every)
	}
}

func TestUseChangesNothingElse(t *testing.T) {
	here, _ := two(t)
	must(t, os.WriteFile("/proc/sys/net/ipv4/neigh/here/base_reachable_time_ms", []byte("600000"), 0)) // whoever is reachable stays so
	n := open(t)
	for _, s := range []int{netlink.NUD_PERMANENT, netlink.NUD_NOARP, netlink.NUD_REACHABLE} {
		neighbour(t, here, s, "02:00:00:00:00:09")
		if told, err := n.Use(here, there); told || err != nil {
			t.Errorf("Use in state %#x: %v, %v", s, told, err)
		}
		became(t, n, here, "what it was", state(s))
	}
	if told, err := n.Use(here, netip.MustParseAddr("10.0.0.77")); told || err != nil {
		t.Errorf("Use of nobody: %v, %v", told, err)
	}
	if _, err := n.entry(key{here, netip.MustParseAddr("10.0.0.77")}); err == nil {
		t.Error("Use made an entry")
	}
	if told, err := n.Use(4711, there); told || err != nil {
		t.Errorf("Use on no interface: %v, %v", told, err)
	}
}

func TestUseKeepsFlags(t *testing.T) {
	here, _ := two(t)
	n := open(t)
	hw := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: here, IP: there.AsSlice(), State: netlink.NUD_STALE,
		HardwareAddr: hw, Flags: netlink.NTF_EXT_LEARNED}))
	if told, err := n.Use(here, there); !told || err != nil {
		t.Fatalf("Use: %v, %v", told, err)
	}
	e, err := n.entry(key{here, there})
	must(t, err)
	if e.Flags&netlink.NTF_EXT_LEARNED == 0 || e.HardwareAddr.String() != hw.String() {
		t.Errorf("Use changed the entry to %+v", e)
	}
}

func TestUseIsRateLimited(t *testing.T) {
	here, _ := two(t)
	n := open(t)
	clock := time.Now()
	n.now = func() time.Time { return clock }
	ask := func(want bool) {
		t.Helper()
		neighbour(t, here, netlink.NUD_STALE, "02:00:00:00:00:09")
		if told, err := n.Use(here, there); told != want || err != nil {
			t.Errorf("Use: %v, %v, want %v", told, err, want)
		}
	}
	ask(true)
	ask(false)
	clock = clock.Add(199 * time.Millisecond)
	ask(false)
	clock = clock.Add(time.Millisecond)
	ask(true)
	n.limit = 1
	clock = clock.Add(time.Second)
	ask(true)
	if len(n.next) != 1 || n.limit != 256 {
		t.Errorf("%d neighbours remembered, limit %d", len(n.next), n.limit)
	}
}

func BenchmarkUseNothingToDo(b *testing.B) {
	n := &Neighbours{next: map[key]time.Time{{1, there}: time.Now().Add(time.Hour)}, now: time.Now}
	for b.Loop() {
		_, _ = n.Use(1, there)
	}
}
