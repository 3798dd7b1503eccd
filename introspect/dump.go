package introspect

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// dialRoute opens a rtnetlink socket for requests, with strict checking: a kernel that does not know a field of a
// request says so instead of answering another question.
func dialRoute() (*netlink.Conn, error) {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("introspect: open rtnetlink socket: %w", err)
	}
	if err := c.SetOption(netlink.GetStrictCheck, true); err != nil {
		return nil, errors.Join(fmt.Errorf("introspect: set strict checking: %w", err), c.Close())
	}
	return c, nil
}

// request is one dump.
type request struct {
	kind uint16
	body []byte
}

// rtextSkipStats leaves the statistics out of a dump of links (RTEXT_FILTER_SKIP_STATS).
const rtextSkipStats = 8

// requests are the dumps that show all objects of a kind, but for tc filters, which are asked for by place.
var requests = map[Kind][]request{
	Links:    {{unix.RTM_GETLINK, linkRequest()}},
	Addrs:    bothFamilies(unix.RTM_GETADDR, unix.SizeofIfAddrmsg),
	Routes4:  {{unix.RTM_GETROUTE, header(unix.SizeofRtMsg, unix.AF_INET)}},
	Routes6:  {{unix.RTM_GETROUTE, header(unix.SizeofRtMsg, unix.AF_INET6)}},
	Rules:    bothFamilies(unix.RTM_GETRULE, sizeofRuleHdr),
	Nexthops: {{unix.RTM_GETNEXTHOP, header(sizeofNhmsg, unix.AF_UNSPEC)}},
	Neighs:   append(bothFamilies(unix.RTM_GETNEIGH, sizeofNdmsg), proxyRequest),
	Netconfs: bothFamilies(unix.RTM_GETNETCONF, align4(sizeofNetconfmsg)),
	FDB:      {{unix.RTM_GETNEIGH, header(sizeofNdmsg, unix.AF_BRIDGE)}},
	VLANs:    {{rtmGetVLAN, header(sizeofVLANMsg, unix.AF_BRIDGE)}},
	Qdiscs:   {{unix.RTM_GETQDISC, header(sizeofTcmsg, unix.AF_UNSPEC)}},
}

func bothFamilies(kind uint16, size int) []request {
	return []request{{kind, header(size, unix.AF_INET)}, {kind, header(size, unix.AF_INET6)}}
}

// proxyRequest asks for the proxy entries of IPv6, which stand in a table of their own.
var proxyRequest = request{unix.RTM_GETNEIGH, append(append(header(10, unix.AF_INET6), unix.NTF_PROXY), 0)}

func header(size int, family byte) []byte {
	b := make([]byte, size)
	b[0] = family
	return b
}

func linkRequest() []byte {
	b := native.AppendUint16(header(sizeofIfInfomsg, unix.AF_UNSPEC), 8)
	b = native.AppendUint16(b, unix.IFLA_EXT_MASK)
	return native.AppendUint32(b, rtextSkipStats)
}

