package synth

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// forwarder is what the program of r0 has to do, written down without haste: the frame that is sent, or nil.
func forwarder(f []byte, software bool) []byte {
	if len(f) < 34 || !bytes.Equal(f[:6], []byte{2, 0, 0, 0, 1, 1}) || f[12] != 8 || f[13] != 0 || f[14] != 0x45 {
		return nil
	}
	total := int(binary.BigEndian.Uint16(f[16:]))
	whole := len(f) == total+14 || !software && len(f) > total+14 && len(f) <= 60
	if total < 20 || !whole || binary.BigEndian.Uint16(f[20:])&0x3fff != 0 || f[22] < 2 || total > 1500 {
		return nil
	}
	if sum := checksum(f[14:34]); sum != 0 {
		return nil
	}
	for _, own := range [][]byte{{10, 1, 0, 1}, {10, 2, 0, 1}, {10, 1, 0, 255}, {10, 2, 0, 255}} {
		if bytes.Equal(f[26:30], own) {
			return nil
		}
	}
	if f[26] == 0 || f[26] == 127 || f[26] >= 224 || software && incomplete(f, f[26:34], f[23], 34, total-20) {
		return nil
	}
	if !bytes.Equal(f[30:33], []byte{192, 0, 2}) && !bytes.Equal(f[30:34], []byte{10, 2, 0, 2}) {
		return nil
	}
	sent := bytes.Clone(f)
	copy(sent, []byte{2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1})
	return countDown(sent)
}

// refilled is a frame without what filled it up when it came, and filled up with zeros where that is done to frames that
// leave with so many bytes of tags.
func refilled(f []byte, fills bool, tags int) []byte {
	if f == nil {
		return nil
	}
	end := 14 + int(binary.BigEndian.Uint16(f[16:]))
	if f[12] == 0x86 {
		end = 54 + int(binary.BigEndian.Uint16(f[18:]))
	}
	if len(f) == end {
		return f
	}
	f = bytes.Clone(f[:end])
	if n := 60 - tags - end; fills && n > 0 {
		f = append(f, make([]byte, n)...)
	}
	return f
}

// checksum is RFC 1071's.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// countDown is ip_decrease_ttl of a little-endian kernel.
func countDown(f []byte) []byte {
	check := uint32(binary.LittleEndian.Uint16(f[24:])) + 1
	if check >= 0xffff {
		check++
	}
	binary.LittleEndian.PutUint16(f[24:], uint16(check))
	f[22]--
	return f
}

// incomplete tells whether the checksum of TCP or UDP, which begins at a place of the frame, may be partial. Zero and 0xffff
// are the same sum.
func incomplete(f, addresses []byte, protocol byte, at, length int) bool {
	sum := ^checksum(append(bytes.Clone(addresses), 0, protocol, byte(length>>8), byte(length)))
	switch {
	case protocol == 6 && length >= 20:
		return binary.BigEndian.Uint16(f[at+16:])%0xffff == sum%0xffff
	case protocol == 17 && length >= 8:
		field, port := binary.BigEndian.Uint16(f[at+6:]), binary.BigEndian.Uint16(f[at+2:])
		return field == 0 || field == sum || slices.Contains(tunnelPorts, uint64(port))
	}
	return true
}

// TestAgreesWithForwarder breaks good packets at random.
func TestAgreesWithForwarder(t *testing.T) {
	agrees(t, 100000, router(t), randomFrame, forwarder)
}

// agrees compares programs for a card, for one of a guest and for a veth with a forwarder, which gives nil where it leaves a packet to the
// kernel.
func agrees(t *testing.T, rounds int, text string, random func(*rand.Rand) []byte, forward func([]byte, bool) []byte) {
	if testing.Short() {
		rounds /= 5
	}
	for name, text := range map[string]string{"card": text, "veth": veth(text), "guest": guest(text),
		"card to a veth":         swapped(t, text, "name=r1 type=1 flags=0x11043 ", "name=r1 type=1 flags=0x11043 kind=veth "),
		"guest's card to a card": swapped(t, text, "name=r0 type=1 flags=0x11043 ", "name=r0 type=1 flags=0x11043 bus=virtio ")} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, text, 2)
			seed := rand.Uint64()
			w := rand.New(rand.NewPCG(seed, 3))
			sent := 0
			for range rounds {
				frame := random(w)
				want := refilled(forward(frame, name == "veth"), strings.HasSuffix(name, "card"), 0)
				v := b.run(t, frame)
				if (v.Kind == ir.RedirectExit) != (want != nil) || want != nil && !bytes.Equal(v.Packet, want) {
					t.Fatalf("seed %d: %v of %x\nsent %x\nwant %x", seed, v, frame, v.Packet, want)
				}
				if v.Kind == ir.Punt && (v.Reason == slowpath.None || !bytes.Equal(v.Packet, frame)) {
					t.Fatalf("seed %d: %v changed %x", seed, v, frame)
				}
				if want != nil {
					sent++
				}
			}
			if sent < rounds/10 || sent > rounds*9/10 {
				t.Errorf("%d of %d packets were forwarded", sent, rounds)
			}
		})
	}
}

func randomFrame(w *rand.Rand) []byte {
	frame := datagram(put(18, byte(w.Uint32()), byte(w.Uint32())), to(192, 0, 2, byte(w.Uint32())), put(22, byte(2+w.IntN(254))))
	if w.IntN(2) == 0 {
		frame[23] = 6
	}
	repair(frame)
	if w.IntN(3) > 0 {
		return frame
	}
	switch w.IntN(5) {
	case 0:
		frame = frame[:w.IntN(len(frame)+1)]
	case 1:
		frame = append(frame, make([]byte, w.IntN(5))...)
	case 2:
		binary.BigEndian.PutUint16(frame[16:], uint16(w.IntN(60)))
	default:
		frame[w.IntN(len(frame))] = byte(w.Uint32())
	}
	if len(frame) >= 34 && w.IntN(3) > 0 {
		repair(frame)
	}
	return frame
}

// TestCountDown: every checksum becomes what the kernel makes of it.
func TestCountDown(t *testing.T) {
	b := newBed(t, router(t), 2)
	for sum := range 0x10000 {
		frame := datagram(put(24, byte(sum>>8), byte(sum)), put(18, 0, 0))
		binary.BigEndian.PutUint16(frame[18:], checksum(frame[14:34])) // the identification makes it right
		want := countDown(bytes.Clone(frame))
		v := b.run(t, frame)
		if v.Kind != ir.RedirectExit || !bytes.Equal(v.Packet[12:], want[12:]) {
			t.Fatalf("checksum %#x: %v\nsent %x\nwant %x", sum, v, v.Packet[12:], want[12:])
		}
	}
}

// TestRouteMTU: the kernel goes by the route's MTU, and the interface takes no more than its own.
func TestRouteMTU(t *testing.T) {
	for _, c := range []struct {
		route, device uint32
		want          uint16
	}{{0, 1500, 1500}, {1400, 1500, 1400}, {9000, 1500, 1500}, {0, 100000, 65535}, {90000, 100000, 65535}} {
		if got := routeMTU(c.route, c.device); got != c.want {
			t.Errorf("mtu of route %d by device %d is %d, want %d", c.route, c.device, got, c.want)
		}
	}
}
