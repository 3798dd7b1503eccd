package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/hone-net/hone/introspect"
)

// TestSetHashRoom makes tables of many keys of several lengths, and wants them to be no larger than they have to.
func TestSetHashRoom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, fields := range [][]uint8{{2}, {4}, {6}, {16}, {4, 2}, {4, 1, 2}, {16, 2}} {
		s := introspect.Set{Fields: fields}
		for _, n := range fields {
			s.KeyLen += (uint32(n) + 3) / 4 * 4
		}
		for range 20_000 {
			key := make([]byte, 0, s.KeyLen)
			for _, n := range fields {
				part := make([]byte, (n+3)/4*4)
				binary.LittleEndian.PutUint16(part, uint16(r.Uint32()))
				if n == 4 || n == 16 {
					binary.BigEndian.PutUint32(part[n-4:], 0x0a000000+r.Uint32N(1<<18))
				}
				key = append(key, part[:n]...)
				key = append(key, make([]byte, len(part)-int(n))...)
			}
			e := introspect.Element{Key: introspect.ElementKey{Key: introspect.Data(key)}}
			s.Elements = s.Elements.With(e.Key, e)
		}
		if len(fields) == 1 {
			s.Fields = nil
			s.KeyLen = uint32(len(firstKey(s)))
		}
		h, ok := NewSetHash(s, "set-1")
		if !ok {
			t.Errorf("no table of keys of %v", fields)
			continue
		}
		if rows := len(h.hash.rows); rows > 8*s.Elements.Len() {
			t.Errorf("%d rows for %d keys of %v", rows, s.Elements.Len(), fields)
		}
	}
}

func firstKey(s introspect.Set) introspect.Data {
	for k := range s.Elements.All() {
		return k.Key
	}
	return ""
}
