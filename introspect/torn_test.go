package introspect

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// steady6 is how many routes stay as they are while others, before them in the order of the walk, come and go.
const steady6, moving6 = 20_000, 64

func route6Message(i int) netlink.Message {
	a := netip.MustParseAddr("2001:db8::").As16()
	binary.BigEndian.PutUint32(a[4:], uint32(i))
	return routeMessage(netip.PrefixFrom(netip.AddrFrom16(a), 64), netip.MustParseAddr("fd00:1::2"), 0)
}

// TestTornDump reads IPv6 routes again and again while some come and go: none that stays may be missed, for the kernel does
// not say that a dump was torn.
func TestTornDump(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(base + base6)
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		var all []netlink.Message
		for i := range moving6 + steady6 {
			all = append(all, route6Message(i))
		}
		load(t, c, all)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		stop, stopped := make(chan bool), make(chan bool)
		go comeAndGo(t, c, stop, stopped)
		believed := 0
		for deadline := time.Now().Add(lab.Patience(3 * time.Second)); time.Now().Before(deadline) && !t.Failed(); {
			w.stale.routes6.all()
			if err := w.refreshRoutes(Routes6); err != nil {
				t.Error(err)
			}
			if !w.stale.routes6.whole {
				believed++
			}
			if missing := w.s.steady(); missing > 0 {
				t.Errorf("%d routes are missing after %d readings", missing, believed)
			}
		}
		close(stop)
		<-stopped
		same(t, w)
		t.Logf("%d readings were believed", believed)
		if believed == 0 {
			t.Error("no reading was believed")
		}
	})
}

// steady counts the routes that should stay and are not there.
func (s *Snapshot) steady() (missing int) {
	first, _, _ := decodeRoute(route6Message(moving6).Data)
	there := 0
	for k := range s.Routes6.From(first.Key) {
		if k.Dst.Bits() == 64 && k.Table == unix.RT_TABLE_MAIN && k.Priority == 20 && k.Seq == 0 {
			there++
		}
	}
	return steady6 - there
}

// comeAndGo deletes and makes routes, with pauses in between.
func comeAndGo(t *testing.T, c *netlink.Conn, stop, stopped chan bool) {
	defer close(stopped)
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		m := route6Message(i / 2 % moving6)
		m.Data = withoutDevice(m.Data)
		m.Header.Type, m.Header.Flags = unix.RTM_DELROUTE, netlink.Request|netlink.Acknowledge
		if i%2 == 1 {
			m.Header.Type, m.Header.Flags = unix.RTM_NEWROUTE, netlink.Request|netlink.Acknowledge|netlink.Create
		}
		if _, err := c.Execute(m); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(lab.Patience(time.Duration(i%8) * time.Millisecond))
	}
}
