package transparency

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

// settled waits until every change is accounted for, and tells how long that took.
func (b *linkBed) settled(limit time.Duration) time.Duration {
	b.t.Helper()
	start := time.Now()
	for time.Since(start) < limit {
		if s, err := b.status(); err == nil && s.Coherent {
			return time.Since(start)
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatalf("not settled within %v", limit)
	return 0
}

// batch hands many lines to ip in the router, under the flow, which has to arrive at b0 all the while.
func (b *linkBed) batch(what string, lines []string) {
	b.t.Helper()
	begun := clock()
	if err := b.R.Batch(lines); err != nil {
		b.t.Fatal(err)
	}
	took := b.settled(30 * time.Second)
	b.t.Logf("%s: made in %v, accounted for %v later", what, time.Duration(clock()-begun)-took, took)
	b.fast()
	b.arrives(what, begun)
}

// arrives wants the frames that were made after a moment to have arrived at b0, all of those that arrived.
func (b *linkBed) arrives(what string, begun uint64) {
	b.t.Helper()
	counts, err := b.flow.since(begun)
	if err != nil {
		b.t.Fatal(err)
	}
	for tag, n := range counts {
		if tag != 1 {
			b.t.Errorf("%s: %d frames arrived at end %d", what, n, tag)
		}
	}
	if counts[1] < 100 {
		b.t.Errorf("%s: only %d frames arrived", what, counts[1])
	}
}

// TestLimits has far more of everything than a router usually has, while frames flow: they flow on, and the agent accounts
// for all of it in time.
func TestLimits(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip")
	}
	b := newLinkBed(t, buildHoned(t))
	t.Run("high index", func(t *testing.T) {
		b.must(b.B, "ip link add far0 address 02:00:00:00:0b:0f type veth peer name far index 70000 netns "+b.home())
		b.must(b.B, "ip link set far0 up")
		b.must(b.R, "ip link set far up", "ip addr add 10.9.0.254/24 dev far", "ip neigh replace 10.9.0.1 lladdr 02:00:00:00:0b:0f dev far")
		b.flow.watch(t, b.B, indexOf(t, b.B, "far0"), 9)
		b.flow.change(t, b.R, 9, "ip route replace 10.128.0.0/16 via 10.9.0.1")
		b.fast()
		b.flow.change(t, b.R, 1, byR1)
		b.must(b.R, "ip link del far")
	})
	t.Run("neighbours", func(t *testing.T) {
		var lines []string
		for i := range 10000 {
			lines = append(lines, fmt.Sprintf("neigh add 10.8.%d.%d lladdr 02:00:00:00:08:01 dev r2 nud permanent", i>>8, i&255))
		}
		b.batch("10,000 neighbours", lines)
		b.batch("their end", []string{"neigh flush dev r2 to 10.8.0.0/16 nud permanent"})
	})
	t.Run("storm of neighbours", b.storm)
	t.Run("tables of routes", b.tables)
	t.Run("interfaces", func(t *testing.T) {
		b.must(b.R, "ip link add spare0 type veth peer name spare1")
		var add []string
		for i := range 1000 {
			add = append(add, fmt.Sprintf("link add link spare0 name m%d type macvlan", i))
		}
		if err := b.R.Run("ip " + add[0]); err != nil {
			t.Skipf("the kernel has no macvlan: %v", err)
		}
		b.batch("1,000 interfaces", add[1:])
		if s, err := b.status(); err != nil || len(s.Interfaces) < 1000 {
			t.Errorf("honed tells of %d interfaces: %v", len(s.Interfaces), err)
		}
		b.batch("their end", []string{"link del spare0"})
	})
}

// storm has somebody scan a network: the router asks for thousands of neighbours, more than the kernel keeps, and nobody
// answers.
func (b *linkBed) storm(t *testing.T) {
	b.must(b.R, "ip addr add 10.64.0.254/16 dev r2")
	s, err := lab.NewSender(b.A, b.Ports[0].Peer.Index)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begun, in := clock(), b.Ports[0]
	for i := range 3000 {
		p := lab.Packet{DstMAC: in.MAC, SrcMAC: in.Peer.MAC, Src: in.Peer.Addr.Addr(), DstPort: 9,
			Dst: netip.AddrFrom4([4]byte{10, 64, byte(i >> 8), byte(i)})}
		if err := s.Send(p.Frame()); err != nil {
			t.Fatal(err)
		}
		if i%16 == 0 {
			time.Sleep(flowPause)
		}
	}
	took := b.settled(10 * time.Second)
	t.Logf("asked for 3000 neighbours in %v, accounted for %v later", time.Duration(clock()-begun)-took, took)
	b.fast()
	b.arrives("the storm", begun)
	b.batch("its end", []string{"neigh flush dev r2 to 10.64.0.0/16 nud all", "addr del 10.64.0.254/16 dev r2"})
}

// tables has tables of routes appear and vanish, with the rules that lead to them: the frames go where these say.
func (b *linkBed) tables(t *testing.T) {
	var lines []string
	for i := range 150 {
		id := 1000 + i%50
		lines = append(lines, fmt.Sprintf("rule add pref %d to 10.129.0.0/16 lookup %d", 100+i%3, id), fmt.Sprintf("route add default via 10.3.0.1 table %d", id),
			fmt.Sprintf("route del default table %d", id), fmt.Sprintf("rule del pref %d", 100+i%3))
	}
	b.batch("150 tables and rules", lines)
	for range 3 {
		b.flow.change(t, b.R, 1, "ip rule add pref 100 lookup 77")
		b.fast()
		b.flow.change(t, b.R, 2, "ip route add 10.128.0.0/16 via 10.3.0.1 table 77")
		b.fast()
		b.flow.change(t, b.R, 1, "ip route flush table 77")
		b.flow.change(t, b.R, 2, "ip route add 10.128.0.0/16 via 10.3.0.1 table 77")
		b.flow.change(t, b.R, 1, "ip rule del pref 100")
		b.must(b.R, "ip route flush table 77")
		b.fast()
	}
}

// indexOf finds an interface of a namespace.
func indexOf(t *testing.T, ns *lab.Namespace, name string) (index int) {
	t.Helper()
	err := ns.Do(func() error {
		i, err := net.InterfaceByName(name)
		if err == nil {
			index = i.Index
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return index
}
