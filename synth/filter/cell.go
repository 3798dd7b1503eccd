package filter

import (
	"math"

	"github.com/hone-net/hone/introspect"
)

// cell is one byte of a register: what Field >> shift has in the bits of mask, exclusive or with xor. A cell without a
// mask is the constant xor.
type cell struct {
	field Field
	shift uint8
	mask  byte
	xor   byte
	state cellState
}

// cellState tells how a cell is known.
type cellState uint8

const (
	cellUnset cellState = iota // nothing was loaded: a rule that looks at it is not understood
	cellKnown
	cellEgress // depends on the interface that the packet leaves by: index shift of the bytes of the fact field.At
	cellValue  // byte shift of the value that the rule has looked up as number field.At
)

func constant(b byte) cell { return cell{xor: b, state: cellKnown} }

// numberCells are the bytes of a field from the most significant one.
func numberCells(f Field) []cell {
	cells := make([]cell, f.Width)
	for i := range cells {
		cells[i] = numberCell(f, i)
	}
	return cells
}

// numberCell is one of them.
func numberCell(f Field, i int) cell {
	return cell{field: f, shift: uint8(8 * (int(f.Width) - 1 - i)), mask: math.MaxUint8, state: cellKnown}
}

func constants(data []byte) []cell {
	cells := make([]cell, len(data))
	for i, b := range data {
		cells[i] = constant(b)
	}
	return cells
}

// registers is what the registers of a rule hold.
type registers [64]cell

// at gives n bytes from a register on; nil if one of them is not known.
func (r *registers) at(reg introspect.Register, n int) []cell {
	from := 4 * int(reg)
	if n <= 0 || from+n > len(r) {
		return nil
	}
	for _, c := range r[from : from+n] {
		if c.state == cellUnset {
			return nil
		}
	}
	return r[from : from+n]
}

// load puts bytes into registers; the last one is filled up with zeros, as the kernel does.
func (r *registers) load(reg introspect.Register, cells []cell) bool {
	from := 4 * int(reg)
	if from+len(cells) > len(r) {
		return false
	}
	n := copy(r[from:], cells)
	for ; n%4 != 0; n++ {
		r[from+n] = constant(0)
	}
	return true
}

// forget has registers hold n bytes that programs cannot tell; the last one is filled up.
func (r *registers) forget(reg introspect.Register, n int) {
	from := min(4*int(reg), len(r))
	clear(r[from:min(from+(n+3)/4*4, len(r))])
}

// filled tells whether there are zeros in a register behind so many bytes, where no more are written.
func (r *registers) filled(reg introspect.Register, n int) bool {
	for at := 4*int(reg) + n; at%4 != 0; at++ {
		if at >= len(r) || r[at] != constant(0) {
			return false
		}
	}
	return true
}

// masked is a cell after a mask and an exclusive or.
func (c cell) masked(mask, xor byte) cell {
	c.mask &= mask
	c.xor = c.xor&mask ^ xor
	if c.mask == 0 {
		return constant(c.xor)
	}
	return c
}

// runs splits cells where the field changes. Constants go by themselves.
func runs(cells []cell) (all [][]cell) {
	from := 0
	for i, c := range cells {
		if i > 0 && (c.field != cells[i-1].field || (c.mask == 0) != (cells[i-1].mask == 0)) {
			all = append(all, cells[from:i:i])
			from = i
		}
	}
	if from < len(cells) {
		all = append(all, cells[from:])
	}
	return all
}

// key is the key of a run of cells that are the bytes of one number in their order; ordered is false where they are not,
// so that they can be compared for being equal, but not by size.
func keyOf(run []cell) (k Key, ordered bool) {
	ordered = true
	for i, c := range run {
		bits := uint64(c.mask) << c.shift
		if k.Mask&bits != 0 {
			ordered = false
		}
		k.Field, k.Mask = c.field, k.Mask|bits
		ordered = ordered && c.xor == 0 && (i == 0 || run[i-1].shift == c.shift+8)
	}
	return k, ordered
}

// number is the number that the cells of a run have if their bytes are these; false if they never are: where a field was
// loaded twice, its bits are those of both.
func number(run []cell, data []byte) (n uint64, ok bool) {
	seen := uint64(0)
	for i, c := range run {
		b, bits := data[i]^c.xor, uint64(c.mask)<<c.shift
		at := uint64(b) << c.shift
		if b&^c.mask != 0 || (n^at)&seen&bits != 0 {
			return 0, false
		}
		n, seen = n|at, seen|bits
	}
	return n, true
}

// bound is the number that bytes mean in the place of a run.
func bound(run []cell, data []byte) (n uint64) {
	for i, c := range run {
		n |= uint64(data[i]) << c.shift
	}
	return n
}
