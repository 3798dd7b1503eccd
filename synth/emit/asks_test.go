package emit

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzParseAsk decodes arbitrary records: one that is whole and of a family gives both ends as they stand in it.
func FuzzParseAsk(f *testing.F) {
	f.Add(make([]byte, askBytes-1))
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6, 0} {
		b := make([]byte, askBytes)
		b[askFamily], b[askProtocol] = family, unix.IPPROTO_TCP
		for i := range b[askTuple:] {
			b[askTuple+i] = byte(i)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAsk(b)
		whole := len(b) >= askBytes && (b[askFamily] == unix.AF_INET || b[askFamily] == unix.AF_INET6)
		if (err == nil) != whole || whole && (a.Protocol != b[askProtocol] || a.Source.Addr().Is6() != (b[askFamily] == unix.AF_INET6)) {
			t.Fatalf("%+v, %v", a, err)
		}
		if !whole {
			return
		}
		tuple := append(a.Source.Addr().AsSlice(), a.Dest.Addr().AsSlice()...)
		tuple = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(tuple, a.Source.Port()), a.Dest.Port())
		if !bytes.HasPrefix(b[askTuple:], tuple) {
			t.Errorf("%+v of % x", a, b)
		}
	})
}
