package oracle

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// held keeps what the configurations open until the bed is closed.
var held []func()

func release() {
	for _, f := range held {
		f()
	}
	held = nil
}

// tap opens a packet socket as tcpdump does, on all devices if the name is empty.
func tap(device string, protocol uint16) error {
	index := 0
	if device != "" {
		i, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		index = i.Index
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open packet socket: %w", err)
	}
	held = append(held, func() { unix.Close(fd) })
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol<<8 | protocol>>8, Ifindex: index})
}

// away moves a device of the router to a network namespace of its own and puts it up there.
func away(device string) error {
	other, err := lab.New()
	if err != nil {
		return err
	}
	held = append(held, func() { other.Close() })
	name := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), other.FD())
	if out, err := exec.Command("ip", "link", "set", device, "netns", name).CombinedOutput(); err != nil {
		return fmt.Errorf("move %s: %w: %s", device, err, out)
	}
	return other.Run("ip link set " + device + " up")
}

// foreignXDP attaches a program that is not hone's and lets everything pass.
func foreignXDP(device string) error {
	i, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "foreign", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		return err
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: i.Index})
	if err != nil {
		p.Close()
		return err
	}
	held = append(held, func() { l.Close(); p.Close() })
	return nil
}

// dropper attaches a program that drops everything in the kernel's generic hook, as ip does.
func dropper(device string) error {
	l, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "drop", Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}})
	if err != nil {
		return err
	}
	defer p.Close()
	const generic = 1 << 1 // XDP_FLAGS_SKB_MODE
	return netlink.LinkSetXdpFdWithFlags(l, p.FD(), generic)
}

// legacyTables registers the table "filter" of iptables-legacy, as the first run of that command does.
func legacyTables() error {
	const getInfo = 64 // IPT_SO_GET_INFO
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return getTable(fd, unix.SOL_IP, getInfo, "filter")
}

// teach tells the router, in the words of a packet too big, of a small MTU on the way to a host.
func teach(from, to string, mtu uint32) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		return fmt.Errorf("open socket of ICMPv6: %w", err)
	}
	defer unix.Close(fd)
	b := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0}, mtu)
	b = append(b, 0x60, 0, 0, 0, 0, 8, unix.IPPROTO_ICMPV6, 64)
	b = append(append(b, netip.MustParseAddr(from).AsSlice()...), netip.MustParseAddr(to).AsSlice()...)
	b = append(b, 128, 0, 0, 0, 0, 0, 0, 0)
	return unix.Sendto(fd, b, 0, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()})
}

// teach4 sends the host itself a "fragmentation needed", of the MTU to a destination, about an answer to a ping from 10.0.0.254:
// this the kernel heeds without asking who pinged.
func teach4(line string) error {
	text, size, _ := strings.Cut(line, " ")
	to, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	mtu, err := strconv.ParseUint(size, 10, 16)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err != nil {
		return fmt.Errorf("open socket of ICMP: %w", err)
	}
	defer unix.Close(fd)
	b := binary.BigEndian.AppendUint16([]byte{3, 4, 0, 0, 0, 0}, uint16(mtu))
	b = append(b, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, unix.IPPROTO_ICMP, 0, 0, 10, 0, 0, 254)
	b = append(append(b, to.AsSlice()...), make([]byte, 8)...)
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return unix.Sendto(fd, b, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
}

// tagOddFrames makes a0 put the VLAN tag of VLAN 5 into the metadata of every UDP frame whose IPv4 identification is odd,
// as a VLAN device there would. Past the pair, the tag is where a plain XDP program does not see it.
func tagOddFrames(b *bed) error {
	insns := asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 76, asm.Word), // __sk_buff.data
		asm.LoadMem(asm.R3, asm.R1, 80, asm.Word), // data_end
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, lab.OffL4),
		asm.JGT.Reg(asm.R4, asm.R3, "out"),
		asm.LoadMem(asm.R5, asm.R2, lab.OffProtocol, asm.Byte),
		asm.JNE.Imm(asm.R5, 17, "out"),
		asm.LoadMem(asm.R5, asm.R2, lab.OffID+1, asm.Byte),
		asm.And.Imm(asm.R5, 1),
		asm.JEq.Imm(asm.R5, 0, "out"),
		asm.Mov.Imm(asm.R2, 0x0081), // 0x8100 in network order
		asm.Mov.Imm(asm.R3, 5),
		asm.FnSkbVlanPush.Call(),
		asm.Mov.Imm(asm.R0, -1).WithSymbol("out"), // TCX_NEXT
		asm.Return(),
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "tag", Type: ebpf.SchedCLS, License: "GPL", Instructions: insns})
	if err != nil {
		return err
	}
	return b.net.A.Do(func() error {
		l, err := link.AttachTCX(link.TCXOptions{Program: p, Interface: b.net.Ports[0].Peer.Index, Attach: ebpf.AttachTCXEgress})
		if err != nil {
			p.Close()
			return err
		}
		held = append(held, func() { l.Close(); p.Close() })
		return nil
	})
}
