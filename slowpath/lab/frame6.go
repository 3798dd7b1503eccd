package lab

import "encoding/binary"

// Offsets of a frame without VLAN tag that holds IPv6 without extension headers (RFC 8200).
const (
	Off6Length   = 18
	Off6Next     = 20
	Off6HopLimit = 21
	Off6Src      = 22
	Off6Dst      = 38
	Off6L4       = 54
)

// frame6 spells out a datagram in IPv6.
func (p Packet) frame6() []byte {
	f := make([]byte, max(Off6L4+8+len(p.Payload), MinFrame))
	copy(f[0:6], p.DstMAC)
	copy(f[6:12], p.SrcMAC)
	binary.BigEndian.PutUint16(f[OffEtherType:], 0x86dd)
	binary.BigEndian.PutUint32(f[OffIP:], 6<<28|uint32(p.TOS)<<20|p.FlowLabel&0xfffff)
	binary.BigEndian.PutUint16(f[Off6Length:], uint16(8+len(p.Payload)))
	f[Off6Next], f[Off6HopLimit] = 17, 64
	if p.TTL != 0 {
		f[Off6HopLimit] = p.TTL
	}
	src, dst := p.Src.As16(), p.Dst.As16()
	copy(f[Off6Src:], src[:])
	copy(f[Off6Dst:], dst[:])
	binary.BigEndian.PutUint16(f[Off6L4:], p.SrcPort)
	binary.BigEndian.PutUint16(f[Off6L4+2:], p.DstPort)
	binary.BigEndian.PutUint16(f[Off6L4+4:], uint16(8+len(p.Payload)))
	copy(f[Off6L4+8:], p.Payload)
	SetL4Checksum(f)
	return f
}

func isIPv6(f []byte) bool {
	return len(f) >= OffIP && binary.BigEndian.Uint16(f[OffEtherType:]) == 0x86dd
}

// checksumAt6 is checksumAt for IPv6, where ICMP has the pseudo header, too.
func checksumAt6(f []byte) (at int, pseudo uint32) {
	if len(f) < Off6L4 {
		return 0, 0
	}
	pseudo = sum(f[Off6Src:Off6L4], uint32(f[Off6Next])+uint32(binary.BigEndian.Uint16(f[Off6Length:])))
	switch f[Off6Next] {
	case 6:
		return Off6L4 + 16, pseudo
	case 17:
		return Off6L4 + 6, pseudo
	case 58:
		return Off6L4 + 2, pseudo
	}
	return 0, 0
}
