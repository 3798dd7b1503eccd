package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Connection is an entry of the kernel's table of connections (ctnetlink).
type Connection struct {
	Protocol     uint8
	Source, Dest netip.AddrPort // of the first packet
	Reply        [2]netip.AddrPort
	Status       uint32 // enum ip_conntrack_status
	Mark         uint32
	Seconds      uint32    // that it lives without packets
	State        uint8     // of TCP
	Liberal      bool      // TCP: windows are not watched in either direction
	Counted      bool      // the kernel counts its packets
	Counts       [2]Counts // in the direction of the first packet, and against it

	// SourceNAT and DestNAT translate, if they are valid, when the connection is made.
	SourceNAT, DestNAT netip.AddrPort
}

// Counts is what the kernel has counted for a connection.
type Counts struct{ Packets, Bytes uint64 }

// Types of messages and attributes of ctnetlink (linux/netfilter/nfnetlink_conntrack.h).
const (
	ctNew    = unix.NFNL_SUBSYS_CTNETLINK << 8
	ctGet    = ctNew | 1
	ctDelete = ctNew | 2

	ctTupleOrig  = 1
	ctTupleReply = 2
	ctStatus     = 3
	ctProtoInfo  = 4
	ctNATSource  = 6
	ctTimeout    = 7
	ctMark       = 8
	ctCounts     = 9
	ctCountsBack = 10
	ctNATDest    = 13

	liberal = 8 // IP_CT_TCP_FLAG_BE_LIBERAL
)

// Connect makes connections.
func (n *Namespace) Connect(all ...Connection) error {
	return n.conntrack(func(c *netlink.Conn) error {
		for _, one := range all {
			if err := ask(c, ctNew, netlink.Create|netlink.Excl, one.encode()); err != nil {
				return fmt.Errorf("lab: connect %s %s: %w", one.Source, one.Dest, err)
			}
		}
		return nil
	})
}

// Disconnect deletes a connection.
func (n *Namespace) Disconnect(one Connection) error {
	return n.conntrack(func(c *netlink.Conn) error {
		data := append(family(one.Source), tuple(ctTupleOrig, one.Protocol, one.Source, one.Dest)...)
		if err := ask(c, ctDelete, 0, data); err != nil {
			return fmt.Errorf("lab: disconnect %s %s: %w", one.Source, one.Dest, err)
		}
		return nil
	})
}

// Expire takes all the time away that a connection has left.
func (n *Namespace) Expire(one Connection) error {
	return n.conntrack(func(c *netlink.Conn) error {
		data := append(family(one.Source), tuple(ctTupleOrig, one.Protocol, one.Source, one.Dest)...)
		if err := ask(c, ctNew, 0, append(data, attribute(ctTimeout, make([]byte, 4))...)); err != nil {
			return fmt.Errorf("lab: expire %s %s: %w", one.Source, one.Dest, err)
		}
		return nil
	})
}

// Connections lists the connections of a family, unix.AF_INET or AF_INET6.
func (n *Namespace) Connections(family uint8) (all []Connection, err error) {
	err = n.conntrack(func(c *netlink.Conn) error {
		replies, err := c.Execute(netlink.Message{Header: netlink.Header{Type: ctGet, Flags: netlink.Request | netlink.Dump},
			Data: []byte{family, 0, 0, 0}})
		if err != nil {
			return fmt.Errorf("lab: list connections: %w", err)
		}
		for _, m := range replies {
			one, err := decode(m.Data)
			if err != nil {
				return fmt.Errorf("lab: list connections: %w", err)
			}
			all = append(all, one)
		}
		return nil
	})
	return all, err
}

func (n *Namespace) conntrack(do func(*netlink.Conn) error) error {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: n.FD()})
	if err != nil {
		return fmt.Errorf("lab: ask for connections: %w", err)
	}
	defer c.Close()
	return do(c)
}

func ask(c *netlink.Conn, kind netlink.HeaderType, flags netlink.HeaderFlags, data []byte) error {
	_, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request | netlink.Acknowledge | flags}, Data: data})
	return err
}

func family(a netip.AddrPort) []byte {
	if a.Addr().Is4() {
		return []byte{unix.AF_INET, 0, 0, 0}
	}
	return []byte{unix.AF_INET6, 0, 0, 0}
}

// attribute encodes one; lists are nested.
func attribute(kind uint16, parts ...[]byte) []byte {
	a := netlink.Attribute{Type: kind}
	for _, p := range parts {
		a.Data = append(a.Data, p...)
	}
	out, _ := netlink.MarshalAttributes([]netlink.Attribute{a})
	return out
}

func nested(kind uint16, parts ...[]byte) []byte { return attribute(kind|netlink.Nested, parts...) }

func be16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func be32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func tuple(kind uint16, protocol uint8, source, dest netip.AddrPort) []byte {
	first := uint16(1)
	if !source.Addr().Is4() {
		first = 3
	}
	return nested(kind,
		nested(1, attribute(first, source.Addr().AsSlice()), attribute(first+1, dest.Addr().AsSlice())),
		nested(2, attribute(1, []byte{protocol}), attribute(2, be16(source.Port())), attribute(3, be16(dest.Port()))))
}

