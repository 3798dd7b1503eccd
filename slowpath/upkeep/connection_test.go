package upkeep

import (
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestRelax wants the flags of both directions set, by either direction's addresses, and all else as it was.
func TestRelax(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("making namespaces needs root")
	}
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	for family, addrs := range map[uint8][2]string{unix.AF_INET: {"10.0.0.1:1", "10.0.0.2:80"},
		unix.AF_INET6: {"[2001:db8::1]:1", "[2001:db8::2]:80"}} {
		c := lab.Connection{Protocol: unix.IPPROTO_TCP, Source: netip.MustParseAddrPort(addrs[0]),
			Dest: netip.MustParseAddrPort(addrs[1]), Status: 14, Seconds: 1000, State: 3, Mark: 7}
		for _, reply := range []bool{false, true} {
			if err := ns.Connect(c); err != nil {
				t.Skipf("the kernel takes no connections: %v", err)
			}
			source, dest := c.Source, c.Dest
			if reply {
				source, dest = dest, source
			}
			relax(t, ns, source, dest)
			all, err := ns.Connections(family)
			if err != nil || len(all) != 1 || !all[0].Liberal || all[0].State != 3 || all[0].Mark != 7 || all[0].Seconds < 990 {
				t.Errorf("%v, %v", all, err)
			}
			if err := ns.Disconnect(c); err != nil {
				t.Fatal(err)
			}
			relax(t, ns, source, dest) // which is gone
		}
	}
}

func relax(t *testing.T, ns *lab.Namespace, source, dest netip.AddrPort) {
	t.Helper()
	if err := ns.Do(func() error {
		c, err := OpenConnections()
		if err != nil {
			return err
		}
		defer c.Close()
		return c.Relax(source, dest)
	}); err != nil {
		t.Fatal(err)
	}
}
