package bench

import (
	"encoding/binary"
	"net/netip"

	"github.com/hone-net/hone/slowpath/lab"
)

// format says how the frames of a rig look: the smallest UDP packets of one family that have room for a stamp.
type format struct {
	six    bool
	size   int
	differ []part // the bytes in which frames differ, in order
	end    int16  // where the header ends
	flow   int16  // the number of the target, 4 bytes in host byte order
	stamp  int16  // the moment of making (CLOCK_MONOTONIC, ns), 8 bytes in host byte order
	source netip.Addr
}

// part is some bytes of a frame.
type part struct{ at, size int16 }

// target is the number of bytes that the generator remembers of each target, a power of two: it should leave the caches
// to what is measured.
func (f format) target() int {
	n := 0
	for _, p := range f.differ {
		n += int(p.size)
	}
	return powerOfTwo(n)
}

// draws is how many targets the generator goes through by turns in a full table: more than any router's cache remembers,
// and four megabytes of the generator's.
func (f format) draws() int { return 4 << 20 / f.target() }

// ipv4 are frames of 60 bytes; what differs are the header's checksum, both addresses and the ports.
var ipv4 = format{size: 60, differ: []part{{lab.OffChecksum, 16}}, end: lab.OffL4 + 8, flow: 44, stamp: 48,
	source: netip.MustParseAddr("10.0.0.1")}

// ipv4Far are the same for more destinations: nothing else differs.
var ipv4Far = ipv4.differing(part{lab.OffChecksum, 2}, part{lab.OffDst, 4})

func (f format) differing(parts ...part) format {
	f.differ = parts
	return f
}

// ipv6 are frames of 74 bytes; what differs is the destination.
var ipv6 = format{six: true, size: 74, differ: []part{{lab.Off6Dst, 16}}, end: lab.Off6L4 + 8, flow: 62, stamp: 66,
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