// translation encodes one address and port as the range to choose from.
func translation(kind uint16, to netip.AddrPort) []byte {
	first := uint16(1)
	if !to.Addr().Is4() {
		first = 4
	}
	return nested(kind, attribute(first, to.Addr().AsSlice()), attribute(first+1, to.Addr().AsSlice()),
		nested(3, attribute(1, be16(to.Port())), attribute(2, be16(to.Port()))))
}

func (c Connection) encode() []byte {
	data := append(family(c.Source), tuple(ctTupleOrig, c.Protocol, c.Source, c.Dest)...)
	data = append(data, tuple(ctTupleReply, c.Protocol, c.Dest, c.Source)...)
	data = append(data, attribute(ctStatus, be32(c.Status))...)
	data = append(data, attribute(ctTimeout, be32(c.Seconds))...)
	data = append(data, attribute(ctMark, be32(c.Mark))...)
	if c.SourceNAT.IsValid() {
		data = append(data, translation(ctNATSource, c.SourceNAT)...)
	}
	if c.DestNAT.IsValid() {
		data = append(data, translation(ctNATDest, c.DestNAT)...)
	}
	if c.Protocol == unix.IPPROTO_TCP {
		flags := []byte{0, liberal}
		if c.Liberal {
			flags[0] = liberal
		}
		data = append(data, nested(ctProtoInfo, nested(1, attribute(1, []byte{c.State}), attribute(4, flags), attribute(5, flags)))...)
	}
	return data
}

// decode reads what Connect writes, out of a message of the kernel.
func decode(b []byte) (c Connection, err error) {
	if len(b) < 4 {
		return c, fmt.Errorf("message of %d bytes", len(b))
	}
	ad, err := netlink.NewAttributeDecoder(b[4:])
	if err != nil {
		return c, err
	}
	ad.ByteOrder = binary.BigEndian
	for ad.Next() {
		switch ad.Type() {
		case ctTupleOrig:
			ad.Nested(func(ad *netlink.AttributeDecoder) error { return decodeTuple(ad, &c.Protocol, &c.Source, &c.Dest) })
		case ctTupleReply:
			ad.Nested(func(ad *netlink.AttributeDecoder) error {
				return decodeTuple(ad, &c.Protocol, &c.Reply[0], &c.Reply[1])
			})
		case ctStatus:
			c.Status = ad.Uint32()
		case ctTimeout:
			c.Seconds = ad.Uint32()
		case ctMark:
			c.Mark = ad.Uint32()
		case ctCounts, ctCountsBack:
			c.Counted = true
			of := &c.Counts[ad.Type()-ctCounts]
			ad.Nested(func(ad *netlink.AttributeDecoder) error { return decodeCounts(ad, of) })
		case ctProtoInfo:
			ad.Nested(func(ad *netlink.AttributeDecoder) error { return decodeTCP(ad, &c) })
		}
	}
	return c, ad.Err()
}

func decodeTuple(ad *netlink.AttributeDecoder, protocol *uint8, source, dest *netip.AddrPort) error {
	var addr [2]netip.Addr
	var port [2]uint16
	for ad.Next() {
		switch ad.Type() {
		case 1:
			ad.Nested(func(ad *netlink.AttributeDecoder) error {
				for ad.Next() {
					if a, ok := netip.AddrFromSlice(ad.Bytes()); ok && ad.Type() >= 1 && ad.Type() <= 4 {
						addr[(ad.Type()-1)%2] = a
					}
				}
				return nil
			})
		case 2:
			ad.Nested(func(ad *netlink.AttributeDecoder) error {
				for ad.Next() {
					switch ad.Type() {
					case 1:
						*protocol = ad.Uint8()
					case 2, 3:
						port[ad.Type()-2] = ad.Uint16()
					}
				}
				return nil
			})
		}
	}
	*source, *dest = netip.AddrPortFrom(addr[0], port[0]), netip.AddrPortFrom(addr[1], port[1])
	return nil
}

func decodeCounts(ad *netlink.AttributeDecoder, c *Counts) error {
	for ad.Next() {
		switch ad.Type() {
		case 1:
			c.Packets = ad.Uint64()
		case 2:
			c.Bytes = ad.Uint64()
		}
	}
	return nil
}

func decodeTCP(ad *netlink.AttributeDecoder, c *Connection) error {
	for ad.Next() {
		if ad.Type() != 1 {
			continue
		}
		ad.Nested(func(ad *netlink.AttributeDecoder) error {
			c.Liberal = true
			for ad.Next() {
				switch ad.Type() {
				case 1:
					c.State = ad.Uint8()
				case 4, 5:
					c.Liberal = c.Liberal && len(ad.Bytes()) > 0 && ad.Bytes()[0]&liberal != 0
				}
			}
			return nil
		})
	}
	return nil
}
