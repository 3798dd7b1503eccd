// Package packet makes frames from descriptions such as
//
//	iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 3
//	iif r0 ip6 2001:db8::1 > 2001:db8:2::9 tcp dport 443
//	iif r0 hex 020000000001...
//
// A description names the interface that the packet arrives on, optionally an Ethernet header, and an IPv4 or IPv6 header
// with the protocol above. What it leaves out is chosen so that the packet is a valid one.
package packet

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// MAC is an Ethernet address.
type MAC [6]byte

// Packet is a description that was understood.
type Packet struct {
	Interface string
	Raw       []byte // the frame as it was given in hexadecimal; the rest is empty then
	Src, Dst  MAC    // Ethernet addresses; a zero Src is somebody's, a zero Dst the interface's own
	EtherType uint16
	VLAN      int // tag in the frame's metadata, 0 without
	Tag       int // VLAN of the tag in the frame itself, 0 without
	IP        IP

	Established bool // it belongs to a connection that has seen packets both ways
}

// IP is what a description says of the IPv4 or IPv6 header and what follows it.
type IP struct {
	Src, Dst     netip.Addr
	Protocol     uint8
	Sport, Dport uint16
	TTL, TOS     uint8  // of IPv6: hop limit, traffic class
	Flow         uint32 // IPv6: flow label
	Total        int    // length with the header
	Four
}

// Four is what only IPv4 has.
type Four struct {
	ID          uint16
	DF, MF      bool
	Offset      uint16 // of a fragment, bytes
	BadChecksum bool
	Options     int // bytes of options
}

const (
	etherLen = 14
	header6  = 40
	icmp     = 1
	tcp      = 6
	udp      = 17
	icmp6    = 58

	etherType4 = 0x0800
	etherType6 = 0x86dd
)

// Frame makes the frame. Own is the Ethernet address of the interface that it arrives on, used where the description
// gives no destination.
func (p *Packet) Frame(own MAC) []byte {
	if p.Raw != nil {
		return append([]byte(nil), p.Raw...)
	}
	dst := p.Dst
	if dst == (MAC{}) {
		dst = own
	}
	frame := make([]byte, etherLen+max(p.IP.Total, p.IP.header()))
	copy(frame, dst[:])
	copy(frame[6:], p.source())
	binary.BigEndian.PutUint16(frame[12:], p.EtherType)
	p.IP.put(frame[etherLen:], p.tcpFlags())
	if p.Tag != 0 {
		frame = WithTag(frame, p.Tag)
	}
	return frame
}

// WithTag is a frame with the tag of a VLAN (IEEE 802.1Q) behind its MACs; one that is too short for these stays as it is.
func WithTag(frame []byte, vid int) []byte {
	const at = 12
	if len(frame) < at {
		return frame
	}
	return slices.Insert(slices.Clone(frame), at, 0x81, 0, byte(vid>>8), byte(vid))
}

func (p *Packet) source() []byte {
	if p.Src == (MAC{}) {
		return []byte{2, 0, 0, 0, 0, 0xfe}
	}
	return p.Src[:]
}

// tcpFlags are those of the first packet of a connection, or of a later one.
func (p *Packet) tcpFlags() byte {
	const syn, ack = 2, 16
	if p.Established {
		return ack
	}
	return syn
}

// six tells whether it is IPv6.
func (h *IP) six() bool { return h.Src.Is6() }

func (h *IP) header() int {
	if h.six() {
		return header6
	}
	return 20 + h.Options
}

// least is the shortest total length that holds the headers.
func (h *IP) least() int {
	switch h.Protocol {
	case tcp:
		return h.header() + 20
	case udp, icmp, icmp6:
		return h.header() + 8
	}
	return h.header()
}

func (h *IP) put(b []byte, flags byte) {
	if h.six() {
		h.put6(b)
	} else {
		h.put4(b)
	}
	h.putPorts(b[h.header():], flags)
}

func (h *IP) put6(b []byte) {
	binary.BigEndian.PutUint32(b, 6<<28|uint32(h.TOS)<<20|h.Flow)
	binary.BigEndian.PutUint16(b[4:], uint16(h.Total-header6))
	b[6], b[7] = h.Protocol, h.TTL
	src, dst := h.Src.As16(), h.Dst.As16()
	copy(b[8:], src[:])
	copy(b[24:], dst[:])
}

func (h *IP) put4(b []byte) {
	b[0] = 4<<4 | byte(h.header()/4)
	b[1] = h.TOS
	binary.BigEndian.PutUint16(b[2:], uint16(h.Total))
	binary.BigEndian.PutUint16(b[4:], h.ID)
	binary.BigEndian.PutUint16(b[6:], h.flags())
	b[8], b[9] = h.TTL, h.Protocol
	src, dst := h.Src.As4(), h.Dst.As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	for i := 20; i < h.header(); i++ {
		b[i] = 1 // no operation
	}
	sum := ^fold(add(0, b[:h.header()]))
	if h.BadChecksum {
		sum ^= 0x0101
	}
	binary.BigEndian.PutUint16(b[10:], sum)
}

func (h *IP) flags() uint16 {
	f := h.Offset / 8
	if h.DF {
		f |= 1 << 14
	}
	if h.MF {
		f |= 1 << 13
	}
	return f
}

// putPorts fills the header of the transport protocol, with a good checksum.
func (h *IP) putPorts(b []byte, flags byte) {
	if h.Offset != 0 || len(b) < h.least()-h.header() {
		return
	}
	pseudo := add(add(0, h.Src.AsSlice()), h.Dst.AsSlice()) + uint32(h.Protocol) + uint32(len(b))
	switch h.Protocol {
	case icmp:
		b[0] = 8
		binary.BigEndian.PutUint16(b[2:], ^fold(add(0, b)))
	case icmp6:
		b[0] = 128
		binary.BigEndian.PutUint16(b[2:], ^fold(add(pseudo, b)))
	case tcp:
		binary.BigEndian.PutUint16(b, h.Sport)
		binary.BigEndian.PutUint16(b[2:], h.Dport)
		b[12], b[13] = 5<<4, flags
		binary.BigEndian.PutUint16(b[16:], ^fold(add(pseudo, b)))
	case udp:
		binary.BigEndian.PutUint16(b, h.Sport)
		binary.BigEndian.PutUint16(b[2:], h.Dport)
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
		binary.BigEndian.PutUint16(b[6:], ^fold(add(pseudo, b)))
	}
}

func add(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	sum = sum&0xffff + sum>>16
	return uint16(sum + sum>>16)
}
