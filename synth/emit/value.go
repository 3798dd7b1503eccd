package emit

import (
	"fmt"
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// emit lowers one value.
func (l *lowering) emit(v *ir.Value) error {
	switch v.Op {
	case ir.OpConst, ir.OpFold:
		// Constants are made where they are used, mostly as immediates; a fold may become part of a compare.
		if v.Op == ir.OpFold && !l.foldIsCompared(v) {
			l.values[v] = l.fold(v)
		}
	case ir.OpLoad, ir.OpLoadLE:
		r := l.define(v)
		l.load(r, l.data, int16(v.Imm), v.Width)
		if v.Op == ir.OpLoad && v.Width > 1 {
			l.swap(r, v.Width)
		}
	case ir.OpStore, ir.OpStoreLE:
		l.packetStore(v)
	case ir.OpMeta:
		return l.meta(v)
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpShl, ir.OpShr:
		if v.Op != ir.OpAnd || !l.maskByShift(v) {
			l.arith(v)
		}
	case ir.OpSwap16:
		r := l.scratch(v.Args[0])
		l.swap(r, 2)
		l.values[v] = r
	case ir.OpSelect:
		if l.either[v] = l.addsEither(v); !l.either[v] {
			l.choose(v)
		}
	case ir.OpMoved:
		l.moved(v)
	case ir.OpBound:
		limit := l.copy(l.data)
		l.aluImm(asm.Add, false, limit, int32(v.Imm))
		l.branch(asm.JGT, false, limit, l.end, l.stub(v.Reason))
	case ir.OpGuard:
		l.guarded(v.Args)
		l.compare(v.Cond.Not(), v.Args[0], v.Args[1], l.stub(v.Reason))
	case ir.OpLookup:
		return l.lookup(v)
	case ir.OpField:
		if _, ok := v.Table.Field(v.Field); !ok {
			return fmt.Errorf("table %s has no field %s", v.Table.Name, v.Field)
		}
		if l.late[v] = true; l.program.Marked(v) {
			l.in(v)
		}
	case ir.OpMark:
		f, ok := v.Table.Field(v.Field)
		if !ok {
			return fmt.Errorf("table %s has no field %s", v.Table.Name, v.Field)
		}
		l.storeImm(l.in(v.Args[0]), int16(f.Offset), 1, f.Width)
	case ir.OpCount:
		l.counts = append(l.counts, ir.Counter(v.Imm))
	case ir.OpTally:
		l.call(asm.FnGetSmpProcessorId, 0)
		l.storeImm(l.ownCounters(hitsOffset), 0, 0, 8)
	case ir.OpHit:
		l.hit(v)
	case ir.OpCommit:
		l.commit(v)
	case ir.OpKeep:
		l.keep(v)
	case ir.OpAccount:
		return l.account(v)
	case ir.OpPush, ir.OpPop:
		l.shift(v)
	case ir.OpTrim:
		l.trim(v)
	default:
		return fmt.Errorf("unknown operation %v", v.Op)
	}
	return nil
}

// define gives v a fresh register.
func (l *lowering) define(v *ir.Value) reg {
	r := l.reg()
	l.values[v] = r
	return r
}

// packetStore writes to the packet; constants become part of the instruction.
func (l *lowering) packetStore(v *ir.Value) {
	l.written = true
	a, off := v.Args[0], int16(v.Imm)
	if a.Op == ir.OpConst {
		n := a.Imm
		if v.Op == ir.OpStore {
			n = bits.ReverseBytes64(n) >> (64 - 8*uint(v.Width))
		}
		if v.Width < 8 || int64(n) == int64(int32(n)) {
			l.storeImm(l.data, off, int32(n), v.Width)
			return
		}
		l.store(l.data, off, l.constant(n), v.Width)
		return
	}
	if v.Op == ir.OpStore && v.Width > 1 {
		r := l.copy(l.in(a))
		l.swap(r, v.Width)
		l.store(l.data, off, r, v.Width)
		return
	}
	l.store(l.data, off, l.in(a), v.Width)
}

func (l *lowering) meta(v *ir.Value) error {
	switch ir.Meta(v.Imm) {
	case ir.MetaLen:
		r := l.copy(l.end)
		l.alu(asm.Sub, false, r, l.data)
		l.values[v] = r
	case ir.MetaPartial:
		l.ofBuffer(v, l.kernel.VethTag.SummedOffset, 1, int32(l.kernel.VethTag.SummedMask))
		l.oneIf(v, asm.JEq, int32(l.kernel.VethTag.SummedMask))
	case ir.MetaVLAN:
		l.ofBuffer(v, l.kernel.VethTag.TagOffset, 4, -1)
		l.oneIf(v, asm.JNE, 0)
	case ir.MetaBuffer:
		if l.values[v] = l.skb; !l.onlyCompared(v, 0) { // see compareSpecial
			l.oneIf(v, asm.JNE, 0)
		}
	default:
		return fmt.Errorf("unknown meta %d", v.Imm)
	}
	return nil
}

// oneIf makes v one if what it holds stands in a relation to n, else zero.
func (l *lowering) oneIf(v *ir.Value, op asm.JumpOp, n int32) {
	was, done := l.values[v], l.newLabel()
	r := l.define(v)
	l.setConstant(r, 1)
	l.branchImm(op, false, was, n, done)
	l.setConstant(r, 0)
	l.mark(done)
}

// choose lowers a Select: a move, and another one that a branch skips.
func (l *lowering) choose(v *ir.Value) {
	r, done := l.define(v), l.newLabel()
	for _, a := range v.Args {
		if a.Op != ir.OpConst && l.late[a] {
			l.in(a) // not under the branch
		}
	}
	l.assign(r, v.Args[2])
	l.compare(v.Cond, v.Args[0], v.Args[1], done)
	l.assign(r, v.Args[3])
	l.mark(done)
}

func (l *lowering) assign(r reg, v *ir.Value) {
	if v.Op == ir.OpConst {
		l.setConstant(r, v.Imm)
		return
	}
	l.mov(r, l.in(v))
}

// moved reads both epochs at once, where the value stands, because a guard has to be read before the tables. Most are
// then compared with zero, which is a compare of the two.
func (l *lowering) moved(v *ir.Value) {
	d := int(v.Domain)
	seen, built := l.address(MapSeen, 8*d), l.address(MapBuilt, 8*d)
	pair := [2]reg{l.reg(), l.reg()}
	l.load(pair[0], seen, 0, 8)
	l.load(pair[1], built, 0, 8)
	l.epochs[v] = pair
	if l.kernel.WeakOrder {
		l.depend(pair[:]...)
	}
}

// guarded has rows read after the fields of rows that are about to be compared: a row changes in place, and what is guarded by
// a field is written before it.
func (l *lowering) guarded(by []*ir.Value) {
	for _, v := range by {
		if l.kernel.WeakOrder && v.Op == ir.OpField && changesInPlace(v.Table) {
			l.depend(l.in(v))
		}
	}
}

// changesInPlace tells whether a table has rows that are written while programs read them.
func changesInPlace(t *ir.Table) bool {
	return (t.Kind == ir.Rows || t.Kind == ir.Keyed) && t.Data == nil
}

// depend makes a zero out of what was read. An address that it was added to cannot be known before all of that was.
func (l *lowering) depend(read ...reg) {
	zero := l.copy(read[0])
	for _, r := range read[1:] {
		l.alu(asm.Xor, false, zero, r)
	}
	l.aluImm(asm.And, false, zero, 0)
	if l.zero != noReg {
		l.alu(asm.Or, false, zero, l.zero)
	}
	l.zero = zero
}

// ordered adds that zero to an address or a key.
func (l *lowering) ordered(r reg) {
	if l.zero != noReg {
		l.alu(asm.Add, false, r, l.zero)
	}
}

func (l *lowering) movedWord(v *ir.Value) reg {
	r := l.copy(l.epochs[v][0])
	l.alu(asm.Xor, false, r, l.epochs[v][1])
	return r
}

// stub gives the place that punts for a Reason.
func (l *lowering) stub(r slowpath.Reason) label {
	if _, ok := l.punts[r]; !ok {
		l.punts[r] = l.newLabel()
		l.names[l.punts[r]] = "punt " + r.String()
	}
	return l.punts[r]
}
