package emit

import "github.com/cilium/ebpf/asm"

// recipe is a way to make the contents of a register anew wherever it is used, which is cheaper than to keep it on the
// stack: a constant, an address, or a load from a part of the packet that is not written until the last use. Loads
// from tables are never repeated, because two of them need not agree.
type recipe struct {
	insts []inst
	cost  float32 // of remaking it at each use, less that of making it once
}

// recipes finds the registers that can be made anew.
func (c *code) recipes() map[reg]recipe {
	b := cookbook{code: c, found: map[reg]recipe{}, spoiled: map[reg]bool{}, copies: map[reg]bool{}, written: make([]bool, c.labels)}
	for n := range c.insts {
		i := &c.insts[n]
		reads, writes := i.reads(), i.writes()
		for _, r := range reads.all() {
			b.read(i, r)
		}
		for _, r := range writes.all() {
			b.write(n, r)
		}
		b.follow(i)
	}
	for r := range b.spoiled {
		delete(b.found, r)
	}
	return b.found
}

// cookbook is the state of the search for recipes.
type cookbook struct {
	*code
	found   map[reg]recipe
	spoiled map[reg]bool // no recipe after all
	copies  map[reg]bool // of the address of the frame, as where the register that holds it has lost its place
	stored  bool         // some path to here has written to the packet
	written []bool       // the same, at each label
}

// follow keeps account of stores along the paths.
func (b *cookbook) follow(i *inst) {
	switch i.kind {
	case kMov:
		b.copies[i.dst] = b.copies[i.dst] || b.holdsPacket(i.src)
	case kLoad:
		b.copies[i.dst] = b.copies[i.dst] || i.src == frame && b.packetAt[i.off]
	case kStore, kStoreImm:
		b.stored = b.stored || b.holdsPacket(i.dst)
	case kCall:
		b.stored = b.stored || !i.kfunc && (i.imm == int64(asm.FnXdpAdjustHead) || i.imm == int64(asm.FnXdpAdjustTail))
	case kBranch:
		b.written[i.label] = b.written[i.label] || b.stored
	case kJump:
		b.written[i.label] = b.written[i.label] || b.stored
		b.stored = false
	case kExit:
		b.stored = false
	case kMark:
		b.stored = b.stored || b.written[i.label]
	}
}

// holdsPacket tells whether a register holds the address of the frame, here or elsewhere.
func (b *cookbook) holdsPacket(r reg) bool { return r == b.packet || b.copies[r] }

func (b *cookbook) read(i *inst, r reg) {
	a, ok := b.found[r]
	if !ok || i.kind == kALU && i.dst == r {
		return
	}
	a.cost += i.weight * float32(len(a.insts))
	b.found[r] = a
	if b.stored && a.insts[0].kind == kLoad {
		b.spoiled[r] = true
	}
}

func (b *cookbook) write(n int, r reg) {
	i := &b.insts[n]
	a, again := b.found[r]
	switch {
	case r < firstVirtual || b.tmp[r]:
		b.spoiled[r] = true
	case !again && b.remakable(i):
		b.found[r] = recipe{[]inst{*i}, -i.weight}
	case again && len(a.insts) == 1 && a.insts[0].kind == kLoad && i.isSwap() && b.insts[n-1].dst == r:
		b.found[r] = recipe{append(a.insts, *i), a.cost - i.weight}
	default:
		b.spoiled[r] = true
	}
}

func (c *code) remakable(i *inst) bool {
	switch i.kind {
	case kImm, kAddr, kMap:
		return true
	case kLoad:
		return i.src == c.packet
	}
	return false
}

func (i *inst) isSwap() bool { return i.kind == kALU && i.op.ALUOp() == asm.Swap }
