package emit

import (
	"math"
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// focus6 takes an address in the table's focus to its word; other addresses go elsewhere.
func (l *lowering) focus6(w walk6, elsewhere label) {
	for _, p := range prefixParts(w.table.Focus) {
		l.branchPart6(w, p, elsewhere)
	}
	index := l.focusIndex6(w)
	l.aluImm(asm.LSh, true, index, 2)
	place := l.address(w.table.Name, ir.Unit6)
	l.alu(asm.Add, false, place, index)
	l.ordered(place)
	l.load(w.word, place, 0, 4)
}

// inPacket tells where the whole address stands in the packet, if it does.
func (w walk6) inPacket() (off int16, ok bool) {
	hi, lo := w.hi.load, w.lo.load
	if hi == nil || lo == nil || hi.Width != 8 || lo.Width != 8 || lo.Imm != hi.Imm+8 {
		return 0, false
	}
	return int16(hi.Imm), true
}

// addressPart is some bits of an address, as a number, and what they are to be.
type addressPart struct {
	from, bits int
	want       uint64
}

// prefixParts cuts a prefix of whole bytes into parts that take one load each.
func prefixParts(p ir.Prefix6) (all []addressPart) {
	for from := 0; from < p.Len; {
		n := 64
		for n > p.Len-from || from%n != 0 {
			n /= 2
		}
		half := p.Hi
		if from >= 64 {
			half = p.Lo
		}
		all = append(all, addressPart{from, n, half << (from & 63) >> (64 - n)})
		from += n
	}
	return all
}

// branchPart6 jumps if a part of the address is not what it is to be.
func (l *lowering) branchPart6(w walk6, p addressPart, to label) {
	want, r := p.want, l.reg()
	if off, ok := w.inPacket(); ok {
		l.load(r, l.data, off+int16(p.from/8), uint8(p.bits/8))
		want = bits.ReverseBytes64(want) >> (64 - p.bits)
	} else {
		l.again(r, w.half(p.from))
		l.shift6(r, p.from&63, 64-p.bits)
	}
	if imm, ok := immediate(want, p.bits <= 32); ok {
		l.branchImm(asm.JNE, p.bits <= 32, r, imm, to)
		return
	}
	l.branch(asm.JNE, false, r, l.constant(want), to)
}

// focusIndex6 is the bits of the address that follow the focus.
func (l *lowering) focusIndex6(w walk6) reg {
	r, from := l.reg(), w.table.Focus.Len
	if off, ok := w.inPacket(); ok {
		l.load(r, l.data, off+int16(from/8), ir.FocusBits/8)
		l.swap(r, ir.FocusBits/8)
		if !l.kernel.SwapBounds {
			l.aluImm(asm.And, true, r, math.MaxUint16)
		}
		return r
	}
	l.again(r, w.half(from))
	if across := from + ir.FocusBits - 64; from < 64 && across > 0 {
		rest := l.reg()
		l.again(rest, w.lo)
		l.aluImm(asm.RSh, false, rest, int32(64-from))
		l.aluImm(asm.LSh, false, r, int32(from))
		l.alu(asm.Or, false, r, rest)
		from = 0
	}
	l.shift6(r, from&63, 64-ir.FocusBits)
	return r
}

func (w walk6) half(bit int) held {
	if bit < 64 {
		return w.hi
	}
	return w.lo
}

// shift6 shifts left, then right.
func (l *lowering) shift6(r reg, left, right int) {
	if left > 0 {
		l.aluImm(asm.LSh, false, r, int32(left))
	}
	if right > 0 {
		l.aluImm(asm.RSh, false, r, int32(right))
	}
}
