package script

import (
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// bpdu is a rapid spanning tree BPDU (clause 9.3.3).
type bpdu struct {
	offer
	role                                  role
	proposal, agreement, forward, changed bool
}

// treeMAC is the group address of the spanning tree of provider bridges. No Linux bridge forwards what is sent there,
// whatever its own spanning tree does; the kernel leaves a bridge of the initial namespace alone to a daemon, no other.
var treeMAC = net.HardwareAddr{0x01, 0x80, 0xc2, 0, 0, 0x08}

// Flags of a BPDU, and how long it is behind its LLC header.
const (
	flagChange, flagProposal, flagLearning, flagForwarding, flagAgreement = 1, 2, 0x10, 0x20, 0x40
	sizeofBPDU                                                            = 36
	bpduAt                                                                = 17 // behind MACs, length and LLC
)

func (b bpdu) frame(from net.HardwareAddr) []byte {
	flags := byte(b.role) << 2
	for flag, set := range map[byte]bool{flagChange: b.changed, flagProposal: b.proposal, flagLearning | flagForwarding: b.forward,
		flagAgreement: b.agreement} {
		if set {
			flags |= flag
		}
	}
	f := append(append(append([]byte{}, treeMAC...), from...), 0, sizeofBPDU+3, 0x42, 0x42, 3, 0, 0, 2, 2, flags)
	f = binary.BigEndian.AppendUint64(f, b.root)
	f = binary.BigEndian.AppendUint32(f, b.cost)
	f = binary.BigEndian.AppendUint64(f, b.bridge)
	f = binary.BigEndian.AppendUint16(f, b.port)
	f = append(f, 0, 0, 20, 0, byte(hello/time.Second), 0, 15, 0, 0) // ages and times, in seconds and 256ths
	return append(f, make([]byte, 60-len(f))...)
}

func parseBPDU(f []byte) (b bpdu, ok bool) {
	if len(f) < bpduAt+sizeofBPDU || f[14] != 0x42 || f[bpduAt+2] != 2 || f[bpduAt+3] != 2 {
		return b, false
	}
	f = f[bpduAt+4:]
	flags := f[0]
	b.offer = offer{binary.BigEndian.Uint64(f[1:]), binary.BigEndian.Uint32(f[9:]), binary.BigEndian.Uint64(f[13:]), binary.BigEndian.Uint16(f[21:])}
	b.role = role(flags >> 2 & 3)
	b.changed, b.proposal = flags&flagChange != 0, flags&flagProposal != 0
	b.forward, b.agreement = flags&flagForwarding != 0, flags&flagAgreement != 0
	return b, true
}

// cable is a port as the agent reaches it.
type cable struct {
	fd    int
	index int
	mac   net.HardwareAddr
}

// openCable opens a packet socket for BPDUs at a port.
func openCable(name string) (c cable, err error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return c, err
	}
	c.index, c.mac = i.Index, i.HardwareAddr
	if c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return c, err
	}
	filter, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: binary.BigEndian.Uint32(treeMAC), SkipTrue: 3},
		bpf.LoadAbsolute{Off: 4, Size: 2}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(binary.BigEndian.Uint16(treeMAC[4:])), SkipTrue: 1},
		bpf.RetConstant{Val: 256}, bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return c, err
	}
	code := make([]unix.SockFilter, len(filter))
	for i, f := range filter {
		code[i] = unix.SockFilter{Code: f.Op, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	if err := unix.SetsockoptSockFprog(c.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}); err != nil {
		return c, err
	}
	return c, unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: unix.ETH_P_802_2 << 8, Ifindex: c.index})
}

// send sends a BPDU; a port that is down takes none.
func (c cable) send(b bpdu) { _, _ = unix.Write(c.fd, b.frame(c.mac)) }

// States of ports (linux/if_bridge.h). One that listens neither forwards nor learns, and the kernel leaves it so.
const (
	stateListening  = 1
	stateForwarding = 3
)

func (c cable) state(s uint8) error { return c.set(nl.IFLA_BRPORT_STATE, []byte{s}) }

func (c cable) flush() error { return c.set(nl.IFLA_BRPORT_FLUSH, nil) }

