package oracle

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

const (
	ports         = 4
	batchSize     = 120    // a veth's ring holds 256 frames
	sentinelProto = 0x88b5 // IEEE 802 local experimental: no stack answers
)

// Sentinels are sent again every moment, in case that one was lost in a full ring.
var (
	patience = lab.Patience(10 * time.Second)                   // for a sentinel that must come
	learning = time.Second + lab.Patience(100*time.Millisecond) // for one that may not
	moment   = lab.Patience(50 * time.Millisecond)              // for one that was lost
	calm     = lab.Patience(10 * time.Millisecond)              // for the next frame where no sentinel says that there is none
)

// bed is a router under test and what watches its ports.
type bed struct {
	net     *lab.Network
	capture *lab.Capture
	sides   int           // ports that frames come in by: r0 alone, or all
	in      []*lab.Sender // at their ends
	out     []*lab.Sender // at the router's ports: for sentinels
	taps    []int         // at the ports that frames come in by: see the sentinels that came in
	own     map[netip.Addr]bool
	seq     uint64
	partial bool // frames may leave their checksum to the device
	queue   bool // frames go through what a0 does with them
	quiet   bool // r0 does not show sentinels: it is down or belongs to a bridge
	unknown bool // whether it is quiet is to be found out
	idle    bool // nothing is captured behind the ports other than r0
	beside  bool // the kernel's VLAN tags stand beside the frames, where captures do not see them: those in frames do not count
	restore func()
}

func newEmptyBed(c config) *bed {
	return &bed{sides: 1, partial: c.partial, own: map[netip.Addr]bool{}, idle: c.layout.Idle}
}

