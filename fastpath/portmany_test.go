package fastpath

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
)

func TestManyPortsAttachAndSwap(t *testing.T) {
	for _, n := range []int{2, 64} {
		t.Run(fmt.Sprint(n), func(t *testing.T) { attachAndSwap(t, n) })
	}
}

func attachAndSwap(t *testing.T, n int) {
	namespace(t)
	h, _ := toyHost(t, 1)
	var ports []*Port
	var attach, swap, closing []time.Duration
	for i := range n {
		_, r := pair(t, fmt.Sprintf("a%d", i), fmt.Sprintf("r%d", i))
		start := time.Now()
		p, err := h.Attach(r, toy(), Native)
		must(t, err)
		attach = append(attach, time.Since(start))
		ports = append(ports, p)
	}
	for _, p := range ports {
		start := time.Now()
		must(t, p.Swap(toy(), slowpath.Parked()))
		swap = append(swap, time.Since(start))
	}
	for _, p := range ports {
		start := time.Now()
		must(t, p.Close())
		closing = append(closing, time.Since(start))
	}
	t.Logf("told: %d ports: attach %v, swap %v, close %v (medians)", n, median(attach), median(swap), median(closing))
}

func TestInterfaceThatMovesAway(t *testing.T) {
	namespace(t)
	_, r0 := pair(t, "a", "r0")
	h, _ := toyHost(t, r0)
	p, err := h.Attach(r0, toy(), Native)
	must(t, err)
	home, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	defer func() { _ = home.Close() }()
	must(t, unix.Unshare(unix.CLONE_NEWNET))
	away, err := os.Open("/proc/thread-self/ns/net")
	must(t, err)
	defer func() { _ = away.Close() }()
	must(t, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET))
	dev, err := netlink.LinkByIndex(r0)
	must(t, err)
	must(t, netlink.LinkSetNsFd(dev, int(away.Fd())))
	t.Logf("told: a program moves to the other namespace with its interface: %v", p.Attached())
	must(t, p.Close())
}
