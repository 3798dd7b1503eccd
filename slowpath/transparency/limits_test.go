package transparency

import (
	"fmt"
	"net"
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
