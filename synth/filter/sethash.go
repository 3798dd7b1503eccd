package filter

import (
	"encoding/binary"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// SetHash is the elements of a named set of single keys.
type SetHash struct {
	SetKeys
	name string
	hash *Cuckoo
	used int
}

// mostSetKeys is how many keys a table takes: it has twice as many rows at least, and more where keys find no room, and a program
// with more rows of one table than the language allows would be none at all.
const mostSetKeys = 1 << 22

// NewSetHash makes the table of a set, under a name that no other table has had; false if the set is none that can be
// followed in place: one of single keys that are nothing but keys.
func NewSetHash(s introspect.Set, name string) (*SetHash, bool) {
	layout, ok := LaySet(s, 0)
	if !ok {
		return nil, false
	}
	h := &SetHash{name: name, SetKeys: layout}
	var keys [][]uint64
	for _, e := range s.Elements.All() {
		key, ok := h.keyOf(s, e)
		if !ok {
			return nil, false
		}
		keys = append(keys, key)
	}
	if Few(len(keys)) || len(keys) > mostSetKeys {
		return nil, false
	}
	h.hash, h.used = NewCuckoo(keys, make([]int, len(keys))), len(keys)
	return h, h.hash != nil
}

// keyOf packs an element; false if it is more than a key.
func (h *SetHash) keyOf(s introspect.Set, e introspect.Element) ([]uint64, bool) {
	if !OnlyKey(e) || e.Key.End || e.Key.To != "" && e.Key.To != e.Key.Key {
		return nil, false
	}
	parts := partsOf(s, e.Key)
	key := make([]uint64, h.words())
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
	if h.used > mostSetKeys || 2*h.used > len(h.hash.rows) || len(gone)+len(come) > len(h.hash.rows)/4 {
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

// Find is that of a SetTable.
func (h *SetHash) Find(b *ir.Builder, words []*ir.Value) *ir.Value {
	return h.hash.find(b, b.Table(h.Table()), words)
}
