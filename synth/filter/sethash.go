package filter

import (
	"encoding/binary"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// SetHash is the elements of a named set in a table that changes in place. Entries move in it, so that it may only be
// written while no program looks into it.
type SetHash struct {
	name   string
	pieces []setPiece
	hash   *Cuckoo
	used   int
}

// setPiece is bytes of a part of the key that stand together in a word of the table.
type setPiece struct {
	part, from, n int
	word          int
	shift         int
}

// maxSetWords bounds the words of a key.
const maxSetWords = 5

// NewSetHash makes the table of a set, under a name that no other table has had; false if the set is none that can be
// followed in place: one of single keys that are nothing but keys.
func NewSetHash(s introspect.Set, name string) (*SetHash, bool) {
	const plain = introspect.SetInterval | introspect.SetMap | introspect.SetAnonymous
	if !plainSet(s) || s.Flags&plain != 0 || len(s.Fields) == 0 && s.KeyLen > 8*maxSetWords {
		return nil, false
	}
	h := &SetHash{name: name}
	lengths := s.Fields
	if len(lengths) == 0 {
		lengths = []uint8{uint8(s.KeyLen)}
	}
	words := h.lay(lengths)
	if words == 0 || words > maxSetWords {
		return nil, false
	}
	var keys [][]uint64
	for _, e := range s.Elements.All() {
		key, ok := h.keyOf(s, e)
		if !ok {
			return nil, false
		}
		keys = append(keys, key)
	}
	if len(keys) <= mostLinear {
		return nil, false
	}
	h.hash, h.used = NewCuckoo(keys, make([]int, len(keys))), len(keys)
	return h, h.hash != nil
}

// lay puts the bytes of a key into words, from the low end: the hash is the high bits of a product.
func (h *SetHash) lay(lengths []uint8) (words int) {
	room := 0
	for i, n := range lengths {
		for from := 0; from < int(n); from += 8 {
			p := setPiece{part: i, from: from, n: min(8, int(n)-from)}
			if p.n > room {
				words, room = words+1, 8
			}
			p.word, p.shift = words-1, 8*(8-room)
			room -= p.n
			h.pieces = append(h.pieces, p)
		}
	}
	return words
}

// keyOf packs an element; false if it is more than a key.
func (h *SetHash) keyOf(s introspect.Set, e introspect.Element) ([]uint64, bool) {
	if e.Exprs != "" || e.Unknown != "" || e.Timeout != 0 || e.Object != "" || e.Key.CatchAll || e.Key.End || e.Key.To != "" && e.Key.To != e.Key.Key {
		return nil, false
	}
	parts := partsOf(s, e.Key)
	key := make([]uint64, h.pieces[len(h.pieces)-1].word+1)
	if len(parts) != max(1, len(s.Fields)) {
		return nil, false
	}
	for _, p := range h.pieces {
		if p.part >= len(parts) || p.from+p.n > len(parts[p.part].from) {
			return nil, false
		}
		n := uint64(0)
		for _, b := range parts[p.part].from[p.from : p.from+p.n] {
			n = n<<8 | uint64(b)
		}
		key[p.word] |= n << p.shift
	}
	return key, true
}

// Follow changes the elements to those of another state of the set, and returns the writes that bring the table up to
// date; false if it has to be made anew.
func (h *SetHash) Follow(old, s introspect.Set) (writes []ir.Write, ok bool) {
	var gone, come [][]uint64
	for c := range introspect.DiffMaps(old.Elements, s.Elements) {
		if c.Old != nil {
			key, _ := h.keyOf(old, *c.Old)
			gone = append(gone, key)
		}
		if c.New != nil {
			key, ok := h.keyOf(s, *c.New)
			if !ok {
				return nil, false
			}
			come = append(come, key)
		}
	}
	h.used += len(come) - len(gone)
	if 2*h.used > len(h.hash.rows) || len(gone)+len(come) > len(h.hash.rows)/4 {
		return nil, false
	}
	moved := map[int]bool{}
	for _, key := range gone {
		h.hash.Remove(key, moved)
	}
	for _, key := range come {
		if !h.hash.Insert(key, 0, moved) {
			return nil, false
		}
	}
	for at := range moved {
		writes = append(writes, ir.Write{Table: h.name, Offset: at * h.rowSize(), Data: h.row(at)})
	}
	return writes, true
}

// Table is the table as programs have it, without contents.
func (h *SetHash) Table() *ir.Table {
	t := &ir.Table{Name: h.name, Kind: ir.Rows, Domain: slowpath.Config, Size: len(h.hash.rows), RowSize: h.rowSize()}
	t.Fields = h.hash.fields()
	return t
}

// Image is all of its contents.
func (h *SetHash) Image() ir.Write {
	data := make([]byte, 0, len(h.hash.rows)*h.rowSize())
	for at := range h.hash.rows {
		data = append(data, h.row(at)...)
	}
	return ir.Write{Table: h.name, Data: data}
}

func (h *SetHash) rowSize() int { return h.hash.rowSize() }

func (h *SetHash) row(at int) []byte {
	data := make([]byte, h.rowSize())
	for i, w := range h.hash.rows[at] {
		binary.NativeEndian.PutUint64(data[8*i:], w)
	}
	return data
}

// find writes the lookup of the bytes of registers: zero if they are no element.
func (h *SetHash) find(b *ir.Builder, words []*ir.Value) *ir.Value {
	return h.hash.find(b, b.Table(h.Table()), words)
}
