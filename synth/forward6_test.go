package synth

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// forwarder6 says in plain words what becomes of an IPv6 frame at r0 of router6; nil if it is left to the kernel.
func forwarder6(f []byte, software bool) []byte {
	if len(f) < 54 || !bytes.Equal(f[:6], []byte{2, 0, 0, 0, 1, 1}) || f[12] != 0x86 || f[13] != 0xdd || f[14]>>4 != 6 {
		return nil
	}
	total := 40 + int(binary.BigEndian.Uint16(f[18:]))
	whole := len(f) == total+14 || !software && len(f) > total+14 && len(f) <= 60
	if !whole || total > 1500 || f[21] < 2 {
		return nil
	}
	switch f[20] {
	case 6, 17, 50:
	case 58:
		if len(f) < 55 || f[54] != 128 && f[54] != 129 {
			return nil
		}
	default:
		return nil
	}
	src, dst := netip.AddrFrom16([16]byte(f[22:38])), netip.AddrFrom16([16]byte(f[38:54]))
	for _, never := range []string{"::/64", "fe00::/7"} {
		if p := netip.MustParsePrefix(never); p.Contains(src) || p.Contains(dst) {
			return nil
		}
	}
	if software && incomplete(f, f[22:54], f[20], 54, total-40) {
		return nil
	}
	if !netip.MustParsePrefix("2001:db8:f::/48").Contains(dst) && dst != netip.MustParseAddr("2001:db8:2::2") {
		return nil
	}
	return forwarded6(f)
}

// TestAgreesWithForwarder6 breaks good packets at random.
func TestAgreesWithForwarder6(t *testing.T) {
	agrees(t, 50000, router6(t), randomFrame6, forwarder6)
}

func randomFrame6(w *rand.Rand) []byte {
	next := []byte{6, 6, 17, 17, 50, 58}[w.IntN(6)]
	frame := datagram6(put(15, byte(w.Uint32()), byte(w.Uint32())), put(20, next, byte(2+w.IntN(254))), put(53, byte(w.Uint32())),
		put(54, byte(128+w.IntN(3))), put(60, byte(w.Uint32())))
	if w.IntN(3) > 0 {
		return frame
	}
	switch w.IntN(6) {
	case 0:
		frame = frame[:w.IntN(len(frame)+1)]
	case 1:
		frame = append(frame, make([]byte, w.IntN(5))...)
	case 2:
		return payload6(w.IntN(30))(frame)
	case 3:
		binary.BigEndian.PutUint16(frame[18:], uint16(w.IntN(60)))
	default:
		frame[w.IntN(len(frame))] = byte(w.Uint32())
	}
	if len(frame) >= 72 && w.IntN(8) == 0 {
		return partial6([]int{60, 70}[w.IntN(2)])(frame)
	}
	return frame
}
