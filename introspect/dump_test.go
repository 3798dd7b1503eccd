package introspect

import (
	"bufio"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TestLiveFullTable loads a table into the kernel and reads it back. HONE_ROUTES names a file with a prefix a line, such
// as a full table of the Internet; without it, some thousands of prefixes have to do.
func TestLiveFullTable(t *testing.T) {
	all := liveTable(t)
	inNamespace(t, func(run func(string)) {
		run(base)
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		loaded := load(t, c, all)
		before, start := heap(), time.Now()
		s, err := new(Snapshot).reload(c, Announced)
		took := time.Since(start)
		if err != nil {
			t.Error(err)
			return
		}
		if got := s.Routes4.Len(); got != len(all)+9 {
			t.Errorf("%d routes, want %d and 9 of the addresses", got, len(all))
		}
		t.Logf("%d routes: loaded in %v, read in %v, %d bytes each", len(all), loaded, took, (heap()-before)/int64(len(all)))
		start = time.Now()
		again, err := s.reload(c, Routes)
		if err != nil || again != s {
			t.Errorf("read again: %v, differs %v", err, again != s)
		}
		t.Logf("read again in %v", time.Since(start))
		start = time.Now()
		s.affected(99, func(uint8) bool { return true })
		s.using(99)
		t.Logf("searched twice in %v", time.Since(start))
	})
}

func liveTable(t *testing.T) []netlink.Message {
	var all []netlink.Message
	add := func(p netip.Prefix) {
		all = append(all, routeMessage(p, netip.AddrFrom4([4]byte{10, 1, 0, byte(2 + len(all)%8)}), 0))
	}
	name := os.Getenv("HONE_ROUTES")
	if name == "" {
		for i := range 5000 {
			add(netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 24))
		}
		return all
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if p, err := netip.ParsePrefix(lines.Text()); err == nil && p.Addr().Is4() {
			add(p)
		}
	}
	return all
}

// load sends the routes many at a time; the last of each batch is acknowledged. The device follows from the gateway.
func load(t *testing.T, c *netlink.Conn, all []netlink.Message) time.Duration {
	start := time.Now()
	for batch := range slices.Chunk(all, 256) {
		requests := slices.Clone(batch)
		for i := range requests {
			requests[i].Header.Flags = netlink.Request | netlink.Create | netlink.Append
			requests[i].Data = withoutDevice(requests[i].Data)
		}
		requests[len(requests)-1].Header.Flags |= netlink.Acknowledge
		if _, err := c.SendMessages(requests); err != nil {
			t.Error(err)
			return 0
		}
		if _, err := c.Receive(); err != nil {
			t.Error(err)
			return 0
		}
	}
	return time.Since(start)
}

// withoutDevice cuts the last attribute of routeMessage off.
func withoutDevice(b []byte) []byte { return b[:len(b)-8] }

// TestAskAgain plays a kernel whose dump is torn: the first by a part, the second by the message that ends it.
func TestAskAgain(t *testing.T) {
	torn := func(kind uint16, flags netlink.HeaderFlags) []byte {
		b := make([]byte, unix.SizeofNlMsghdr+4)
		native.PutUint32(b, uint32(len(b)))
		native.PutUint16(b[4:], kind)
		native.PutUint16(b[6:], uint16(flags))
		return b
	}
	for name, c := range map[string]struct {
		datagram []byte
		done     bool
	}{
		"part":     {torn(unix.RTM_NEWRULE, netlink.Multi|netlink.DumpInterrupted), false},
		"the last": {torn(unix.NLMSG_DONE, netlink.Multi|netlink.DumpInterrupted), true},
		"two":      {append(torn(unix.RTM_NEWRULE, netlink.Multi), torn(unix.NLMSG_DONE, netlink.Multi|netlink.DumpInterrupted)...), true},
	} {
		interrupted := false
		done, err := messages(c.datagram, func(m netlink.Message) error {
			interrupted = interrupted || m.Header.Flags&netlink.DumpInterrupted != 0
			return nil
		})
		if err != nil || done != c.done || !interrupted {
			t.Errorf("%s: done %v, interrupted %v, %v", name, done, interrupted, err)
		}
	}
	failed := torn(unix.NLMSG_ERROR, 0)
	native.PutUint32(failed[unix.SizeofNlMsghdr:], ^uint32(unix.EBUSY)+1)
	if done, err := messages(failed, func(netlink.Message) error { return nil }); !done || !retryable(err) {
		t.Errorf("EBUSY: done %v, %v", done, err)
	}
	tries := 0
	for _, bad := range []int{0, 5, 200, 1 << 30} {
		b := torn(unix.RTM_NEWRULE, 0)
		native.PutUint32(b, uint32(bad))
		if _, err := messages(b, func(netlink.Message) error { tries++; return nil }); err == nil || tries > 0 {
			t.Errorf("length %s passes", strconv.Itoa(bad))
		}
	}
}
