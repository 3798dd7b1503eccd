package emit

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// lookup lowers the lookup in a table; each kind has its own code.
func (l *lowering) lookup(v *ir.Value) error {
	switch t := v.Table; t.Kind {
	case ir.Rows:
		l.values[v] = l.lookupRow(t, v.Args[0])
	case ir.Keyed:
		l.values[v] = l.lookupKeyed(t, v.Args[0])
	case ir.LPM:
		l.values[v] = l.lookupPrefix(t, v.Args[0])
	case ir.Packed:
		l.values[v] = l.lookupPacked(t, v.Args[0])
	case ir.Set:
		l.values[v] = l.lookupSet(t, v.Args[0])
	case ir.LPM6:
		l.values[v] = l.lookupPrefix6(t, v.Args[0], v.Args[1])
	case ir.Set6:
		for _, a := range v.Args {
			if l.late[a] {
				l.in(a) // not in one of the arms that compare
			}
		}
		if !l.onlyCompared(v, 0) { // see compareSpecial
			l.values[v] = l.lookupSet6(t, v.Args[0], v.Args[1])
		}
	case ir.Hash:
		l.values[v] = l.lookupHash(t, v.Args[0])
	case ir.FIB, ir.FIB6:
		return l.lookupFIB(v)
	case ir.Conntrack, ir.Conntrack6:
		return l.lookupConntrack(v)
	default:
		return fmt.Errorf("table %s has unknown kind %d", t.Name, t.Kind)
	}
	return nil
}

// lookupRow indexes an array of rows. The mask is what proves the access to the verifier.
func (l *lowering) lookupRow(t *ir.Table, key *ir.Value) reg {
	if key.Op == ir.OpConst {
		row := l.address(t.Name, int(key.Imm&uint64(t.Size-1))*t.RowSize)
		l.ordered(row)
		return row
	}
	index := l.copy(l.in(key))
	l.aluImm(asm.And, true, index, int32(t.Size-1))
	l.aluImm(asm.LSh, true, index, int32(bits.TrailingZeros(uint(t.RowSize))))
	row := l.address(t.Name, 0)
	l.alu(asm.Add, false, row, index)
	l.ordered(row)
	return row
}

// walk is a walk through an LPM.
type walk struct {
	*lowering
	table      *ir.Table
	bits       func(from, to int) reg // of the address
	word       reg                    // that the walk has come to, in the end the answer
	last, done label                  // before the last level, and behind it
}

// lookupPrefix walks the trie: one load for the first level, or for the focus, and one for each further level that the
// address needs. What is not in the focus, or goes on below it, is looked up out of the way of what is.
func (l *lowering) lookupPrefix(t *ir.Table, key *ir.Value) reg {
	w := &walk{l, t, l.addressBits(key), l.reg(), l.newLabel(), l.newLabel()}
	if t.Focus4.Len == 0 {
		w.begin()
		l.mark(w.done)
		return w.word
	}
	elsewhere := l.newLabel()
	l.branchImm(asm.JNE, true, w.bits(0, t.Focus4.Len), int32(t.Focus4.Addr>>(32-t.Focus4.Len)), elsewhere)
	w.step(2<<ir.FirstLPM, l.doubled(w.bits(t.Focus4.Len, t.Focus4.Len+ir.FocusBits)))
	if t.Focus4.Len == 8 {
		l.branchImm(asm.JGE, true, w.word, 1<<15, w.last)
	}
	l.aside(elsewhere, w.begin)
	l.mark(w.done)
	return w.word
}

// begin walks from the first level on.
func (w *walk) begin() {
	w.step(0, w.doubled(w.bits(0, ir.FirstLPM)))
	for from := ir.FirstLPM; from < 32 && w.table.Size > 0; from += 8 {
		w.branchImm(asm.JLT, true, w.word, 1<<15, w.done)
		if from == 24 {
			w.mark(w.last)
		}
		w.aluImm(asm.And, true, w.word, int32(min(w.table.Size-1, math.MaxInt16)))
		w.aluImm(asm.LSh, true, w.word, 9)
		index := w.doubled(w.bits(from, from+8))
		w.alu(asm.Add, true, index, w.word) // as good as Or, but Linux 6.1 loses its bounds
		w.step(w.table.Bytes()-512*w.table.Size, index)
	}
}

