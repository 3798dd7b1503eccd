package upkeep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Connections keeps the kernel's table of connections fit for packets that it does not see. It belongs to the network
// namespace of the thread that opened it, and to one goroutine.
type Connections struct {
	sockets map[int]*nl.SocketHandle
}

// OpenConnections makes Connections for the network namespace of the calling thread.
func OpenConnections() (*Connections, error) {
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("upkeep: open ctnetlink: %w", err)
	}
	if err := s.SetReceiveTimeout(&nl.SocketTimeoutTv); err != nil {
		s.Close()
		return nil, fmt.Errorf("upkeep: open ctnetlink: set timeout: %w", err)
	}
	return &Connections{map[int]*nl.SocketHandle{unix.NETLINK_NETFILTER: {Socket: s}}}, nil
}

// Close lets go of the netlink socket.
func (c *Connections) Close() {
	for _, s := range c.sockets {
		s.Close()
	}
}

// Messages and attributes of ctnetlink (linux/netfilter/nfnetlink_conntrack.h).
const (
	ctNew           = unix.NFNL_SUBSYS_CTNETLINK << 8
	ctGet           = ctNew | 1
	ctTupleOrig     = 1
	ctTupleReply    = 2
	ctStatus        = 3
	ctProtoInfo     = 4
	ctMark          = 8
	ctTupleIP       = 1
	ctTupleProto    = 2
	ctProtoTCP      = 1
	ctFlagsOriginal = 4
	ctFlagsReply    = 5

	beLiberal    = 1 << 3 // IP_CT_TCP_FLAG_BE_LIBERAL
	acknowledged = 1 << 5 // IP_CT_TCP_FLAG_MAXACK_SET
)

// Relax makes the kernel stop to watch the windows of the TCP connection that has packets from source to dest, and forget
// which of them were acknowledged. It would take packets for invalid that come after others which it did not see, and not
// believe a RST that goes with them. There is no error if the connection has ended.
func (c *Connections) Relax(source, dest netip.AddrPort) error {
	r := nl.NewNetlinkRequest(ctNew, unix.NLM_F_ACK)
	r.Sockets = c.sockets
	r.AddData(&nl.Nfgenmsg{NfgenFamily: familyOf(source), Version: nl.NFNETLINK_V0})
	r.AddData(tupleOf(unix.IPPROTO_TCP, source, dest))
	r.AddData(relaxed())
	if _, err := r.Execute(unix.NETLINK_NETFILTER, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("upkeep: relax connection of %s with %s: %w", source, dest, err)
	}
	return nil
}

func familyOf(a netip.AddrPort) uint8 {
	if a.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// tupleOf finds the connection; that of a packet against its direction does as well.
func tupleOf(protocol uint8, source, dest netip.AddrPort) *nl.RtAttr {
	first := 1
	if !source.Addr().Is4() {
		first = 3
	}
	tuple := nl.NewRtAttr(unix.NLA_F_NESTED|ctTupleOrig, nil)
	addrs := tuple.AddRtAttr(unix.NLA_F_NESTED|ctTupleIP, nil)
	addrs.AddRtAttr(first, source.Addr().AsSlice())
	addrs.AddRtAttr(first+1, dest.Addr().AsSlice())
	transport := tuple.AddRtAttr(unix.NLA_F_NESTED|ctTupleProto, nil)
	transport.AddRtAttr(1, []byte{protocol})
	transport.AddRtAttr(2, binary.BigEndian.AppendUint16(nil, source.Port()))
	transport.AddRtAttr(3, binary.BigEndian.AppendUint16(nil, dest.Port()))
	return tuple
}

func relaxed() *nl.RtAttr {
	info := nl.NewRtAttr(unix.NLA_F_NESTED|ctProtoInfo, nil)
	tcp := info.AddRtAttr(unix.NLA_F_NESTED|ctProtoTCP, nil)
	flags := []byte{beLiberal, beLiberal | acknowledged} // and which of them are meant
	tcp.AddRtAttr(ctFlagsOriginal, flags)
	tcp.AddRtAttr(ctFlagsReply, flags)
	return info
}
