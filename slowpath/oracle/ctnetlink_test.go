package oracle

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/slowpath/upkeep"
)

// What ctnetlink calls things (include/uapi/linux/netfilter/nfnetlink_conntrack.h).
const (
	ctNew        = unix.NFNL_SUBSYS_CTNETLINK << 8
	ctGet        = ctNew | 1
	ctaTuple     = 1
	ctaStatus    = 3
	ctaMark      = 8
	statusReply  = 1 << 1
	statusAssure = 1 << 2
)

// tracked is an entry of conntrack as ctnetlink shows it.
type tracked struct {
	family byte
	tuple  []byte // the attributes of the original direction
	status uint32
}

// protocol is that of L4: CTA_TUPLE_PROTO, CTA_PROTO_NUM.
func (c tracked) protocol() (n uint8) {
	d, err := netlink.NewAttributeDecoder(c.tuple)
	for err == nil && d.Next() {
		if d.Type() == 2 {
			d.Nested(func(in *netlink.AttributeDecoder) error {
				for in.Next() {
					if in.Type() == 1 {
						n = in.Uint8()
					}
				}
				return nil
			})
		}
	}
	return n
}

// readTracked dumps conntrack.
func readTracked(ns *lab.Namespace) (all []tracked, err error) {
	conn, err := dialConntrack(ns)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answer, err := conn.Execute(netlink.Message{Header: netlink.Header{Type: ctGet, Flags: netlink.Request | netlink.Dump}, Data: make([]byte, 4)})
	if err != nil {
		return nil, fmt.Errorf("oracle: dump conntrack: %w", err)
	}
	for _, m := range answer {
		d, err := netlink.NewAttributeDecoder(m.Data[4:])
		if err != nil {
			return nil, fmt.Errorf("oracle: dump conntrack: %w", err)
		}
		d.ByteOrder = binary.BigEndian
		c := tracked{family: m.Data[0]}
		for d.Next() {
			switch d.Type() {
			case ctaTuple:
				c.tuple = d.Bytes()
			case ctaStatus:
				c.status = d.Uint32()
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func dialConntrack(ns *lab.Namespace) (*netlink.Conn, error) {
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, &netlink.Config{NetNS: ns.FD()})
	if err != nil {
		return nil, fmt.Errorf("oracle: ask conntrack: %w", err)
	}
	return conn, nil
}

// change gives entries of conntrack another value of a 32-bit attribute.
func change(ns *lab.Namespace, attribute uint16, value func(tracked) (uint32, bool)) error {
	all, err := readTracked(ns)
	if err != nil {
		return err
	}
	conn, err := dialConntrack(ns)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, c := range all {
		v, ok := value(c)
		if !ok {
			continue
		}
		e := netlink.NewAttributeEncoder()
		e.ByteOrder = binary.BigEndian
		e.Bytes(ctaTuple|netlink.Nested, c.tuple)
		e.Uint32(attribute, v)
		data, err := e.Encode()
		if err != nil {
			return err
		}
		m := netlink.Message{Header: netlink.Header{Type: ctNew, Flags: netlink.Request | netlink.Acknowledge}, Data: append([]byte{c.family, 0, 0, 0}, data...)}
		if _, err := conn.Execute(m); err != nil {
			return fmt.Errorf("oracle: change entry %x of conntrack: %w", c.tuple, err)
		}
	}
	return nil
}

// assure marks flows of UDP that had answers as assured, for which conntrack would want two seconds: a slow run is to be like
// a fast one.
func assure(ns *lab.Namespace) error {
	return change(ns, ctaStatus, func(c tracked) (uint32, bool) {
		return c.status | statusAssure, c.protocol() == unix.IPPROTO_UDP && c.status&(statusReply|statusAssure) == statusReply
	})
}

// relax has the windows of TCP left alone.
func relax(ns *lab.Namespace) error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		all, err := ns.Connections(family)
		if err != nil {
			return err
		}
		err = ns.Do(func() error {
			windows, err := upkeep.OpenConnections()
			if err != nil {
				return err
			}
			defer windows.Close()
			for _, c := range all {
				if c.Protocol == unix.IPPROTO_TCP {
					err = errors.Join(err, windows.Relax(c.Source, c.Dest))
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// setMarks marks every connection.
func setMarks(ns *lab.Namespace, mark uint32) error {
	return change(ns, ctaMark, func(tracked) (uint32, bool) { return mark, true })
}
