package filter

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// inset asks whether bytes of registers are an element of a set that changes in place.
type inset struct {
	set    SetTable
	pieces []insetPiece
	bases  []uint64 // of the words: what is known of them
}

// insetPiece is bits of a field in their place in a word.
type insetPiece struct {
	field    Field
	mask     uint64 // of the field
	from, to uint8  // how many bits up they stand in the field, and in the word
	word     int
}

// insetOf asks for the bytes of registers; false if that is not simple, or known before a packet is there.
func insetOf(set SetTable, parts [][]cell) (*inset, bool) {
	keys := set.Keys()
	m := &inset{set: set, bases: make([]uint64, keys.words())}
	for _, p := range keys.pieces {
		if p.part >= len(parts) || p.from+p.n > len(parts[p.part]) {
			return nil, false
		}
		left := p.n
		for _, run := range runs(parts[p.part][p.from : p.from+p.n]) {
			left -= len(run)
			if !m.add(run, p.word, p.shift+8*left) {
				return nil, false
			}
		}
	}
	return m, len(m.pieces) > 0
}

// add puts a run of cells, the last of which stands so many bits up, into a word.
func (m *inset) add(run []cell, word, shift int) bool {
	last := run[len(run)-1]
	piece := insetPiece{field: run[0].field, from: last.shift, to: uint8(shift), word: word}
	for i, c := range run {
		up := 8 * (len(run) - 1 - i)
		m.bases[word] ^= uint64(c.xor) << (shift + up)
		if c.state != cellKnown || c.mask != 0 && int(c.shift) != int(last.shift)+up {
			return false
		}
		piece.mask |= uint64(c.mask) << c.shift
	}
	if run[0].mask != 0 {
		m.pieces = append(m.pieces, piece)
	}
	return true
}

// isElement goes on in a fresh block if the test of a set holds, and to fails if it does not.
func (w *writer) isElement(t test, fails *label) bool {
	var keys []Key
	for _, p := range t.set.pieces {
		keys = append(keys, Key{p.field, p.mask})
	}
	values, ok := w.values(keys)
	if !ok {
		return false
	}
	words := make([]*ir.Value, len(t.set.bases))
	for i, p := range t.set.pieces {
		v := values[i]
		if p.from > 0 {
			v = w.ArithImm(ir.OpShr, v, uint64(p.from))
		}
		if p.to > 0 {
			v = w.ArithImm(ir.OpShl, v, uint64(p.to))
		}
		if old := words[p.word]; old != nil {
			v = w.Arith(ir.OpOr, old, v)
		}
		words[p.word] = v
	}
	for i, base := range t.set.bases {
		switch {
		case words[i] == nil:
			words[i] = w.Const(base)
		case base != 0:
			words[i] = w.ArithImm(ir.OpXor, words[i], base)
		}
	}
	found := t.set.set.Find(w.Builder, words)
	holds := w.label()
	holds.used, fails.used = true, true
	if t.not {
		w.If(ir.Eq, found, w.Const(0), holds.block, fails.block, false)
	} else {
		w.If(ir.Ne, found, w.Const(0), holds.block, fails.block, false)
	}
	w.Start(holds.block)
	return true
}

// inPlace adds the test of a set that changes in place; false if it is none.
func (d *reader) inPlace(key introspect.SetKey, parts [][]cell, not bool) bool {
	set := d.in.Sets[key]
	if set == nil {
		return false
	}
	m, ok := insetOf(set, parts)
	if ok {
		d.steps = append(d.steps, step{kind: stepTest, test: test{not: not, set: m}})
	}
	return ok
}