// newBed makes a router and applies the configuration.
func newBed(c config) (_ *bed, err error) {
	b := newEmptyBed(c)
	if len(c.talk) > 0 {
		b.sides = ports
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.restore, err = lab.Pin(0); err != nil {
		return nil, err
	}
	layout := c.layout
	layout.Ports = ports
	if b.net, err = lab.NewNetwork(layout); err != nil {
		return nil, err
	}
	if err := b.common(); err != nil {
		return nil, err
	}
	if c.six {
		if err := b.common6(); err != nil {
			return nil, err
		}
	}
	if b.capture, err = lab.NewCapture(4 << 20); err != nil {
		return nil, err
	}
	for i, p := range b.net.Ports {
		if i > 0 && b.idle {
			continue
		}
		if err := b.capture.Add(p.Peer.Net, p.Peer.Index, uint32(i), i > 0 || !c.generic); err != nil {
			return nil, err
		}
	}
	if c.tagged {
		if err := tagOddFrames(b); err != nil {
			return nil, err
		}
		b.queue = true
	}
	if err := errors.Join(b.configure(c.setup), b.patientNeighbours("ipv4", true), b.patientNeighbours("ipv6", true)); err != nil {
		return nil, err
	}
	load := loadRules
	if c.yields {
		load = loadSome
	}
	if err := load(b.net.R, c.rules); err != nil {
		return nil, err
	}
	return b, b.configure(c.after)
}

// common is what every router has: routes behind every port, and neighbours that need no time to fail and all the time
// there is to be used.
func (b *bed) common() error {
	if err := b.patientNeighbours("ipv4", false); err != nil {
		return err
	}
	return b.net.R.Batch(strings.Split(strings.TrimSpace(commonLines), "\n"))
}

// patientNeighbours takes the time out of the neighbours of the ports, or of the devices that a configuration has made.
func (b *bed) patientNeighbours(family string, made bool) error {
	var devices []os.DirEntry
	err := b.net.R.Do(func() (err error) { devices, err = os.ReadDir("/proc/sys/net/" + family + "/neigh"); return err })
	if err != nil {
		return err
	}
	for _, d := range devices {
		device := d.Name()
		port := slices.ContainsFunc(b.net.Ports, func(p lab.Port) bool { return p.Name == device })
		if port == made {
			continue
		}
		for name, value := range map[string]string{"mcast_solicit": "0", "ucast_solicit": "0", "app_solicit": "0", "proxy_delay": "0",
			"delay_first_probe_time": "600", "base_reachable_time_ms": "3600000", "gc_stale_time": "3600"} {
			if err := b.net.R.Sysctl(family+"/neigh/"+device+"/"+name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// commonLines make 100.64/10 live behind A, so that answers to packets from there go back by r0, and some neighbours
// and routes behind the other ports.
const commonLines = `
route add 100.64.0.0/10 via 10.0.0.1
route add 172.16.0.0/16 via 10.2.0.1
route add 172.16.5.0/24 via 10.3.0.1
route add 172.16.5.128/25 via 10.4.0.1
route add 172.16.9.9/32 via 10.4.0.1
route add 192.168.64.0/18 via 10.3.0.1
neigh add 10.2.0.2 lladdr 02:00:00:00:0c:02 nud permanent dev r1
neigh add 10.2.0.4 lladdr 02:00:00:00:0c:04 nud noarp dev r1
neigh add 10.2.0.5 lladdr 02:00:00:00:0c:05 nud stale dev r1
neigh add 10.2.0.6 lladdr 02:00:00:00:0c:06 nud reachable dev r1
neigh add 10.2.0.7 nud failed dev r1
neigh add 10.0.0.2 lladdr 02:00:00:00:0c:12 nud permanent dev r0`

// configure runs the lines of a configuration: commands in the router, or in A or B where the line begins so.
func (b *bed) configure(lines []string) error {
	for _, line := range lines {
		ns := b.net.R
		if rest, ok := strings.CutPrefix(line, "A: "); ok {
			ns, line = b.net.A, rest
		} else if rest, ok := strings.CutPrefix(line, "B: "); ok {
			ns, line = b.net.B, rest
		}
		line = strings.ReplaceAll(line, " netns A", fmt.Sprintf(" netns /proc/%d/fd/%d", os.Getpid(), b.net.A.FD()))
		if err := perform(ns, line); err != nil {
			return err
		}
	}
	return nil
}

// perform runs one line; "sysctl path=value" needs no process, "batch" is followed by lines for ip, "perhaps" by a command
// that may fail, "vconfig", "drop by XDP on" and "teach" are done without a command, and "wait" is for what the kernel does a moment later.
func perform(ns *lab.Namespace, line string) error {
	if rest, ok := strings.CutPrefix(line, "perhaps "); ok {
		_, _ = ns.Output(rest)
		return nil
	}
	if line == "wait" {
		time.Sleep(200 * time.Millisecond)
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "batch\n"); ok {
		return ns.Batch(strings.Split(rest, "\n"))
	}
	for word, do := range map[string]func(string) error{"vconfig ": vconfig, "drop by XDP on ": dropper, "teach ": teach4} {
		if rest, ok := strings.CutPrefix(line, word); ok {
			return ns.Do(func() error { return do(rest) })
		}
	}
	if rest, ok := strings.CutPrefix(line, "sysctl "); ok {
		path, value, _ := strings.Cut(rest, "=")
		return ns.Sysctl(path, value)
	}
	return ns.Run(line)
}

// start makes the router of a configuration for the length of a test.
func start(t *testing.T, c config) *bed {
	t.Helper()
	b, err := newBed(c)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) || errors.Is(err, ebpf.ErrNotSupported) {
		t.Skipf("%s: an older kernel, or a command that is not there: %v", c.name, err)
	}
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	t.Cleanup(func() { release(); b.close() })
	if c.open != nil {
		if err := b.net.R.Do(c.open); err != nil {
			t.Skipf("%s: %v", c.name, err)
		}
	}
	return b
}

// packets makes frames: any, or such in which nothing is broken.
type packets interface {
	frames(n int) [][]byte
	datagrams(n int) [][]byte
}

// generator makes the packets of a configuration: with one seed always the same, whatever other configurations there are.
func (b *bed) generator(c config, seed uint64) packets {
	h := fnv.New64a()
	h.Write([]byte(c.name))
	if c.rules != "" {
		return newAimed(seed^h.Sum64(), b.net, c)
	}
	four, six := families(c.targets)
	g := newGenerator(seed^h.Sum64(), b.net, four)
	g.partial = c.partial
	if c.mtu != 0 {
		g.mtu = c.mtu
	}
	if c.six {
		return &generator6{generator: g, targets: six}
	}
	return g
}

func families(targets []string) (four, six []netip.Prefix) {
	for _, p := range prefixes(targets...) {
		if p.Addr().Is4() {
			four = append(four, p)
		} else {
			six = append(six, p)
		}
	}
	return four, six
}

func (b *bed) mustPlay(t *testing.T, frames [][]byte) []arrivals {
	t.Helper()
	all, err := b.play(frames)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// open makes the ends ready. It comes after the configuration was read, so that the sockets are no part of it.
func (b *bed) open() (err error) {
	for _, p := range b.net.Ports[:b.sides] {
		in, err := lab.NewSender(p.Peer.Net, p.Peer.Index)
		if err != nil {
			return err
		}
		b.in = append(b.in, in)
		if err := in.Queue(b.queue); err != nil {
			return err
		}
		if b.partial {
			if err := in.Offload(unfinished); err != nil {
				return err
			}
		}
	}
	for _, p := range b.net.Ports {
		s, err := lab.NewSender(b.net.R, p.Index)
		if err != nil && !errors.Is(err, unix.ENODEV) {
			return err
		}
		b.out = append(b.out, s)
	}
	return b.net.R.Do(func() error {
		for _, p := range b.net.Ports[:b.sides] {
			if err := b.listen(p.Index); err != nil {
				return err
			}
		}
		return b.addresses()
	})
}

// listen opens a socket that sees the sentinels that come in by a port.
func (b *bed) listen(index int) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	b.taps = append(b.taps, fd)
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: sentinelProto&0xff<<8 | sentinelProto>>8, Ifindex: index})
}

// addresses learns which addresses are the router's own: answers from them carry numbers that never repeat. It is called
// when the configuration has changed.
func (b *bed) addresses() error {
	b.unknown = true
	all, err := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok {
			own, _ := netip.AddrFromSlice(n.IP)
			b.own[own.Unmap()] = true
		}
	}
	return err
}

// close takes everything apart.
func (b *bed) close() {
	for _, fd := range b.taps {
		unix.Close(fd)
	}
	for _, s := range b.in {
		s.Close()
	}
	for _, s := range b.out {
		s.Close()
	}
	if b.capture != nil {
		b.capture.Close()
	}
	if b.net != nil {
		b.net.Close()
	}
	if b.restore != nil {
		b.restore()
	}
}
