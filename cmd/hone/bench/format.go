package bench

import (
	"encoding/binary"
	"net/netip"

	"github.com/hone-net/hone/slowpath/lab"
)

// format says how the frames of a rig look: the smallest UDP packets of one family that have room for a stamp. Frames
// differ in targetSize bytes only, which hold the destination.
type format struct {
	six    bool
	size   int
	target int16 // where the bytes that differ stand
	rest   int16 // where the header goes on behind them
	end    int16 // where the header ends
	flow   int16 // the number of the target, 4 bytes in host byte order
	stamp  int16 // the moment of making (CLOCK_MONOTONIC, ns), 8 bytes in host byte order
	source netip.Addr
}

// targetSize is how many bytes of a frame differ from target to target.
const targetSize = 16

// ipv4 are frames of 60 bytes; what differs are the header's checksum, both addresses and the ports.
var ipv4 = format{size: 60, target: lab.OffChecksum, rest: lab.OffL4 + 6, end: lab.OffL4 + 8, flow: 44, stamp: 48,
	source: netip.MustParseAddr("10.0.0.1")}

// ipv6 are frames of 74 bytes; what differs is the destination.
var ipv6 = format{six: true, size: 74, target: lab.Off6Dst, rest: lab.Off6L4, end: lab.Off6L4 + 8, flow: 62, stamp: 66,
	source: netip.MustParseAddr("2001:db8::1")}

// frame makes a frame to a destination; it carries no stamp yet.
func (f format) frame(in lab.Port, dst netip.Addr) []byte {
	p := lab.Packet{DstMAC: in.MAC, SrcMAC: in.Peer.MAC, Src: f.source, Dst: dst, SrcPort: 1000, DstPort: 9,
		Payload: make([]byte, f.size-int(f.end))}
	b := p.Frame()
	// The stamp changes with every frame, so the UDP checksum is a fixed wrong one: nobody on the way verifies it, and it is
	// neither zero nor the pseudo header's.
	binary.BigEndian.PutUint16(b[f.end-2:], 0xbeef)
	return b
}
