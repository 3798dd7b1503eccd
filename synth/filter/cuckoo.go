package filter

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Cuckoo is a hash table that programs look into. Each entry stands in one of two rows, which the high bits of a product
// name; so a lookup reads two rows at most, whatever the table holds. It is part of a program, or its rows are written in
// place.
type Cuckoo struct {
	words   int // of a key
	bits    int // the rows are 1<<bits
	factors []uint64
	keyed   bool       // the rows are those of a Keyed table
	rows    [][]uint64 // words of the key and the answer; nil where there is none
	made    *ir.Table  // of the rows, once it was asked for
}

// fieldAnswer is the field of a row that holds the answer plus one; it is zero in an empty row.
const fieldAnswer = "answer"

// mostSpread bounds how often a table is made twice as large because its keys find no room: never, unless they are chosen.
const mostSpread = 3

// NewCuckoo makes a table of different keys, with the number of each for an answer; nil if they find no room. Half of its
// rows or more are free.
func NewCuckoo(keys [][]uint64, answers []int) *Cuckoo {
	c := &Cuckoo{words: len(keys[0])}
	return c.make(2*len(keys), keys, answers)
}

// NewKeyed is NewCuckoo for the rows of a Keyed table, of which there are at least so many. Their contents are the caller's.
func NewKeyed(rows int, keys [][]uint64, answers []int) *Cuckoo {
	c := &Cuckoo{words: 1, keyed: true}
	return c.make(rows, keys, answers)
}

// Keyed is the table of NewKeyed, as far as it is known here.
func (c *Cuckoo) Keyed() ir.Table {
	return ir.Table{Kind: ir.Keyed, Size: 1 << c.bits, Factor: c.factors[0]}
}

func (c *Cuckoo) make(rows int, keys [][]uint64, answers []int) *Cuckoo {
	c.bits = 3
	for 1<<c.bits < rows {
		c.bits++
	}
	seed := uint64(0x9e3779b97f4a7c15)
	for try := 1; ; try++ {
		c.choose(&seed, keys)
		if c.fill(keys, answers) {
			return c
		}
		if try%4 == 0 {
			c.bits++
		}
		if try == 4*mostSpread {
			return nil
		}
	}
}

// mostTried bounds the search for a factor that suits the keys of a Keyed table, in keys: where they are many, chance does
// about as well.
const mostTried = 1 << 16

// choose draws factors. Of those of a Keyed table it takes the one that leaves the fewest keys to their second row, which a
// program looks into only after the first, by a branch that cannot be foreseen.
func (c *Cuckoo) choose(seed *uint64, keys [][]uint64) {
	c.factors = c.draw(seed)
	if !c.keyed {
		return
	}
	best, least := c.factors, c.seconds(keys)
	for tried := len(keys); tried < mostTried && least > 0; tried += len(keys) {
		c.factors = c.draw(seed)
		if n := c.seconds(keys); n < least {
			best, least = c.factors, n
		}
	}
	c.factors = best
}

// draw makes factors by chance.
func (c *Cuckoo) draw(seed *uint64) []uint64 {
	factors := make([]uint64, c.words)
	for i := range factors {
		*seed = *seed*0x5851f42d4c957f2d + 0x14057b7ef767814f
		factors[i] = *seed | 1
		if c.keyed {
			factors[i] = bits.RotateLeft64(*seed, 32) | 1 // keys end in zeros, so that the low bits count most
		}
	}
	return factors
}

// seconds counts the keys of a Keyed table whose first row is that of another key, too.
func (c *Cuckoo) seconds(keys [][]uint64) (n int) {
	t, taken := c.Keyed(), make([]bool, 1<<c.bits)
	for _, key := range keys {
		first, _ := t.Places(key[0])
		if taken[first] {
			n++
		}
		taken[first] = true
	}
	return n
}

// places are the two rows of a key.
func (c *Cuckoo) places(key []uint64) [2]int {
	if c.keyed {
		t := c.Keyed()
		first, second := t.Places(key[0])
		return [2]int{first, second}
	}
	product := uint64(0)
	for i, w := range key {
		product += w * c.factors[i]
	}
	return [2]int{int(product >> (64 - c.bits)), int(product>>(64-2*c.bits)) & (1<<c.bits - 1)}
}

// mostMoves bounds the search for a row that is free.
const mostMoves = 200

// fill puts the keys in; entries that are in the way move to their other row.
func (c *Cuckoo) fill(keys [][]uint64, answers []int) bool {
	c.rows = make([][]uint64, 1<<c.bits)
	for i, key := range keys {
		if !c.Insert(key, answers[i], nil) {
			return false
		}
	}
	return true
}

