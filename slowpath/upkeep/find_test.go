package upkeep

import (
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestFindConnection asks for packets of translated connections, either way, and for what is of none.
func TestFindConnection(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making namespaces needs root")
	}
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	const status, sourceNAT = 14, 1 << 4
	at := netip.MustParseAddrPort
	for _, c := range []lab.Connection{
		{Protocol: unix.IPPROTO_UDP, Source: at("10.0.0.1:1"), Dest: at("10.0.0.2:53"), SourceNAT: at("10.2.0.254:1024"), Mark: 7},
		{Protocol: unix.IPPROTO_TCP, Source: at("[2001:db8::1]:1"), Dest: at("[2001:db8::2]:80"), SourceNAT: at("[2001:db8:2::254]:1024"), State: 3},
		{Protocol: unix.IPPROTO_TCP, Source: at("10.0.0.1:1"), Dest: at("10.0.0.2:80"), State: 3},
	} {
		c.Status, c.Seconds = status, 1000
		if err := ns.Connect(c); err != nil {
			t.Skipf("the kernel takes no connections: %v", err)
		}
		outside := c.Source
		if c.SourceNAT.IsValid() {
			outside = c.SourceNAT
		}
		forth, ok := find(t, ns, c.Protocol, c.Source, c.Dest)
		if !ok || forth.Source != outside || forth.Dest != c.Dest || forth.Reply || forth.Mark != c.Mark ||
			forth.Status&status != status || forth.Status&sourceNAT != 0 != c.SourceNAT.IsValid() {
			t.Errorf("%+v %v", forth, ok)
		}
		back, ok := find(t, ns, c.Protocol, c.Dest, outside)
		if !ok || back.Source != c.Dest || back.Dest != c.Source || !back.Reply {
			t.Errorf("%+v %v", back, ok)
		}
		if other, ok := find(t, ns, c.Protocol, c.Source, netip.AddrPortFrom(c.Dest.Addr(), 9)); ok {
			t.Errorf("%+v", other)
		}
	}
}

func find(t *testing.T, ns *lab.Namespace, protocol uint8, source, dest netip.AddrPort) (c Connection, ok bool) {
	t.Helper()
	if err := ns.Do(func() (err error) { c, ok, err = FindConnection(protocol, source, dest); return err }); err != nil {
		t.Fatal(err)
	}
	return c, ok
}
