package filter

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// chunk is a part of a key that one table looks up: width bits, shift bits up.
type chunk struct {
	key   int
	shift uint8
	width int
}

// chunkBits is the most that a chunk has, directBits what is looked up at once; wider ones take a trie.
const (
	chunkBits  = 32
	directBits = 16
)

// chunksOf cuts keys into chunks.
func chunksOf(keys []Key) (all []chunk) {
	for i, k := range keys {
		width := bits.Len64(k.Mask)
		if width > chunkBits {
			all = append(all, chunk{i, chunkBits, width - chunkBits})
			width = chunkBits
		}
		all = append(all, chunk{i, 0, width})
	}
	return all
}

// cut is a box in the spans of chunks. One that has no whole number of upper chunks becomes several.
func cut(b box, keys []Key) []box {
	all := []box{{}}
	for i, s := range b {
		if bits.Len64(keys[i].Mask) <= chunkBits {
			all = times(all, []box{{s}})
			continue
		}
		all = times(all, halves(s))
	}
	return all
}

// halves cuts a span of 64 bits: at both ends of the upper half, the lower half matters.
func halves(s span) []box {
	const low = math.MaxUint32
	first, last := s.lo>>chunkBits, s.hi>>chunkBits
	if first == last {
		return []box{{exactly(first), {s.lo & low, s.hi & low}}}
	}
	var all []box
	if s.lo&low != 0 {
		all = append(all, box{exactly(first), {s.lo & low, low}})
		first++
	}
	if s.hi&low != low {
		all = append(all, box{exactly(last), {0, s.hi & low}})
		last--
	}
	if first <= last {
		all = append(all, box{{first, last}, {0, low}})
	}
	return all
}

// piece is numbers from one on, up to the next piece, that are all in the same boxes.
type piece struct {
	from  uint64
	class int
}

// sweep gives the pieces of one chunk, each with what enter says after all that begins and ends there has been told to
// move.
func (c chunk) sweep(spans []span, move func(box int), enter func() int) (all []piece) {
	type edge struct {
		at  uint64
		box int
	}
	edges := make([]edge, 0, 2*len(spans))
	most := uint64(1)<<c.width - 1
	for i, s := range spans {
		edges = append(edges, edge{s.lo, i})
		if s.hi < most {
			edges = append(edges, edge{s.hi + 1, i})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	for at := uint64(0); ; {
		for len(edges) > 0 && edges[0].at == at {
			move(edges[0].box)
			edges = edges[1:]
		}
		if class := enter(); len(all) == 0 || all[len(all)-1].class != class {
			all = append(all, piece{at, class})
		}
		if len(edges) == 0 {
			return all
		}
		at = edges[0].at
	}
}

// table makes the table of a chunk's pieces; false if they do not fit.
func (c chunk) table(pieces []piece) (*ir.Table, bool) {
	if c.width <= directBits {
		most := 0 // of few pieces, too, classes may be the answers of many boxes
		for _, p := range pieces {
			most = max(most, p.class)
		}
		t := numbers(1<<c.width, most+1)
		for i, p := range pieces {
			end := uint64(1) << c.width
			if i+1 < len(pieces) {
				end = pieces[i+1].from
			}
			for n := p.from; n < end; n++ {
				put(t, int(n), p.class)
			}
		}
		t.Name = nameOf("class", t.Data)
		return t, true
	}
	return c.trie(pieces)
}

// numbers is a table of numbers below a bound.
func numbers(size, below int) *ir.Table {
	t := &ir.Table{Kind: ir.Rows, Domain: slowpath.Config, Size: 1, RowSize: 2}
	if below > math.MaxUint16 {
		t.RowSize = 4
	}
	for t.Size < size {
		t.Size *= 2
	}
	t.Fields = []ir.Field{{Name: fieldClass, Offset: 0, Width: uint8(t.RowSize)}}
	t.Data = make([]byte, t.Bytes())
	return t
}

const fieldClass = "class"

func put(t *ir.Table, at, n int) {
	if t.RowSize == 2 {
		binary.NativeEndian.PutUint16(t.Data[2*at:], uint16(n))
		return
	}
	binary.NativeEndian.PutUint32(t.Data[4*at:], uint32(n))
}

// find writes the lookup of the class of a value in a chunk's table.
func (c chunk) find(b *ir.Builder, t *ir.Table, v *ir.Value) *ir.Value {
	if c.shift > 0 {
		v = b.ArithImm(ir.OpShr, v, uint64(c.shift))
	} else if most := uint64(1)<<c.width - 1; (ir.Spans{}).Max(v) > most {
		v = b.ArithImm(ir.OpAnd, v, most)
	}
	if t.Kind == ir.Rows {
		return b.Field(b.Lookup(b.Table(t), v), fieldClass)
	}
	if c.width < chunkBits {
		v = b.ArithImm(ir.OpShl, v, uint64(chunkBits-c.width))
	}
	return b.Lookup(b.Table(t), v)
}
