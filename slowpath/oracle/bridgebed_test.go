package oracle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// A bridge under test has its first ports in br0; the next one has an address and leads elsewhere, and the last is for
// what a configuration makes of it.
const (
	bridgePorts = 4
	lanPorts    = bridgePorts + 2
	outside     = bridgePorts
)

// lanMTU is what the ends of the ports take, so that frames can be sent that are too long for the ports.
const lanMTU = 1600

// lan is a bridge under test. A lan and its twin without programs get the same frames: what a frame changes, it changes
// in both.
type lan struct {
	*bed
	c    lanConfig
	macs [][]byte     // of the devices of the bridge's namespace
	each func() error // comes before the frames of each port, if it is not nil
}

// entry is a frame and the port that it comes in by.
type entry struct {
	port  int
	frame []byte
}

// newLAN makes a bridge and applies the configuration.
func newLAN(c lanConfig) (_ *lan, err error) {
	l := &lan{bed: newEmptyBed(c.config), c: c}
	l.sides = lanPorts
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.net, err = lab.NewNetwork(lab.Layout{Ports: lanPorts, Partial: c.partial}); err != nil {
		return nil, err
	}
	if l.capture, err = lab.NewCapture(4 << 20); err != nil {
		return nil, err
	}
	for i, p := range l.net.Ports {
		if err := l.capture.Add(p.Peer.Net, p.Peer.Index, uint32(i), true); err != nil {
			return nil, err
		}
	}
	if err := l.build(); err != nil {
		return nil, err
	}
	return l, l.ready()
}

