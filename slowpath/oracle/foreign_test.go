package oracle

import (
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
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

// legacyTables registers the table "filter" of iptables-legacy, as the first run of that command does.
func legacyTables() error {
	const getInfo = 64 // IPT_SO_GET_INFO
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return getTable(fd, getInfo, "filter")
}