// dump returns the messages that show all objects of one kind. Its order is the kernel's.
func dump(c *netlink.Conn, kind Kind) ([]netlink.Message, error) {
	if kind == Filters {
		return nil, errors.New("introspect: dump filters: they are dumped by device")
	}
	var all []netlink.Message
	for _, r := range requests[kind] {
		start := len(all)
		err := ask(c, r, func() { all = all[:start] }, func(m netlink.Message) error {
			m.Data = slices.Clone(m.Data)
			all = append(all, m)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("introspect: dump %v: %w", kind, err)
		}
	}
	return all, nil
}

// errTorn says that the objects changed during a dump, so that it may miss some.
var errTorn = errors.New("objects changed during the dump")

// maxTries bounds the repetitions of a dump whose objects keep changing.
const maxTries = 50

// ask dumps until the dump is whole: again starts a new try, f takes each message, whose data is gone after it returns.
func ask(c *netlink.Conn, r request, again func(), f func(netlink.Message) error) error {
	return askParts(c, r, again, f, func(bool) {})
}

// askParts is ask, and calls part after each part that had messages, with whether it ends the dump: between two the kernel
// lets objects change.
func askParts(c *netlink.Conn, r request, again func(), f func(netlink.Message) error, part func(last bool)) (err error) {
	for try := range maxTries {
		again()
		if err = askOnce(c, r, f, part); !retryable(err) {
			return err
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
	return err
}

func retryable(err error) bool {
	return errors.Is(err, errTorn) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EBUSY)
}

func askOnce(c *netlink.Conn, r request, f func(netlink.Message) error, part func(bool)) error {
	m := netlink.Message{Data: r.body}
	m.Header.Type, m.Header.Flags = netlink.HeaderType(r.kind), netlink.Request|netlink.Dump
	sent, err := c.Send(m)
	if err != nil {
		return err
	}
	return answer(c, sent.Header.Sequence, f, part)
}

// answer reads the parts of a dump up to its end. It reads the socket itself, for a part that says "interrupted" may be
// the last, which netlink.Conn does not show. After an error of f it reads on, so that the socket can be used again.
func answer(c *netlink.Conn, sequence uint32, f func(netlink.Message) error, part func(bool)) error {
	d := dumping{sequence: sequence, f: f}
	for buffer := make([]byte, 64<<10); !d.done; {
		b, err := receive(c, buffer)
		if err != nil {
			return err
		}
		before := d.taken
		if err := splitDatagram(b, d.take); err != nil {
			return err
		}
		if d.taken > before {
			part(d.done)
		}
	}
	if d.failed == nil && d.torn {
		return errTorn
	}
	return d.failed
}

// dumping is a dump under way.
type dumping struct {
	sequence   uint32
	f          func(netlink.Message) error
	torn, done bool
	taken      int   // messages of it
	failed     error // the first error of f or of the kernel
}

// take takes one message; those of an earlier dump that was not read to its end are passed over.
func (d *dumping) take(m netlink.Message) error {
	if m.Header.Sequence != d.sequence {
		return nil
	}
	d.torn = d.torn || m.Header.Flags&netlink.DumpInterrupted != 0
	failed := error(nil)
	switch {
	case m.Header.Type == netlink.Done || m.Header.Type == netlink.Error:
		d.done, failed = true, verdict(m.Data)
	case d.failed == nil:
		d.taken++
		failed = d.f(m)
	}
	d.failed = cmp.Or(d.failed, failed)
	return nil
}

func receive(c *netlink.Conn, buffer []byte) ([]byte, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	n, flags := 0, 0
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		n, _, flags, _, failed = unix.Recvmsg(int(fd), buffer, nil, unix.MSG_TRUNC)
		return failed != unix.EAGAIN && failed != unix.EINTR
	})
	switch {
	case err != nil:
		return nil, err
	case failed != nil:
		return nil, os.NewSyscallError("recvmsg", failed)
	case flags&unix.MSG_TRUNC != 0 || n > len(buffer):
		return nil, fmt.Errorf("message of %d bytes in %d", n, len(buffer))
	}
	return buffer[:n], nil
}

// splitDatagram calls f for each message of a datagram.
func splitDatagram(b []byte, f func(netlink.Message) error) error {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(native.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return fmt.Errorf("message of %d bytes in %d", size, len(b))
		}
		m := netlink.Message{Header: netlink.Header{Length: uint32(size), Type: netlink.HeaderType(native.Uint16(b[4:])),
			Flags: netlink.HeaderFlags(native.Uint16(b[6:])), Sequence: native.Uint32(b[8:]), PID: native.Uint32(b[12:])},
			Data: b[unix.SizeofNlMsghdr:size]}
		if err := f(m); err != nil {
			return err
		}
		b = b[min(align4(size), len(b)):]
	}
	return nil
}

// messages calls f for each message of a datagram, and tells whether it ends a dump and how.
func messages(b []byte, f func(netlink.Message) error) (done bool, err error) {
	err = splitDatagram(b, func(m netlink.Message) error {
		if err := f(m); err != nil || m.Header.Type != netlink.Done && m.Header.Type != netlink.Error {
			return err
		}
		done = true
		return verdict(m.Data)
	})
	return done, err
}

// verdict reads the errno that ends a dump.
func verdict(b []byte) error {
	if len(b) < 4 {
		return nil
	}
	if code := int32(native.Uint32(b)); code < 0 {
		return unix.Errno(-code)
	}
	return nil
}