// build makes the bridge.
func (l *lan) build() error {
	if err := l.net.A.Run(fmt.Sprintf("ip link set a0 mtu %d", lanMTU)); err != nil {
		return err
	}
	var ends, lines []string
	for i := range lanPorts - 1 {
		ends = append(ends, fmt.Sprintf("link set b%d mtu %d", i, lanMTU))
	}
	lines = append(lines, "link add br0 type bridge "+l.c.bridge)
	for i := range bridgePorts {
		lines = append(lines, fmt.Sprintf("addr flush dev r%d", i), fmt.Sprintf("link set r%d master br0", i))
	}
	if err := errors.Join(l.net.B.Batch(ends), l.net.R.Batch(append(lines, "link set br0 up"))); err != nil {
		return err
	}
	if !l.c.offloads {
		if err := l.visibleTags(); err != nil {
			return err
		}
	}
	for _, name := range []string{"iptables", "ip6tables", "arptables"} {
		if err := l.net.R.Sysctl("bridge/bridge-nf-call-"+name, "0"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return errors.Join(l.configure(l.c.setup), l.patientNeighbours("ipv4", true), l.patientNeighbours("ipv6", true),
		loadRules(l.net.R, l.c.rules), l.configure(l.c.after))
}

// visibleTags lets the ports write VLAN tags into their frames: behind a veth they would be where a program does not see
// them.
func (l *lan) visibleTags() error {
	if _, err := exec.LookPath("ethtool"); err != nil {
		return err
	}
	for _, p := range l.net.Ports {
		if err := l.net.R.Run("ethtool -K " + p.Name + " tx-vlan-offload off tx-vlan-stag-hw-insert off"); err != nil {
			return err
		}
	}
	return nil
}

// ready opens the ends of the ports.
func (l *lan) ready() error {
	if l.c.tagged {
		if err := tagOddFrames(l.bed); err != nil {
			return err
		}
		l.queue = true
	}
	if err := l.open(); err != nil {
		return err
	}
	l.unknown = false
	return l.devices()
}

// devices learns the addresses of the devices of the bridge's namespace, beside those that there were.
func (l *lan) devices() error {
	return l.net.R.Do(func() error {
		all, err := net.Interfaces()
		for _, i := range all {
			l.macs = append(l.macs, i.HardwareAddr)
		}
		return err
	})
}

// exchange plays one batch: frames that come in by the same port in a row, and behind them a sentinel that the port shows
// when it is done. It gives what has left all ports then.
func (l *lan) exchange(batch []entry) (arrivals, error) {
	for len(batch) > 0 {
		port := batch[0].port
		var run [][]byte
		for len(batch) > 0 && batch[0].port == port {
			run, batch = append(run, batch[0].frame), batch[1:]
		}
		if l.each != nil {
			if err := l.each(); err != nil {
				return nil, err
			}
		}
		if err := l.enter(port, run); err != nil {
			return nil, err
		}
	}
	time.Sleep(time.Millisecond)
	return l.collect(localSentinel(0, l.seq), l.keep)
}

// enter sends frames into a port and waits until it has dealt with them. Nothing can be sent to a port that is down or gone.
func (l *lan) enter(port int, run [][]byte) error {
	l.seq++
	mark := localSentinel(port, l.seq)
	err := l.in[port].Send(append(run, mark)...)
	if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENETDOWN) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.passed(port, mark)
}

// localSentinel is a sentinel for an address that a bridge does not forward, so that its port shows it to sockets.
func localSentinel(port int, seq uint64) []byte {
	f := sentinel(seq)
	copy(f, []byte{0x01, 0x80, 0xc2, 0, 0, 7, 2, 0, 0, 0, 0x5e, byte(port)})
	return f
}

// keep gives the part of a frame that is the same each time. What is bridged is compared whole; what the kernel has sent or
// routed, as in other configurations.
func (l *lan) keep(port uint32, f []byte) []byte {
	if tag := []byte{0x88, 0xa8}; l.c.offloads && len(f) > lab.OffIP+4 && bytes.HasPrefix(f[lab.OffEtherType:], tag) {
		f = slices.Concat(f[:lab.OffEtherType], f[lab.OffEtherType+4:])
	} else if l.c.offloads {
		_, f = untagged(f)
	}
	own := slices.ContainsFunc(l.macs, func(mac []byte) bool { return len(mac) == 6 && bytes.Equal(mac, f[6:12]) })
	if own && bytes.HasPrefix(f, []byte{0x01, 0x80, 0xc2, 0, 0, 0}) {
		return nil // of its spanning tree
	}
	if own {
		// Answers go back by any port.
		tag, bare := untagged(f)
		if bare = l.comparable(0, bare); bare == nil {
			return nil
		}
		return append(tag, bare...)
	}
	if l.c.trims {
		return withoutPadding(f)
	}
	return f
}

// untagged takes a VLAN tag off a frame that has one.
func untagged(f []byte) (tag, bare []byte) {
	if len(f) < lab.OffIP+4 || binary.BigEndian.Uint16(f[lab.OffEtherType:]) != 0x8100 {
		return nil, f
	}
	return slices.Clone(f[lab.OffEtherType : lab.OffEtherType+4]), slices.Concat(f[:lab.OffEtherType], f[lab.OffEtherType+4:])
}

// withoutPadding cuts off what the kernel cuts off of IP packets that netfilter is asked about.
func withoutPadding(f []byte) []byte {
	if len(f) < lab.OffL4 || len(f) > lab.MinFrame {
		return f
	}
	end := len(f)
	switch binary.BigEndian.Uint16(f[lab.OffEtherType:]) {
	case 0x0800:
		end = lab.OffIP + int(binary.BigEndian.Uint16(f[lab.OffTotal:]))
	case 0x86dd:
		end = lab.Off6L4 + int(binary.BigEndian.Uint16(f[lab.Off6Length:]))
	}
	return f[:max(lab.OffIP, min(end, len(f)))]
}

// fdb is the forwarding database, without times, and without the lists of addresses that devices listen to.
func (l *lan) fdb() (lines []string, err error) {
	out, err := l.net.R.Output("bridge fdb show")
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.Contains(line, " master ") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines, err
}

// sourceOf finds the frame that an arrival was, or was made of.
func sourceOf(batch []entry, arrival string) string {
	for i, e := range batch {
		tail := e.frame[max(0, len(e.frame)-8):]
		if len(tail) == 8 && strings.HasSuffix(arrival, string(tail)) {
			return fmt.Sprintf("frame %d, which came in by r%d: %x", i, e.port, e.frame)
		}
	}
	return "no frame of the batch"
}

// filtersVLANs tells whether bridges of this kernel know VLANs.
var filtersVLANs = sync.OnceValue(func() bool {
	ns, err := lab.New()
	if err != nil {
		return false
	}
	defer ns.Close()
	return ns.Run("ip link add br0 type bridge vlan_filtering 1") == nil
})

// goOn ends the test of a configuration if that failed.
func goOn(t *testing.T, c lanConfig, err error) {
	t.Helper()
	if err != nil && missing(err) {
		t.Skipf("%s: a kernel or a command without it: %v", c.name, err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// missing tells whether a configuration cannot be made because the kernel, or a command, is without something.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrInvalid) ||
		strings.Contains(err.Error(), "not supported") || strings.Contains(err.Error(), "Unknown device type") ||
		strings.Contains(err.Error(), "What is") || strings.Contains(err.Error(), "is wrong")
}