// Insert puts a key in, and notes the rows that change, if that is wanted. It is false if there was no room; nothing has
// changed then.
func (c *Cuckoo) Insert(key []uint64, answer int, moved map[int]bool) bool {
	entry := append(key[:c.words:c.words], uint64(answer)+1)
	at := c.places(key)[0]
	var way [mostMoves]int
	for i := range way {
		way[i] = at
		entry, c.rows[at] = c.rows[at], entry
		if entry == nil {
			note(moved, way[:i+1])
			return true
		}
		both := c.places(entry[:c.words])
		at ^= both[0] ^ both[1]
	}
	for _, at := range slices.Backward(way[:]) {
		entry, c.rows[at] = c.rows[at], entry
	}
	return false
}

func note(moved map[int]bool, rows []int) {
	if moved == nil {
		return
	}
	for _, at := range rows {
		moved[at] = true
	}
}

// Size is the number of rows.
func (c *Cuckoo) Size() int { return len(c.rows) }

// Answer is that of the entry in a row; false if there is none.
func (c *Cuckoo) Answer(at int) (answer int, ok bool) {
	row := c.rows[at]
	if row == nil {
		return 0, false
	}
	return int(row[c.words]) - 1, true
}

// Find is the row that a key stands in.
func (c *Cuckoo) Find(key []uint64) (at int, ok bool) {
	for _, at := range c.places(key) {
		if row := c.rows[at]; row != nil && slices.Equal(row[:c.words], key) {
			return at, true
		}
	}
	return 0, false
}

// Remove takes a key out, and notes the row.
func (c *Cuckoo) Remove(key []uint64, moved map[int]bool) {
	if at, ok := c.Find(key); ok {
		c.rows[at], moved[at] = nil, true
	}
}

// table is the table as programs have it.
func (c *Cuckoo) table() *ir.Table {
	if c.made != nil {
		return c.made
	}
	t := &ir.Table{Kind: ir.Rows, Domain: slowpath.Config, Size: len(c.rows), RowSize: c.rowSize(), Fields: c.fields()}
	t.Data = make([]byte, t.Bytes())
	for at, row := range c.rows {
		for i, w := range row {
			binary.NativeEndian.PutUint64(t.Data[at*t.RowSize+8*i:], w)
		}
	}
	t.Name = nameOf("hash", t.Data)
	c.made = t
	return t
}

// rowSize is the bytes of a row.
func (c *Cuckoo) rowSize() int {
	size := 16
	for size < 8*c.words+8 {
		size *= 2
	}
	return size
}

// fields are those of a row.
func (c *Cuckoo) fields() (all []ir.Field) {
	for i := range c.words {
		all = append(all, ir.Field{Name: wordName(i), Offset: 8 * i, Width: 8})
	}
	return append(all, ir.Field{Name: fieldAnswer, Offset: 8 * c.words, Width: 4})
}

func wordName(i int) string { return fmt.Sprint("k", i) }

// nameOf names a table by its contents.
func nameOf(kind string, data []byte) string {
	h := fnv.New128a()
	_, _ = h.Write(data)
	return fmt.Sprintf("%s-%x", kind, h.Sum(nil)[:12])
}

// find writes a lookup of packed words; the result is the answer plus one, or zero.
func (c *Cuckoo) find(b *ir.Builder, t *ir.Table, words []*ir.Value) *ir.Value {
	product := (*ir.Value)(nil)
	for i, w := range words {
		part := b.ArithImm(ir.OpMul, w, c.factors[i])
		if product == nil {
			product = part
		} else {
			product = b.Arith(ir.OpAdd, product, part)
		}
	}
	first := b.ArithImm(ir.OpShr, product, uint64(64-c.bits))
	second := b.ArithImm(ir.OpShr, product, uint64(64-2*c.bits))
	zero := b.Const(0)
	place := b.Select(ir.Eq, differ(b, b.Lookup(t, first), words), zero, first, second)
	row := b.Lookup(t, place)
	return b.Select(ir.Eq, differ(b, row, words), zero, b.Field(row, fieldAnswer), zero)
}

// differ is zero where a row has the words.
func differ(b *ir.Builder, row *ir.Value, words []*ir.Value) *ir.Value {
	all := (*ir.Value)(nil)
	for i, w := range words {
		d := b.Arith(ir.OpXor, b.Field(row, wordName(i)), w)
		if all == nil {
			all = d
		} else {
			all = b.Arith(ir.OpOr, all, d)
		}
	}
	return all
}
