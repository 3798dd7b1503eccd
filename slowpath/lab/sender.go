package lab

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sender puts frames on a device as they are.
type Sender struct {
	fd   int
	msgs []mmsghdr
	iovs []unix.Iovec
}

type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// NewSender opens a device of a namespace for sending. Nothing is received on it, so that it is no tap.
func NewSender(ns *Namespace, ifindex int) (*Sender, error) {
	s := &Sender{fd: -1}
	err := ns.Do(func() (err error) {
		// Protocol 0 receives nothing.
		if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
			return err
		}
		return unix.Bind(s.fd, &unix.SockaddrLinklayer{Ifindex: ifindex})
	})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("lab: open interface %d for sending: %w", ifindex, err)
	}
	return s, nil
}

// Queue makes the frames go through the device's queueing disciplines and tc programs, or past them as at first.
func (s *Sender) Queue(on bool) error {
	bypass := 1
	if on {
		bypass = 0
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, bypass); err != nil {
		return fmt.Errorf("lab: queue frames: %w", err)
	}
	return nil
}

// Send puts frames on the wire, each of at least 14 bytes. On a veth pair the kernel mostly has dealt with them when
// Send returns; its rings hold some 250 frames, so more than that in one call may overrun them.
func (s *Sender) Send(frames ...[]byte) error {
	s.fit(len(frames))
	for i, f := range frames {
		if len(f) == 0 {
			return fmt.Errorf("lab: send frame %d: empty", i)
		}
		s.iovs[i] = unix.Iovec{Base: &f[0]}
		s.iovs[i].SetLen(len(f))
		s.msgs[i].hdr = unix.Msghdr{Iov: &s.iovs[i]}
		s.msgs[i].hdr.SetIovlen(1)
	}
	for done := 0; done < len(frames); {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.msgs[done])),
			uintptr(len(frames)-done), 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return fmt.Errorf("lab: send frame %d of %d (%d bytes): %w", done, len(frames), len(frames[done]), errno)
		}
		done += int(n)
	}
	runtime.KeepAlive(frames)
	return nil
}

func (s *Sender) fit(n int) {
	if len(s.msgs) < n {
		s.msgs, s.iovs = make([]mmsghdr, n), make([]unix.Iovec, n)
	}
}

// Close closes the device.
func (s *Sender) Close() error {
	if s == nil || s.fd < 0 {
		return nil
	}
	err := unix.Close(s.fd)
	s.fd = -1
	return err
}
