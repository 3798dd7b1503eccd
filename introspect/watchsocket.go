package introspect

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// listener is a netlink socket that only listens: it carries an epoch filter, and each datagram that it delivers was
// counted by it. Requests go over other sockets, for their answers would be counted, too.
type listener struct {
	fd       int
	protocol int
	groups   []uint32
	account  *account // counted by class and for itself; nil: all as one
	one      domains
	control  []byte // what comes beside a datagram: the network namespace that it is of
}

// datagram is what a listener has received.
type datagram struct {
	data    []byte
	foreign bool  // another process has sent it: it is counted, but not believed
	space   int32 // id of the network namespace that it is of; -1: the own one
}

// receiveBuffer is how much may queue while the reader is busy, with a full dump for example.
const receiveBuffer = 64 << 20

// newListener opens the socket and attaches the filter; it is in no group yet.
func newListener(protocol int, filter *ebpf.Program, a *account, groups ...uint32) (*listener, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("introspect: open listening socket: %w", err)
	}
	l := &listener{fd: fd, protocol: protocol, groups: groups, account: a, one: toConfig}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer); err != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // a small one only means more dumps
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, filter.FD()); err != nil {
		return nil, errors.Join(fmt.Errorf("introspect: attach epoch filter: %w", err), unix.Close(fd))
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("introspect: bind listening socket: %w", err), unix.Close(fd))
	}
	return l, nil
}

// join enters the groups, leave leaves them. When leave returns, no filter of this socket runs any more: the kernel
// waits for the deliveries that are under way.
func (l *listener) join() error  { return l.membership(unix.NETLINK_ADD_MEMBERSHIP) }
func (l *listener) leave() error { return l.membership(unix.NETLINK_DROP_MEMBERSHIP) }

func (l *listener) membership(option int) error {
	for _, g := range l.groups {
		if err := unix.SetsockoptInt(l.fd, unix.SOL_NETLINK, option, int(g)); err != nil {
			return fmt.Errorf("introspect: change membership of group %d of protocol %d: %w", g, l.protocol, err)
		}
	}
	return nil
}

var (
	errEmpty = errors.New("nothing to receive")
	errLost  = errors.New("notifications were lost")

	errOverrun = errors.New("the queue of notifications of rtnetlink ran over")
)

// receive takes one datagram: errEmpty says that none is there, errLost that some are missing.
func (l *listener) receive(buffer []byte) (d datagram, err error) {
	for {
		n, beside, flags, from, err := unix.Recvmsg(l.fd, buffer, l.control, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return d, errEmpty
		case errors.Is(err, unix.ENOBUFS):
			return d, errLost
		case err != nil:
			return d, fmt.Errorf("introspect: receive notification: %w", err)
		case flags&unix.MSG_TRUNC != 0 || n > len(buffer):
			return d, errLost
		}
		sender, ok := from.(*unix.SockaddrNetlink)
		return datagram{buffer[:n], !ok || sender.Pid != 0, spaceOf(l.control[:beside])}, nil
	}
}

// discard empties the queue.
func (l *listener) discard(buffer []byte) error {
	for {
		if _, err := l.receive(buffer); errors.Is(err, errEmpty) {
			return nil
		} else if err != nil && !errors.Is(err, errLost) {
			return err
		}
	}
}

// moves tells what a datagram was counted as.
func (l *listener) moves(datagram []byte) domains {
	if l.account == nil {
		return l.one
	}
	return classify(datagram)
}

// each calls f for every message of a datagram that the kernel sent.
func each(datagram []byte, f func(netlink.Message) error) error {
	for len(datagram) >= unix.SizeofNlMsghdr {
		size := int(native.Uint32(datagram))
		if size < unix.SizeofNlMsghdr || size > len(datagram) {
			return fmt.Errorf("introspect: notification of %d bytes in %d", size, len(datagram))
		}
		m := netlink.Message{Header: netlink.Header{Length: uint32(size), Type: netlink.HeaderType(native.Uint16(datagram[4:])),
			Flags: netlink.HeaderFlags(native.Uint16(datagram[6:]))}, Data: datagram[unix.SizeofNlMsghdr:size]}
		if err := f(m); err != nil {
			return err
		}
		datagram = datagram[min(align4(size), len(datagram)):]
	}
	return nil
}
