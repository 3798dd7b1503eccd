package introspect

import (
	"bufio"
	"net/netip"
	"os"
	"slices"
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
		again, err := s.reload(c, Routes4)
		if err != nil || again != s {
			t.Errorf("read again: %v, differs %v", err, again != s)
		}
		t.Logf("read again in %v", time.Since(start))
		start = time.Now()
		s.usedBy(use{id: 99})
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

// part is a message of a dump as the kernel sends it.
func part(kind uint16, flags netlink.HeaderFlags, sequence uint32, code int32) []byte {
	b := make([]byte, unix.SizeofNlMsghdr+4)
	native.PutUint32(b, uint32(len(b)))
	native.PutUint16(b[4:], kind)
	native.PutUint16(b[6:], uint16(flags))
	native.PutUint32(b[8:], sequence)
	native.PutUint32(b[unix.SizeofNlMsghdr:], uint32(code))
	return b
}

// TestDumping feeds dumps that are whole, torn in the middle or by their very last message, refused, or preceded by the
// rest of another.
func TestDumping(t *testing.T) {
	const mine = 7
	rule := func(flags netlink.HeaderFlags, sequence uint32) []byte {
		return part(unix.RTM_NEWRULE, flags, sequence, 0)
	}
	done := func(flags netlink.HeaderFlags, sequence uint32) []byte {
		return part(unix.NLMSG_DONE, flags, sequence, 0)
	}
	for name, c := range map[string]struct {
		parts  [][]byte
		taken  int
		torn   bool
		done   bool
		failed error
	}{
		"whole":            {[][]byte{rule(0, mine), rule(0, mine), done(0, mine)}, 2, false, true, nil},
		"torn":             {[][]byte{rule(netlink.DumpInterrupted, mine), done(0, mine)}, 1, true, true, nil},
		"torn at the end":  {[][]byte{rule(0, mine), done(netlink.DumpInterrupted, mine)}, 1, true, true, nil},
		"unfinished":       {[][]byte{rule(0, mine)}, 1, false, false, nil},
		"another before":   {[][]byte{rule(netlink.DumpInterrupted, 6), done(0, 6), rule(0, mine)}, 1, false, false, nil},
		"refused":          {[][]byte{part(unix.NLMSG_ERROR, 0, mine, -int32(unix.EBUSY))}, 0, false, true, unix.EBUSY},
		"failed half-way":  {[][]byte{rule(0, mine), part(unix.NLMSG_DONE, 0, mine, -int32(unix.EINTR))}, 1, false, true, unix.EINTR},
		"refused for good": {[][]byte{part(unix.NLMSG_ERROR, 0, mine, -int32(unix.EINVAL))}, 0, false, true, unix.EINVAL},
	} {
		taken := 0
		d := dumping{sequence: mine, f: func(netlink.Message) error { taken++; return nil }}
		err := splitDatagram(slices.Concat(c.parts...), d.take)
		if err != nil || taken != c.taken || d.torn != c.torn || d.done != c.done || d.failed != c.failed {
			t.Errorf("%s: %v, took %d, %+v", name, err, taken, d)
		}
		if c.failed != nil && retryable(c.failed) != (c.failed != unix.EINVAL) {
			t.Errorf("%s: retried %v", name, retryable(c.failed))
		}
	}
}

// TestBrokenDatagrams gives lengths that cannot be.
func TestBrokenDatagrams(t *testing.T) {
	for _, bad := range []uint32{0, 5, 200, 1 << 30} {
		b := part(unix.RTM_NEWRULE, 0, 1, 0)
		native.PutUint32(b, bad)
		if err := splitDatagram(b, func(netlink.Message) error { t.Error("taken"); return nil }); err == nil {
			t.Errorf("length %d passes", bad)
		}
	}
}
