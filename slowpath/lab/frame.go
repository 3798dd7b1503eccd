package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// Offsets of a frame without VLAN tag that holds IPv4 without options (RFC 894, 791).
const (
	OffEtherType = 12
	OffIP        = 14
	OffTotal     = 16
	OffID        = 18
	OffFragment  = 20
	OffTTL       = 22
	OffProtocol  = 23
	OffChecksum  = 24
	OffSrc       = 26
	OffDst       = 30
	OffL4        = 34
)

// Packet describes a UDP datagram in IPv4 or, by its destination, IPv6 in Ethernet. Frame spells it out.
type Packet struct {
	DstMAC, SrcMAC net.HardwareAddr
	Src, Dst       netip.Addr
	SrcPort        uint16
	DstPort        uint16
	TTL            uint8 // or hop limit; 0 means 64
	TOS            uint8 // or traffic class
	ID             uint16
	DF             bool
	FlowLabel      uint32 // of IPv6
	Payload        []byte
}

// Frame gives the bytes on the wire, all checksums complete, padded to the least length of a frame.
func (p Packet) Frame() []byte {
	if p.Dst.Is6() {
		return p.frame6()
	}
	total := 28 + len(p.Payload)
	f := make([]byte, max(OffIP+total, MinFrame))
	copy(f[0:6], p.DstMAC)
	copy(f[6:12], p.SrcMAC)
	binary.BigEndian.PutUint16(f[OffEtherType:], 0x0800)
	f[OffIP], f[OffIP+1] = 0x45, p.TOS
	binary.BigEndian.PutUint16(f[OffTotal:], uint16(total))
	binary.BigEndian.PutUint16(f[OffID:], p.ID)
	if p.DF {
		f[OffFragment] = 0x40
	}
	f[OffTTL], f[OffProtocol] = 64, 17
	if p.TTL != 0 {
		f[OffTTL] = p.TTL
	}
	src, dst := p.Src.As4(), p.Dst.As4()
	copy(f[OffSrc:], src[:])
	copy(f[OffDst:], dst[:])
	binary.BigEndian.PutUint16(f[OffL4:], p.SrcPort)
	binary.BigEndian.PutUint16(f[OffL4+2:], p.DstPort)
	binary.BigEndian.PutUint16(f[OffL4+4:], uint16(8+len(p.Payload)))
	copy(f[OffL4+8:], p.Payload)
	SetHeaderChecksum(f)
	SetL4Checksum(f)
	return f
}

// MinFrame is the least length of an Ethernet frame without its checksum; shorter ones are padded (IEEE 802.3).
const MinFrame = 60

// SetHeaderChecksum makes the IPv4 header checksum of a frame right; the header may have options.
func SetHeaderChecksum(f []byte) {
	end := min(OffIP+int(f[OffIP]&15)*4, len(f))
	if end < OffL4 {
		return
	}
	binary.BigEndian.PutUint16(f[OffChecksum:], 0)
	binary.BigEndian.PutUint16(f[OffChecksum:], ^fold(sum(f[OffIP:end], 0)))
}

// SetL4Checksum makes the checksum of a UDP, TCP or ICMP frame without options or extension headers right.
func SetL4Checksum(f []byte) {
	at, pseudo := checksumAt(f)
	if at == 0 {
		return
	}
	l4, end, protocol := OffL4, OffIP+int(binary.BigEndian.Uint16(f[OffTotal:])), f[OffProtocol]
	if isIPv6(f) {
		l4, end, protocol = Off6L4, Off6L4+int(binary.BigEndian.Uint16(f[Off6Length:])), f[Off6Next]
	}
	if end = min(end, len(f)); end < at+2 {
		return
	}
	binary.BigEndian.PutUint16(f[at:], 0)
	c := ^fold(sum(f[l4:end], pseudo))
	if c == 0 && protocol == 17 {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(f[at:], c)
}

// SetPartialChecksum writes what a stack leaves in the checksum field for the device to complete: the sum of the
// pseudo header.
func SetPartialChecksum(f []byte) {
	if at, pseudo := checksumAt(f); at != 0 && at+2 <= len(f) {
		binary.BigEndian.PutUint16(f[at:], fold(pseudo))
	}
}

// checksumAt gives the offset of the L4 checksum, 0 without one, and the sum of the pseudo header.
func checksumAt(f []byte) (at int, pseudo uint32) {
	if isIPv6(f) {
		return checksumAt6(f)
	}
	if len(f) < OffL4 {
		return 0, 0
	}
	pseudo = sum(f[OffSrc:OffL4], uint32(f[OffProtocol])+uint32(binary.BigEndian.Uint16(f[OffTotal:]))-20)
	switch f[OffProtocol] {
	case 1:
		return OffL4 + 2, 0
	case 6:
		return OffL4 + 16, pseudo
	case 17:
		return OffL4 + 6, pseudo
	}
	return 0, 0
}

func sum(b []byte, s uint32) uint32 {
	for ; len(b) > 1; b = b[2:] {
		s += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}

func fold(s uint32) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
