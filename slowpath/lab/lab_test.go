package lab

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

func network(t *testing.T, l Layout) *Network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n, err := NewNetwork(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// datagram is one from A to the sink behind a port.
func datagram(n *Network, port int, payload string) Packet {
	a, b := n.Ports[0], n.Ports[port]
	return Packet{DstMAC: a.MAC, SrcMAC: a.Peer.MAC, Src: a.Peer.Addr.Addr(), Dst: b.Peer.Addr.Addr(),
		SrcPort: 1000, DstPort: 2000, Payload: []byte(payload)}
}

func TestKernelForwardsBetweenPorts(t *testing.T) {
	n := network(t, Layout{Ports: 4})
	c, err := NewCapture(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, p := range n.Ports {
		if err := c.Add(p.Peer.Net, p.Peer.Index, uint32(i), true); err != nil {
			t.Fatal(err)
		}
	}
	s, err := NewSender(n.A, n.Ports[0].Peer.Index)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for port := 1; port < 4; port++ {
		text := strings.Repeat(fmt.Sprintf("port %d ", port), 40)
		p := datagram(n, port, text)
		if err := s.Send(p.Frame()); err != nil {
			t.Fatal(err)
		}
		got, ok, err := c.Next(Patience(time.Second))
		if err != nil || !ok {
			t.Fatalf("port %d: nothing captured: %v", port, err)
		}
		p.DstMAC, p.SrcMAC, p.TTL = n.Ports[port].Peer.MAC, n.Ports[port].MAC, 63
		if want := p.Frame(); got.Tag != uint32(port) || !bytes.Equal(got.Frame, want) {
			t.Errorf("port %d: captured from %d\n% x, want\n% x", port, got.Tag, got.Frame, want)
		}
	}
	if _, ok, err := c.Next(0); ok || err != nil {
		t.Errorf("a frame too many, or %v", err)
	}
}

func TestDoComesBack(t *testing.T) {
	n := network(t, Layout{})
	where := func() string { s, _ := os.Readlink("/proc/thread-self/ns/net"); return s }
	home := where()
	var inside string
	if err := n.R.Do(func() error { inside = where(); return n.A.Do(func() error { return nil }) }); err != nil {
		t.Fatal(err)
	}
	if inside == home || where() != home {
		t.Errorf("home %s, inside %s, after %s", home, inside, where())
	}
	if out, err := n.R.Output("ip -br addr show r1"); err != nil || !strings.Contains(out, "10.2.0.254/24") {
		t.Errorf("%q, %v", out, err)
	}
	if err := n.R.Run("ip link show nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a failing command: %v", err)
	}
}

func TestBindGivesName(t *testing.T) {
	n := network(t, Layout{})
	name := fmt.Sprintf("hone-lab-%d", os.Getpid())
	if err := n.R.Bind(name); err != nil {
		t.Skipf("cannot bind: %v", err)
	}
	out, err := n.A.Output("ip -n " + name + " -br link")
	if err != nil || !strings.Contains(out, "r0@") {
		t.Errorf("%q, %v", out, err)
	}
	n.R.Close()
	if _, err := os.Stat(bindDir + "/" + name); !os.IsNotExist(err) {
		t.Errorf("the name is left: %v", err)
	}
}

func TestFrame6HasRightChecksums(t *testing.T) {
	p := Packet{DstMAC: make([]byte, 6), SrcMAC: make([]byte, 6), Src: netip.MustParseAddr("2001:db8::1"),
		Dst: netip.MustParseAddr("2001:db8::2"), SrcPort: 1, DstPort: 2, TOS: 0xb8, FlowLabel: 0x12345, Payload: []byte("hello, six")}
	f := p.Frame()
	if got := fold(sum(f[Off6L4:], 17+18+sum(f[Off6Src:Off6L4], 0))); got != 0xffff {
		t.Errorf("sum %#x of % x", got, f)
	}
	if f[OffIP] != 0x6b || f[OffIP+1] != 0x81 || f[Off6HopLimit] != 64 || len(f) != Off6L4+18 {
		t.Errorf("% x", f)
	}
}
