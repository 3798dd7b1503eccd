package transparency

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hone-net/hone/control"
)

// bed is a sender A, a router R and a receiver B in namespaces of their own: a0 - r0 R r1 - b0.
type bed struct {
	t       *testing.T
	a, r, b string
	socket  string
	honed   *exec.Cmd
	log     bytes.Buffer
}

// beds counts the beds, which may stand side by side.
var beds atomic.Int32

// newBed lays out the namespaces. The ends' checksum offload is what tx says: "on" gives frames with partial checksums.
func newBed(t *testing.T, tx string) *bed {
	t.Helper()
	id := fmt.Sprintf("hone-%d-%d", os.Getpid(), beds.Add(1))
	bed := &bed{t: t, a: id + "a", r: id + "r", b: id + "b", socket: filepath.Join(t.TempDir(), "honed.sock")}
	for _, ns := range []string{bed.a, bed.r, bed.b} {
		bed.must("", "ip netns add "+ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		bed.must(ns, "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0 "+
			"net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.addr_gen_mode=1")
		bed.must(ns, "ip link set lo up")
	}
	bed.must(bed.r, "ip link add r0 type veth peer name a0 netns "+bed.a)
	bed.must(bed.r, "ip link add r1 type veth peer name b0 netns "+bed.b)
	bed.must(bed.r, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")
	bed.must(bed.r, "sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.icmp.ratelimit=0 net.ipv6.icmp.ratemask=")
	for _, c := range []struct{ ns, dev, mac, addr, addr6, local string }{
		{bed.a, "a0", "02:00:00:00:0a:00", "10.0.0.1/24", "fd00::1/64", "fe80::a/64"},
		{bed.r, "r0", "02:00:00:00:01:00", "10.0.0.254/24", "fd00::fe/64", "fe80::1:0/64"},
		{bed.r, "r1", "02:00:00:00:01:01", "10.2.0.254/24", "fd00:2::fe/64", "fe80::1:1/64"},
		{bed.b, "b0", "02:00:00:00:0b:00", "10.2.0.1/24", "fd00:2::1/64", "fe80::b/64"},
	} {
		bed.must(c.ns, "ip link set "+c.dev+" address "+c.mac)
		bed.must(c.ns, "ip addr add "+c.addr+" dev "+c.dev)
		bed.must(c.ns, "ip link set "+c.dev+" up")
		bed.must(c.ns, "ip -6 addr add "+c.addr6+" dev "+c.dev+" nodad")
		bed.must(c.ns, "ip -6 addr add "+c.local+" dev "+c.dev+" nodad")
	}
	for _, c := range []struct{ ns, dev, route, route6 string }{
		{bed.a, "a0", "10.0.0.254", "fd00::fe"}, {bed.b, "b0", "10.2.0.254", "fe80::1:1"},
	} {
		bed.must(c.ns, "ip route add default via "+c.route)
		bed.must(c.ns, "ip -6 route add default via "+c.route6+" dev "+c.dev)
		bed.must(c.ns, "ethtool -K "+c.dev+" tx "+tx+" tso off gso off")
		// A veth takes redirected frames only if its peer polls: GRO on, after both ends are up.
		bed.must(c.ns, "ethtool -K "+c.dev+" gro on")
	}
	return bed
}

// in makes a command that runs in a namespace, in the test's own where ns is empty.
func (b *bed) in(ctx context.Context, ns, line string) *exec.Cmd {
	words := strings.Fields(line)
	if ns != "" {
		words = append([]string{"ip", "netns", "exec", ns}, words...)
	}
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	return c
}

// run gives what a command prints, whatever its exit code; no command may take longer than 20 s.
func (b *bed) run(ns, line string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, _ := b.in(ctx, ns, line).CombinedOutput()
	return string(out)
}

// must runs a command that has to succeed.
func (b *bed) must(ns, line string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if out, err := b.in(ctx, ns, line).CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %s: %v\n%s", ns, line, err, out)
	}
}

// background starts a command; the function that is returned ends it by a signal and gives what it printed.
func (b *bed) background(ns, line string) func(sig syscall.Signal) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	c := b.in(ctx, ns, line)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		b.t.Fatalf("%s: start %s: %v", ns, line, err)
	}
	return func(sig syscall.Signal) string {
		if sig != 0 {
			c.Process.Signal(sig)
		}
		c.Wait()
		cancel()
		return out.String()
	}
}

// start runs honed in the router and waits until both ports are fast.
func (b *bed) start(program string) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.honed = b.in(ctx, b.r, program+" --hook xdp --socket "+b.socket)
	b.honed.Stdout, b.honed.Stderr = &b.log, &b.log
	if err := b.honed.Start(); err != nil {
		b.t.Fatalf("start honed: %v", err)
	}
	b.t.Cleanup(func() {
		b.honed.Process.Signal(syscall.SIGTERM)
		b.honed.Wait()
		cancel()
		if b.t.Failed() {
			b.t.Logf("honed said:\n%s", b.log.String())
		}
	})
	b.settle()
}

// status asks honed.
func (b *bed) status() (s control.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s, control.NewClient(b.socket).Get(ctx, "/v1/status", nil, &s)
}

// settle waits until both ports are fast and every change is accounted for.
func (b *bed) settle() {
	b.t.Helper()
	if b.honed == nil {
		return
	}
	var s control.Status
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s, err = b.status(); err != nil || !s.Coherent {
			continue
		}
		fast := 0
		for _, i := range s.Interfaces {
			if i.State == control.StateFast {
				fast++
			}
		}
		if fast == 2 {
			return
		}
	}
	text, _ := json.MarshalIndent(s, "", " ")
	b.t.Fatalf("honed is not fast on two ports: %v\n%s\n%s", err, text, b.log.String())
}

// fast is the number of packets that took the fast path so far.
func (b *bed) fast() (n uint64) {
	if b.honed == nil {
		return 0
	}
	s, err := b.status()
	if err != nil {
		b.t.Fatalf("ask honed: %v", err)
	}
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			n += i.Counters.Fast + i.Counters.Live
		}
	}
	return n
}
