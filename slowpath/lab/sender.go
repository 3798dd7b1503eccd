package lab

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sender puts frames on a device as they are.
type Sender struct {
	fd      int
	msgs    []mmsghdr
	iovs    []unix.Iovec
	headers []virtioHeader
	offload func(frame []byte) (start, offset int)
}

// virtioHeader stands before each frame of a socket with PACKET_VNET_HDR (struct virtio_net_hdr).
type virtioHeader struct {
	flags, gso                        uint8
	headerLen, gsoSize, start, offset uint16
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

// Offload makes the kernel take frames for such whose checksum the device has to complete, as those of a stack are: choose
// tells for each frame where the sum begins and how far behind that it stands; 0, 0 is a frame that is complete.
func (s *Sender) Offload(choose func(frame []byte) (start, offset int)) error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return fmt.Errorf("lab: offload checksums: %w", err)
	}
	s.offload = choose
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
		s.place(i, f)
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

// place describes frame i to the kernel: its bytes, and what stands before them.
func (s *Sender) place(i int, f []byte) {
	iovs := s.iovs[2*i : 2*i+2]
	iovs[1].Base = &f[0]
	iovs[1].SetLen(len(f))
	if s.offload == nil {
		iovs = iovs[1:]
	} else {
		h := &s.headers[i]
		*h = virtioHeader{}
		if start, offset := s.offload(f); start > 0 {
			h.flags, h.start, h.offset = 1, uint16(start), uint16(offset) // VIRTIO_NET_HDR_F_NEEDS_CSUM
		}
		iovs[0].Base = (*byte)(unsafe.Pointer(h))
		iovs[0].SetLen(int(unsafe.Sizeof(*h)))
	}
	s.msgs[i].hdr = unix.Msghdr{Iov: &iovs[0]}
	s.msgs[i].hdr.SetIovlen(len(iovs))
}

func (s *Sender) fit(n int) {
	if len(s.msgs) < n {
		s.msgs, s.iovs, s.headers = make([]mmsghdr, n), make([]unix.Iovec, 2*n), make([]virtioHeader, n)
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
