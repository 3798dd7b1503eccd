package upkeep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Connection is what the kernel's table of connections makes of a packet.
type Connection struct {
	Source, Dest netip.AddrPort // of the packet once its addresses are translated
	Reply        bool           // it goes against the connection's first packet
	Status, Mark uint32         // IPS_*; ct mark
}

// FindConnection asks the kernel for the connection of the packets of TCP or UDP from source to dest, in the network namespace
// of the calling thread. It is false if there is none.
func FindConnection(protocol uint8, source, dest netip.AddrPort) (c Connection, ok bool, err error) {
	r := nl.NewNetlinkRequest(ctGet, unix.NLM_F_ACK) // the answer says that more will follow
	r.AddData(&nl.Nfgenmsg{NfgenFamily: familyOf(source), Version: nl.NFNETLINK_V0})
	r.AddData(tupleOf(protocol, source, dest))
	replies, err := r.Execute(unix.NETLINK_NETFILTER, 0)
	if errors.Is(err, unix.ENOENT) {
		return c, false, nil
	}
	if err == nil && len(replies) != 1 {
		err = fmt.Errorf("%d answers", len(replies))
	}
	var first, back ends
	if err == nil {
		first, back, c, err = decode(replies[0])
	}
	if err != nil {
		return c, false, fmt.Errorf("upkeep: look for connection of %s with %s: %w", source, dest, err)
	}
	c.Reply = first != ends{source, dest}
	if c.Reply {
		back = first
	}
	c.Source, c.Dest = back.dest, back.source
	return c, true, nil
}

// ends are the addresses and ports of a tuple.
type ends struct{ source, dest netip.AddrPort }

// decode reads the tuples of a connection, and what else is of use.
func decode(message []byte) (first, back ends, c Connection, err error) {
	const sizeofNfgenmsg = 4
	all, err := attributes(message[min(len(message), sizeofNfgenmsg):])
	for kind, value := range all {
		if err != nil {
			break
		}
		switch {
		case kind == ctTupleOrig:
			first, err = decodeTuple(value)
		case kind == ctTupleReply:
			back, err = decodeTuple(value)
		case kind == ctStatus && len(value) == 4:
			c.Status = binary.BigEndian.Uint32(value)
		case kind == ctMark && len(value) == 4:
			c.Mark = binary.BigEndian.Uint32(value)
		}
	}
	return first, back, c, err
}

func decodeTuple(b []byte) (e ends, err error) {
	parts, err1 := attributes(b)
	addrs, err2 := attributes(parts[ctTupleIP])
	ports, err3 := attributes(parts[ctTupleProto])
	if err := errors.Join(err1, err2, err3); err != nil {
		return e, err
	}
	end := func(four, six, port uint16) netip.AddrPort {
		a, ok := netip.AddrFromSlice(addrs[four])
		if !ok {
			a, _ = netip.AddrFromSlice(addrs[six])
		}
		var n [2]byte
		copy(n[:], ports[port])
		return netip.AddrPortFrom(a, binary.BigEndian.Uint16(n[:]))
	}
	return ends{end(1, 3, 2), end(2, 4, 3)}, nil
}

// attributes are the values of attributes by their types.
func attributes(b []byte) (map[uint16][]byte, error) {
	list, err := nl.ParseRouteAttr(b)
	all := map[uint16][]byte{}
	for _, a := range list {
		all[a.Attr.Type&nl.NLA_TYPE_MASK] = a.Value
	}
	return all, err
}
