package transparency

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/slowpath/lab"
)

// flowTarget is where the frames of a flow go: by r1 to b0, or, with a metric, by r2 to b1.
var flowTarget = netip.MustParseAddr("10.128.0.9")

const (
	byR1 = "ip route replace 10.128.0.0/16 via 10.2.0.1"
	viaB = "ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:00 dev r1" // which an interface that goes down forgets
	byR2 = "ip route replace 10.128.0.0/16 via 10.3.0.1 metric 100"
)

// linkBed is a router with honed, and a namespace for what is moved away.
type linkBed struct {
	*lab.Network
	t      *testing.T
	flow   *flow
	client *control.Client
	away   *lab.Namespace
	name   string // of away
}

func newLinkBed(t *testing.T, honed string) *linkBed {
	t.Helper()
	n, err := lab.NewNetwork(lab.Layout{Ports: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	b := &linkBed{Network: n, t: t, name: fmt.Sprintf("hone-away-%d", os.Getpid())}
	if b.away, err = lab.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.away.Close() })
	if err := b.away.Bind(b.name); err != nil {
		t.Fatal(err)
	}
	if err := n.R.Run(byR1, byR2); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "honed.sock")
	agent, err := n.R.Start(honed+" --hook xdp --log-level warn --socket "+socket, func(c *exec.Cmd) { c.Stderr = os.Stderr })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Signal(syscall.SIGTERM); agent.Wait() })
	b.client = control.NewClient(socket)
	if b.flow, err = newFlow(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.flow.close)
	b.fast()
	return b
}

// fast waits until frames take the fast path.
func (b *linkBed) fast() {
	b.t.Helper()
	first := uint64(0)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		n, failures := b.packets()
		if failures > 0 {
			b.t.Fatalf("%d failures", failures)
		}
		if first == 0 {
			first = n
		} else if n > first+500 {
			return
		}
	}
	s, err := b.status()
	text, _ := json.MarshalIndent(s, "", " ")
	b.t.Fatalf("no frame takes the fast path: %v\n%s", err, text)
}

// packets is what the programs have forwarded, and how often the agent failed.
func (b *linkBed) packets() (n, failures uint64) {
	s, err := b.status()
	if err != nil {
		return 0, 0
	}
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			n += i.Counters.Fast
		}
	}
	return n, s.Agent.Failures
}

func (b *linkBed) status() (s control.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s, b.client.Get(ctx, "/v1/status", nil, &s)
}

// remake makes the pair r1 - b0 again, with the index that r1 had, and captures at b0.
func (b *linkBed) remake() {
	b.t.Helper()
	b.must(b.B, "ip link add b0 address 02:00:00:00:0b:00 type veth peer name r1 address 02:00:00:00:01:01 index "+
		fmt.Sprint(b.Ports[1].Index)+" netns "+b.home())
	b.must(b.B, "ip link set b0 up", "ip addr add 10.2.0.1/24 dev b0")
	b.flow.watch(b.t, b.B, indexOf(b.t, b.B, "b0"), 1)
}

// home binds the router's namespace to a name, for ip to find.
func (b *linkBed) home() string {
	name := fmt.Sprintf("hone-home-%d", os.Getpid())
	if _, err := os.Stat("/run/netns/" + name); err != nil {
		if err := b.R.Bind(name); err != nil {
			b.t.Fatal(err)
		}
	}
	return name
}

func (b *linkBed) must(ns *lab.Namespace, lines ...string) {
	b.t.Helper()
	if err := ns.Run(lines...); err != nil {
		b.t.Fatal(err)
	}
}

// TestLinksUnderTraffic renames, takes down, deletes, makes anew and moves away interfaces that frames come from and go
// to. No frame that was made after the command had returned may go where it did before.
func TestLinksUnderTraffic(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip")
	}
	b := newLinkBed(t, buildHoned(t))
	t.Run("rename", func(t *testing.T) {
		if err := b.R.Run("ip link set r1 name east"); err != nil {
			t.Skip("this kernel does not rename what is up")
		}
		b.flow.change(t, b.R, 1, "ip link set east name r1")
		b.fast()
	})
	t.Run("down and up", func(t *testing.T) {
		b.flow.change(t, b.R, 2, "ip link set r1 down")
		b.fast()
		b.must(b.R, "ip link set r1 up", viaB)
		b.flow.change(t, b.R, 1, byR1)
		b.fast()
	})
	t.Run("delete and make anew", func(t *testing.T) {
		for range 3 {
			b.flow.change(t, b.R, 2, "ip link del r1")
			b.fast()
			b.remake()
			b.flow.change(t, b.R, 2, "ip link set r1 up", "ip addr add 10.2.0.254/24 dev r1")
			b.must(b.R, viaB)
			b.flow.change(t, b.R, 1, byR1)
			b.fast()
		}
	})
	t.Run("move away", func(t *testing.T) {
		b.flow.change(t, b.R, 2, "ip link set r1 netns "+b.name)
		b.must(b.away, "ip link set r1 up")
		b.flow.change(t, b.R, 2, byR2)
		b.fast()
		b.must(b.away, "ip link del r1")
	})
	t.Run("move the ingress away", func(t *testing.T) {
		b.flow.change(t, b.R, 0, "ip link set r0 netns "+b.name)
		b.flow.change(t, b.away, 0, "ip link set r0 up", "ip addr add 10.77.0.1/24 dev r0")
		b.must(b.away, "ip link set r0 netns "+b.home())
		b.must(b.R, "ip link set r0 up", "ip addr add 10.0.0.254/24 dev r0")
		b.flow.change(t, b.R, 2, byR2)
		b.fast()
	})
}
