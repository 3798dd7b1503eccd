package synth

import (
	"bytes"
	"fmt"

	"github.com/hone-net/hone/introspect"
)

// gapped asks for bits of a byte that need not stand together: whether they are none of two numbers, or are in a range, the
// ends of which may have others.
func (r *ruler) gapped(f asked, shape int) []introspect.Expr {
	bits := []byte{5, 0x0b, 0x0f, 0x3c}[shape%4]
	one := func(mask byte) introspect.Data {
		v := make([]byte, f.size)
		v[f.size-1] = mask
		return introspect.Data(v)
	}
	all := append(f.load(8), introspect.Bitwise{SReg: 8, DReg: 8, Len: uint32(f.size), Mask: one(bits), Xor: one(0)})
	if bits > 0x0b && r.IntN(2) == 0 {
		from, to := r.Uint32()%256, r.Uint32()%256
		return append(all, introspect.Range{SReg: 8, From: one(byte(min(from, to))), To: one(byte(max(from, to)))})
	}
	r.sets++
	set := introspect.Set{Key: introspect.SetKey{Family: r.table.Family, Table: r.table.Name, Name: fmt.Sprint("s", r.sets)}, KeyLen: uint32(f.size)}
	for i := range 2 {
		r.element(&set, func() []byte { return []byte(one(byte(shape>>(2+8*i)) & bits)) }, false)
	}
	r.s.Sets = r.s.Sets.With(set.Key, set)
	return append(all, introspect.Lookup{Set: set.Key.Name, SReg: 8, DReg: introspect.NoRegister, Invert: true})
}

// lookup makes a set, or a verdict map, of keys that are drawn.
func (r *ruler) lookup(fields []int, draw func() []byte) introspect.Expr {
	r.sets++
	set := introspect.Set{Key: introspect.SetKey{Family: r.table.Family, Table: r.table.Name, Name: fmt.Sprint("s", r.sets)}}
	for i, n := range fields {
		set.KeyLen += uint32(n)
		if i < len(fields)-1 {
			set.KeyLen += uint32(3 - (n+3)%4)
		}
		if len(fields) > 1 {
			set.Fields = append(set.Fields, uint8(n))
		}
	}
	look := introspect.Lookup{Set: set.Key.Name, SReg: 8, DReg: introspect.NoRegister, Invert: r.IntN(4) == 0}
	if r.IntN(3) == 0 {
		set.Flags |= introspect.SetMap
		look.DReg, look.Invert = introspect.VerdictRegister, false
	}
	interval := r.IntN(2) == 0
	if interval {
		set.Flags |= introspect.SetInterval
	}
	for range r.oneOf(1, 2, 3, 30) {
		r.element(&set, draw, interval)
	}
	if set.Flags&introspect.SetMap != 0 && r.IntN(4) == 0 {
		k := introspect.ElementKey{CatchAll: true}
		set.Elements = set.Elements.With(k, introspect.Element{Key: k, Verdict: r.decision()})
	}
	r.s.Sets = r.s.Sets.With(set.Key, set)
	return look
}

func (r *ruler) element(set *introspect.Set, draw func() []byte, interval bool) {
	k := introspect.ElementKey{Key: introspect.Data(draw())}
	e := introspect.Element{}
	if set.Flags&introspect.SetMap != 0 {
		e.Verdict = r.decision()
	}
	add := func(k introspect.ElementKey) {
		e.Key = k
		set.Elements = set.Elements.With(k, e)
	}
	switch {
	case !interval:
		add(k)
	case len(set.Fields) > 1:
		to, at := []byte(draw()), 0
		from := []byte(k.Key)
		for _, n := range set.Fields {
			end := at + int(n)
			if bytes.Compare(from[at:end], to[at:end]) > 0 || r.IntN(2) == 0 {
				copy(to[at:end], from[at:end])
			}
			at = end + 3 - (int(n)+3)%4
		}
		k.To = introspect.Data(to)
		if set.Elements.Len() < 3 { // they must not overlap, and few do
			set.Elements = introspect.Map[introspect.ElementKey, introspect.Element]{}
		}
		if set.Elements.Len() == 0 {
			add(k)
		}
	default: // any beginnings and ends make intervals
		if k.End = r.IntN(3) == 0; k.End {
			e.Verdict = introspect.Verdict{}
		}
		add(k)
	}
}
