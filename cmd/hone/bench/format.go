package bench

import (
	"encoding/binary"
	"net/netip"

	"github.com/hone-net/hone/slowpath/lab"
)

// format says how the frames of a rig look: the smallest UDP packets of one family that have room for a stamp. Frames
// differ in targetSize bytes only, which hold the destination.
type format struct {
	size   int
	target int16 // where the bytes that differ stand
	rest   int16 // where the header goes on behind them
	end    int16 // where the header ends
	flow   int16 // the number of the target, 4 bytes in host byte order
	stamp  int16 // the moment of making (CLOCK_MONOTONIC, ns), 8 bytes in host byte order
	make   func(f format, in lab.Port, dst netip.Addr) []byte
}

// targetSize is how many bytes of a frame differ from target to target.
const targetSize = 16

// ipv4 are frames of 60 bytes; what differs are the header's checksum, both addresses and the ports.
var ipv4 = format{size: 60, target: lab.OffChecksum, rest: lab.OffL4 + 6, end: lab.OffL4 + 8, flow: 44, stamp: 48, make: frame4}

// ipv6 are frames of 74 bytes; what differs is the destination.
var ipv6 = format{size: 74, target: 38, rest: 54, end: 62, flow: 62, stamp: 66, make: frame6}

// The stamp changes with every frame, so the UDP checksum is a fixed wrong one: nobody on the way verifies it, and it is
// neither zero nor the pseudo header's.
const wrongSum = 0xbeef

func frame4(f format, in lab.Port, dst netip.Addr) []byte {
	p := lab.Packet{DstMAC: in.MAC, SrcMAC: in.Peer.MAC, Src: in.Peer.Addr.Addr(), Dst: dst, SrcPort: 1000, DstPort: 9,
		Payload: make([]byte, f.room())}
	b := p.Frame()
	binary.BigEndian.PutUint16(b[lab.OffL4+6:], wrongSum)
	return b
}

// frame makes a frame to a destination; it carries no stamp yet.
func (f format) frame(in lab.Port, dst netip.Addr) []byte { return f.make(f, in, dst) }

// room is the size of the UDP payload.
func (f format) room() int { return f.size - int(f.end) }

// source6 is where the frames of IPv6 come from.
var source6 = netip.MustParseAddr("2001:db8:10::1")

func frame6(f format, in lab.Port, dst netip.Addr) []byte {
	b := make([]byte, 0, f.size)
	b = append(append(b, in.MAC...), in.Peer.MAC...)
	b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0)                      // EtherType; version, class, flow label
	b = append(b, 0, byte(8+f.room()), 17, 64)                    // payload length, UDP, hop limit
	b = append(append(b, source6.AsSlice()...), dst.AsSlice()...) // addresses
	b = append(b, 1000>>8, 1000&0xff, 0, 9, 0, byte(8+f.room()), wrongSum>>8, wrongSum&0xff)
	return b[:f.size]
}