// set sets something of the port, in the namespace of the calling thread.
func (c cable) set(attribute int, value []byte) error {
	r := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	m := nl.NewIfInfomsg(unix.AF_BRIDGE)
	m.Index = int32(c.index)
	r.AddData(m)
	p := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	p.AddRtAttr(attribute, value)
	r.AddData(p)
	_, err := r.Execute(unix.NETLINK_ROUTE, 0)
	if err == unix.ENETDOWN {
		err = nil // it has gone down, of which the agent hears
	}
	return err
}

// rstp BRIDGE PRIORITY PORTS runs the agent of a bridge in R, of which these ports lead to others.
func (p *play) rstp(bridge, rest string) error {
	first, names, _ := strings.Cut(rest, " ")
	priority, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return err
	}
	a := &switchAgent{quit: make(chan struct{})}
	ready := make(chan error, 1)
	a.wait.Go(func() {
		_ = inNetns(p.namespace("R"), func() error {
			err := a.begin(bridge, priority, strings.Fields(names))
			if ready <- err; err == nil {
				if err = a.run(); err != nil {
					fmt.Fprintf(&p.log, "agent of %s: %v\n", bridge, err)
				}
			}
			return nil
		})
	})
	p.agents = append(p.agents, a)
	p.undo = append(p.undo, func() {
		close(a.quit)
		a.wait.Wait()
	})
	return <-ready
}

// begin opens the ports.
func (a *switchAgent) begin(bridge string, priority uint64, names []string) error {
	i, err := net.InterfaceByName(bridge)
	if err != nil {
		return err
	}
	a.id = priority<<48 | binary.BigEndian.Uint64(append([]byte{0, 0}, i.HardwareAddr...))
	for n, name := range names {
		c, err := openCable(name)
		if err != nil {
			return err
		}
		a.ports = append(a.ports, &switchPort{cable: c, name: name, number: uint16(0x8001 + n)})
	}
	return nil
}

// run is the agent's loop, on a thread in its namespace.
func (a *switchAgent) run() error {
	links, over := make(chan netlink.LinkUpdate, 64), make(chan struct{})
	defer close(over)
	defer func() {
		for _, p := range a.ports {
			unix.Close(p.fd)
		}
	}()
	if err := netlink.LinkSubscribe(links, over); err != nil {
		return err
	}
	next := time.Now()
	polled := make([]unix.PollFd, len(a.ports))
	for i, p := range a.ports {
		polled[i] = unix.PollFd{Fd: int32(p.fd), Events: unix.POLLIN}
	}
	for {
		select {
		case <-a.quit:
			return nil
		default:
		}
		if err := a.look(links, &next); err != nil {
			return err
		}
		_, _ = unix.Poll(polled, 2)
	}
}

// look does what there is to do now.
func (a *switchAgent) look(links <-chan netlink.LinkUpdate, next *time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Now().After(*next) { // links too, for what happened before anybody listened
		if err := a.links(); err != nil {
			return err
		}
		*next = time.Now().Add(hello)
		if err := a.tick(); err != nil {
			return err
		}
	}
	for len(links) > 0 {
		<-links
		if len(links) == 0 {
			if err := a.links(); err != nil {
				return err
			}
		}
	}
	for _, p := range a.ports {
		var f [256]byte
		for {
			n, err := unix.Read(p.fd, f[:])
			if b, ok := parseBPDU(f[:max(n, 0)]); err == nil && ok {
				err = a.heardBPDU(p, b)
			}
			if err == unix.EAGAIN || err == unix.ENETDOWN {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// links asks whether the ports are up.
func (a *switchAgent) links() error {
	for _, p := range a.ports {
		l, err := netlink.LinkByIndex(p.index)
		if err != nil {
			return err
		}
		state := l.Attrs().OperState
		if err := a.carrier(p, l.Attrs().Flags&net.FlagUp != 0 && (state == netlink.OperUp || state == netlink.OperUnknown)); err != nil {
			return err
		}
	}
	return nil
}

// patienceOfTrees is how long a rapid spanning tree may take.
func patienceOfTrees() time.Duration { return lab.Patience(time.Second) }
