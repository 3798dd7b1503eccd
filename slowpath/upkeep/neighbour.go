package upkeep

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// pause is the time between two requests for one neighbour where the kernel does not tell: half of its default
// base_reachable_time. The kernel trusts an answer for a random time of 0.5 to 1.5 times that, so that half of it
// after a request the entry cannot have been confirmed and become stale again: waiting so long delays nothing.
const pause = 15 * time.Second

// key is a neighbour of an interface.
type key struct {
	ifindex int
	addr    netip.Addr
}

// Neighbours tells the kernel which of its neighbours a fast path uses. It belongs to the network namespace of the
// thread that opened it, and to one goroutine.
type Neighbours struct {
	sockets map[int]*nl.SocketHandle
	next    map[key]time.Time // when the neighbour may be asked for again
	limit   int               // how many of them are kept before the old ones are dropped
	now     func() time.Time
}

// Open makes Neighbours for the network namespace of the calling thread.
func Open() (*Neighbours, error) {
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("upkeep: open netlink: %w", err)
	}
	if err := s.SetReceiveTimeout(&nl.SocketTimeoutTv); err != nil {
		s.Close()
		return nil, fmt.Errorf("upkeep: open netlink: set timeout: %w", err)
	}
	return &Neighbours{
		sockets: map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: s}},
		next:    map[key]time.Time{}, limit: 256, now: time.Now,
	}, nil
}

// Close lets go of the netlink socket.
func (n *Neighbours) Close() {
	for _, s := range n.sockets {
		s.Close()
	}
}

// Use says that packets were sent to the neighbour. If the kernel takes its entry for stale, the kernel does what it
// does for a packet of its own: it waits a little for a confirmation, then asks the neighbour. Entries in another state
// need nothing; one that is gone is none of ours. Use tells whether the kernel was told. It is cheap for a neighbour that
// was told about a short time ago.
func (n *Neighbours) Use(ifindex int, addr netip.Addr) (bool, error) {
	k := key{ifindex, addr.Unmap()}
	now := n.now()
	if now.Before(n.next[k]) {
		return false, nil
	}
	entry, err := n.entry(k)
	if err == nil && stale(entry) {
		n.forget(now)
		n.next[k] = now.Add(k.interval())
		err = n.send(k, entry)
	} else {
		entry = nil
	}
	if vanished(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("upkeep: use neighbour %s of interface %d: %w", k.addr, ifindex, err)
	}
	return entry != nil, nil
}

// stale tells whether the entry waits for somebody to use it. An entry that the kernel manages needs nobody.
func stale(e *netlink.Neigh) bool {
	return e.State == netlink.NUD_STALE && e.FlagsExt&netlink.NTF_EXT_MANAGED == 0
}

// vanished tells whether the neighbour or its interface is not there any more.
func vanished(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)
}

// entry asks the kernel for the neighbour as it is now: the caller's picture may be old, and the state of an entry
// that was made permanent meanwhile must not be touched.
func (n *Neighbours) entry(k key) (*netlink.Neigh, error) {
	msgs, err := n.request(unix.RTM_GETNEIGH, 0, k, 0)
	if err != nil {
		return nil, err
	}
	for _, m := range msgs {
		if len(m) < 12 {
			continue
		}
		if e, err := netlink.NeighDeserialize(m); err == nil {
			return e, nil
		}
	}
	return nil, unix.ENOENT
}

// send asks for the neighbour's use. Without NLM_F_CREATE nothing comes into being, without an address nothing changes;
// the flags of the entry are repeated, because the kernel clears those that it is not given.
func (n *Neighbours) send(k key, e *netlink.Neigh) error {
	_, err := n.request(unix.RTM_NEWNEIGH, unix.NLM_F_ACK, k, uint8(e.Flags)|netlink.NTF_USE)
	return err
}

// request sends a message about one neighbour and gives the answers.
func (n *Neighbours) request(kind, flags int, k key, ndm uint8) ([][]byte, error) {
	family := unix.AF_INET
	if !k.addr.Is4() {
		family = unix.AF_INET6
	}
	req := nl.NewNetlinkRequest(kind, flags)
	req.Sockets = n.sockets
	req.AddData(&netlink.Ndmsg{Family: uint8(family), Index: uint32(k.ifindex), Flags: ndm})
	req.AddData(nl.NewRtAttr(unix.NDA_DST, k.addr.AsSlice()))
	return req.Execute(unix.NETLINK_ROUTE, 0)
}

// interval is half of the interface's base_reachable_time, which each family has for itself.
func (k key) interval() time.Duration {
	l, err := netlink.LinkByIndex(k.ifindex)
	if err != nil {
		return pause
	}
	family := "ipv4"
	if !k.addr.Is4() {
		family = "ipv6"
	}
	text, err := os.ReadFile("/proc/sys/net/" + family + "/neigh/" + l.Attrs().Name + "/base_reachable_time_ms")
	if err != nil {
		return pause
	}
	ms, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || ms < 0 {
		return pause
	}
	return time.Duration(ms) * time.Millisecond / 2
}

// forget drops what is over, when it has become much, so that neighbours that left are not remembered for ever.
func (n *Neighbours) forget(now time.Time) {
	if len(n.next) < n.limit {
		return
	}
	for k, at := range n.next {
		if !now.Before(at) {
			delete(n.next, k)
		}
	}
	n.limit = max(256, 2*len(n.next))
}