// step loads the word that stands index bytes after a place in the table.
func (w *walk) step(offset int, index reg) { w.loadWord(w.word, w.table, offset, index) }

// doubled makes an index of 16-bit words one of bytes.
func (l *lowering) doubled(index reg) reg {
	l.aluImm(asm.LSh, true, index, 1)
	return index
}

// addressBits gives a way to make a register with a part of an address: its bits from the one at from to that before to.
// Where the address stands in the packet, whole bytes of it are best read there.
func (l *lowering) addressBits(key *ir.Value) func(from, to int) reg {
	if key.Op == ir.OpLoad && key.Width == 4 && !l.written {
		return func(from, to int) reg {
			r := l.reg()
			width := uint8((to - from + 7) / 8)
			if width == 3 {
				width = 4
			}
			l.load(r, l.data, int16(key.Imm)+int16(from/8), width)
			if width > 1 {
				l.swap(r, width)
			}
			if excess := 8*int(width) - (to - from); excess > 0 {
				l.aluImm(asm.RSh, true, r, int32(excess))
			} else if width == 2 && !l.kernel.SwapBounds {
				l.aluImm(asm.And, true, r, 0xffff)
			}
			return r
		}
	}
	address := l.in(key)
	if !l.narrow(key) {
		address = l.reg()
		l.add(inst{kind: kALU, op: asm.Mov.Op32(asm.RegSource), dst: address, src: l.in(key), label: noLabel})
	}
	return func(from, to int) reg {
		r := l.copy(address)
		if to < 32 {
			l.aluImm(asm.RSh, true, r, int32(32-to))
		}
		if from > 0 {
			l.aluImm(asm.And, true, r, int32(1<<(to-from)-1))
		}
		return r
	}
}

// loadWord loads the 16-bit word that stands index bytes after a place in the table.
func (l *lowering) loadWord(word reg, t *ir.Table, offset int, index reg) {
	place := l.address(t.Name, offset)
	l.alu(asm.Add, false, place, index)
	l.ordered(place)
	l.load(word, place, 0, 2)
}

// lookupSet compares the address with one prefix after the other.
func (l *lowering) lookupSet(t *ir.Table, key *ir.Value) reg {
	r, done := l.reg(), l.newLabel()
	address := l.in(key)
	l.setConstant(r, 1)
	for _, p := range t.Prefixes {
		if p.Len == 0 {
			l.mark(done)
			return r
		}
		masked := address
		if p.Len < 32 {
			masked = l.copy(address)
			l.aluImm(asm.And, true, masked, int32(uint32(math.MaxUint32)<<(32-p.Len)))
		}
		l.branchImm(asm.JEq, true, masked, int32(p.Addr), done)
	}
	l.setConstant(r, 0)
	l.mark(done)
	return r
}

// lookupHash asks the kernel's hash map. The result is the address of a row, or zero.
func (l *lowering) lookupHash(t *ir.Table, key *ir.Value) reg {
	if l.hashKey == 0 {
		l.hashKey = l.stack(8)
	}
	k := l.scratch(key)
	l.ordered(k)
	l.store(frame, l.hashKey, k, 4)
	l.mapPointer(r1, t.Name)
	l.mov(2, frame)
	l.aluImm(asm.Add, false, 2, int32(l.hashKey))
	l.call(asm.FnMapLookupElem, 2)
	return l.copy(r0)
}

// field loads a field of a row.
func (l *lowering) field(v *ir.Value) reg {
	f, _ := v.Table.Field(v.Field)
	if v.Table.Kind.Tracks() {
		return l.conntracks[v.Args[0]].out[f.Name]
	}
	if v.Table.Kind.Live() {
		return l.fieldFIB(l.fibs[v.Args[0]], f.Name)
	}
	r, row := l.reg(), l.in(v.Args[0])
	if l.zero != noReg && changesInPlace(v.Table) {
		row = l.copy(row)
		l.ordered(row)
	}
	l.load(r, row, int16(f.Offset), f.Width)
	return r
}
