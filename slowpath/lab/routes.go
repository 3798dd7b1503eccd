package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Route is a unicast route of table main.
type Route struct {
	Dst     netip.Prefix
	Ifindex int
	Via     netip.Addr
	Gone    bool // the route to the prefix, whatever it says, is to be deleted
}

// routeBatch is how many routes go to the kernel in one message: it is then quicker than one by one, and its receive
// buffer holds them.
const routeBatch = 1024

// Routes changes the routes of one namespace.
type Routes struct{ conn *netlink.Conn }

// NewRoutes opens a namespace for changes of routes.
func NewRoutes(ns *Namespace) (*Routes, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: ns.FD()})
	if err != nil {
		return nil, fmt.Errorf("lab: open namespace for routes: %w", err)
	}
	return &Routes{conn}, nil
}

// Set puts routes in the place of those to the same prefixes, or deletes them, in order. When it returns, the kernel has
// them.
func (r *Routes) Set(routes ...Route) error {
	for len(routes) > 0 {
		n := min(routeBatch, len(routes))
		if err := r.batch(routes[:n]); err != nil {
			return err
		}
		routes = routes[n:]
	}
	return nil
}

// batch sends one message of routes. Only the last is acknowledged; of the others the kernel tells what went wrong.
func (r *Routes) batch(routes []Route) error {
	messages := make([]netlink.Message, len(routes))
	for i, route := range routes {
		messages[i] = route.message()
	}
	messages[len(messages)-1].Header.Flags |= netlink.Acknowledge
	sent, err := r.conn.SendMessages(messages)
	if err != nil {
		return fmt.Errorf("lab: send %d routes: %w", len(routes), err)
	}
	return r.acknowledged(routes, sent)
}

// acknowledged reads the kernel's answers up to that to the last message.
func (r *Routes) acknowledged(routes []Route, sent []netlink.Message) error {
	last := sent[len(sent)-1].Header.Sequence
	for {
		answers, err := r.conn.Receive()
		if op := (*netlink.OpError)(nil); errors.As(err, &op) {
			return fmt.Errorf("lab: set %d routes from %s: %w", len(routes), routes[0].Dst, err)
		} else if err != nil {
			return fmt.Errorf("lab: receive answer: %w", err)
		}
		for _, a := range answers {
			if a.Header.Sequence == last {
				return nil
			}
		}
	}
}

func (r Route) message() netlink.Message {
	kind, flags := unix.RTM_NEWROUTE, netlink.Request|netlink.Create|netlink.Replace
	if r.Gone {
		kind, flags = unix.RTM_DELROUTE, netlink.Request
	}
	family := byte(unix.AF_INET)
	if r.Dst.Addr().Is6() {
		family = unix.AF_INET6
	}
	// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags.
	b := make([]byte, unix.SizeofRtMsg, 64)
	b[0], b[1], b[4], b[5], b[7] = family, byte(r.Dst.Bits()), unix.RT_TABLE_MAIN, unix.RTPROT_BGP, unix.RTN_UNICAST
	b = routeAttribute(b, unix.RTA_DST, r.Dst.Masked().Addr().AsSlice())
	if !r.Gone {
		b = routeAttribute(b, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(r.Ifindex)))
	}
	if r.Via.IsValid() && !r.Gone {
		b = routeAttribute(b, unix.RTA_GATEWAY, r.Via.AsSlice())
	}
	return netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(kind), Flags: flags}, Data: b}
}

// routeAttribute appends an attribute whose size is a multiple of four.
func routeAttribute(b []byte, kind uint16, data []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+len(data)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(b, data...)
}

// Close closes the connection; the routes stay.
func (r *Routes) Close() error { return r.conn.Close() }
