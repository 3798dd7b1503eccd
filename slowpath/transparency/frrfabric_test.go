package transparency

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hone-net/hone/control"
)

// fabric is four routers in a square, each a network namespace with daemons of its own, and a host at two corners:
//
//	h1 - r1 - r2 - r4 - h2      the way by r2 is the better one
//	       \- r3 -/
type fabric struct {
	t       *testing.T
	prefix  string // of the names of namespaces
	dir     string
	daemons []*daemonProcess
}

// daemonProcess is a routing daemon or honed in a router.
type daemonProcess struct {
	cmd    *exec.Cmd
	router int
	socket string // honed's
	log    bytes.Buffer
}

// wires are the links between routers and what they cost.
var wires = []struct{ a, b, cost int }{{1, 2, 10}, {2, 4, 10}, {1, 3, 100}, {3, 4, 100}}

// newFabric lays out namespaces, links and addresses.
func newFabric(t *testing.T) *fabric {
	t.Helper()
	dir, err := os.MkdirTemp("", "hone-frr-") // the daemons give up root, and have to get there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o777)
	f := &fabric{t: t, prefix: fmt.Sprintf("hone-f%d-", os.Getpid()), dir: dir}
	for _, name := range []string{"r1", "r2", "r3", "r4", "h1", "h2"} {
		ns := f.prefix + name
		f.must("", "ip netns add "+ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
		f.must(name, "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_dad=0 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000")
		f.must(name, "ip link set lo up")
	}
	for n := 1; n <= 4; n++ {
		r := fmt.Sprint("r", n)
		f.must(r, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.keep_addr_on_down=1")
		f.must(r, fmt.Sprintf("ip addr add 10.255.0.%d/32 dev lo", n))
		f.must(r, fmt.Sprintf("ip addr add fd00:255::%d/128 dev lo", n))
	}
	for _, w := range wires {
		f.wire(w.a, w.b)
	}
	f.host(1, 1)
	f.host(2, 4)
	return f
}

// wire joins two routers: in r1 the interface to r2 is to2.
func (f *fabric) wire(a, b int) {
	ra, rb := fmt.Sprint("r", a), fmt.Sprint("r", b)
	f.must(ra, fmt.Sprintf("ip link add to%d type veth peer name to%d netns %s", b, a, f.prefix+rb))
	for _, end := range []struct {
		r         string
		self, far int
	}{{ra, a, b}, {rb, b, a}} {
		f.must(end.r, fmt.Sprintf("ip addr add 10.%d%d.0.%d/24 dev to%d", a, b, end.self, end.far))
		f.must(end.r, fmt.Sprintf("ip addr add fd00:%d%d::%d/64 dev to%d", a, b, end.self, end.far))
		f.must(end.r, fmt.Sprintf("ip link set to%d up", end.far))
	}
}

// host puts a host at a corner.
func (f *fabric) host(h, r int) {
	host, router := fmt.Sprint("h", h), fmt.Sprint("r", r)
	f.must(router, "ip link add host type veth peer name gate netns "+f.prefix+host)
	f.must(router, fmt.Sprintf("ip addr add 10.%d.0.254/24 dev host", r))
	f.must(router, fmt.Sprintf("ip addr add fd00:%d::254/64 dev host", r))
	f.must(host, fmt.Sprintf("ip addr add 10.%d.0.1/24 dev gate", r))
	f.must(host, fmt.Sprintf("ip addr add fd00:%d::1/64 dev gate", r))
	f.must(router, "ip link set host up")
	f.must(host, "ip link set gate up")
	f.must(host, fmt.Sprintf("ip route add default via 10.%d.0.254", r))
	f.must(host, fmt.Sprintf("ip route add default via fd00:%d::254", r))
	f.must(host, "ethtool -K gate tx off tso off gso off")
	f.must(host, "ethtool -K gate gro on")
}

// in makes a command that runs in one of the fabric's namespaces, in the test's own where name is empty.
func (f *fabric) in(ctx context.Context, name string, words ...string) *exec.Cmd {
	if name != "" {
		words = append([]string{"ip", "netns", "exec", f.prefix + name}, words...)
	}
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	return c
}

// run gives what a command prints.
func (f *fabric) run(name, line string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := f.in(ctx, name, strings.Fields(line)...).CombinedOutput()
	return string(out), err
}

// must runs a command that has to succeed.
func (f *fabric) must(name, line string) string {
	f.t.Helper()
	out, err := f.run(name, line)
	if err != nil {
		f.t.Fatalf("%s: %s: %v\n%s", name, line, err, out)
	}
	return out
}

// start runs a program in a router until the test is over.
func (f *fabric) start(router int, words ...string) *daemonProcess {
	f.t.Helper()
	d := &daemonProcess{router: router}
	d.cmd = f.in(context.Background(), fmt.Sprint("r", router), words...)
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.cmd.Start(); err != nil {
		f.t.Fatalf("start %s: %v", words[0], err)
	}
	f.t.Cleanup(func() {
		d.cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(5*time.Second, func() { d.cmd.Process.Kill() })
		d.cmd.Wait()
		timer.Stop()
		if f.t.Failed() {
			f.t.Logf("r%d: %s said:\n%s", router, filepath.Base(words[0]), d.log.String())
		}
	})
	return d
}

// accelerate starts honed in every router and waits until every port is fast.
func (f *fabric) accelerate(honed string) (all []*daemonProcess) {
	f.t.Helper()
	for n := 1; n <= 4; n++ {
		socket := filepath.Join(f.dir, fmt.Sprintf("honed%d.sock", n))
		d := f.start(n, honed, "--hook", "xdp", "--socket", socket, "--log-level", "warn")
		d.socket = socket
		all = append(all, d)
	}
	for _, d := range all {
		f.await(10*time.Second, fmt.Sprintf("r%d to be fast", d.router), func() bool {
			s, err := d.status()
			fast := 0
			for _, i := range s.Interfaces {
				if i.State == control.StateFast {
					fast++
				}
			}
			return err == nil && s.Coherent && fast >= 2
		})
	}
	return all
}

func (d *daemonProcess) status() (s control.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s, control.NewClient(d.socket).Get(ctx, "/v1/status", nil, &s)
}

// fast is the number of packets that took the fast path. An agent that failed at anything fails the test.
func (d *daemonProcess) fast(t *testing.T) (packets uint64) {
	t.Helper()
	s, err := d.status()
	if err != nil {
		t.Errorf("r%d: ask honed: %v", d.router, err)
	}
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			packets += i.Counters.Fast + i.Counters.Live
		}
	}
	if s.Agent.Failures > 0 {
		t.Errorf("r%d: %d failures: %s", d.router, s.Agent.Failures, s.Agent.Error)
	}
	return packets
}

// await tries until something holds.
func (f *fabric) await(patience time.Duration, what string, holds func() bool) time.Duration {
	f.t.Helper()
	start := time.Now()
	for !holds() {
		if time.Since(start) > patience {
			f.t.Fatalf("waited %v for %s", patience, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(start)
}

// serve runs a server that ends by itself, and waits until it listens; the function that is returned waits for its end.
func (f *fabric) serve(name, line string) (wait func()) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	c := f.in(ctx, name, strings.Fields(line)...)
	if err := c.Start(); err != nil {
		f.t.Fatalf("%s: %s: %v", name, line, err)
	}
	f.await(5*time.Second, "a server", func() bool {
		out, _ := f.run(name, "ss -Htln sport = :5201")
		return out != ""
	})
	return func() { c.Wait(); cancel() }
}
