package synth

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
)

// router6 is router with IPv6: 2001:db8:1::/64 behind r0, 2001:db8:2::/64 and, by fe80::2, 2001:db8:f::/48 behind r1.
func router6(t testing.TB) string {
	text, err := os.ReadFile("testdata/router6.txt")
	if err != nil {
		t.Fatal(err)
	}
	return router(t) + string(text)
}

// datagram6 is a good UDP packet from 2001:db8:1::2 to 2001:db8:f::7 as it comes in by r0, with changes.
func datagram6(changes ...change) []byte {
	f := make([]byte, 54+26)
	copy(f, []byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2, 0x86, 0xdd, 0x60, 0x12, 0x34, 0x56, 0, 26, 17, 64})
	f = to6("2001:db8:f::7")(from6("2001:db8:1::2")(f))
	copy(f[54:], []byte{0x30, 0x39, 0x12, 0x67, 0, 26, 0xbe, 0xef})
	for _, c := range changes {
		f = c(f)
	}
	return f
}

func from6(addr string) change { return put(22, netip.MustParseAddr(addr).AsSlice()...) }
func to6(addr string) change   { return put(38, netip.MustParseAddr(addr).AsSlice()...) }

// payload6 makes the frame end after so many bytes of payload.
func payload6(n int) change {
	return func(f []byte) []byte {
		f = append(f, make([]byte, max(0, 54+n-len(f)))...)[:54+n]
		binary.BigEndian.PutUint16(f[18:], uint16(n))
		return f
	}
}

// partial6 puts the sum of the pseudo header where the checksum is to be.
func partial6(at int) change {
	return func(f []byte) []byte {
		pseudo := append(append([]byte{}, f[22:54]...), 0, f[20], f[18], f[19])
		binary.BigEndian.PutUint16(f[at:], ^checksum(pseudo))
		return f
	}
}
