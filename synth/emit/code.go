package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// reg is a register: one of eBPF's eleven, or a virtual one that allocation replaces.
type reg int32

const (
	noReg        reg = -1
	r0           reg = 0
	r1           reg = 1
	frame        reg = 10
	firstVirtual reg = 11
)

// label is a place in the code. Until the blocks are arranged, all jumps go forward.
type label int32

const noLabel label = -1

// kind says which of an instruction's parts mean something, and so what it reads and writes.
type kind uint8

const (
	kMark     kind = iota // no code: label stands here
	kMov                  // dst = src
	kImm                  // dst = imm
	kAddr                 // dst = address of the byte imm of the one value of the map ref
	kMap                  // dst = the map ref itself, for helpers
	kALU                  // dst = dst op src, or imm if src is noReg
	kLoad                 // dst = memory at src+off
	kStore                // memory at dst+off = src
	kStoreImm             // memory at dst+off = imm
	kBranch               // to label if dst cond src (or imm)
	kJump                 // to label
	kCall                 // r0 = imm(r1..), where nargs of them are read
	kExit                 // returns r0
)

// inst is one instruction of the program under construction.
type inst struct {
	kind   kind
	op     asm.OpCode
	dst    reg
	src    reg
	off    int16
	imm    int64
	label  label
	ref    string // kAddr, kMap: the map
	nargs  int    // kCall
	kfunc  bool   // kCall: imm is the BTF id of a kernel function
	module uint32 // kCall: of this module; 0 is the kernel proper
	saved  []reg  // kCall: what lives through it and has to be saved
	fast   bool   // kCall: the verifier inlines it and then no register but r0 is lost
	weight float32
	value  *ir.Value // what it was made for, for the listing
	note   string
}

// code is a program under construction.
type code struct {
	insts  []inst
	regs   reg          // the next virtual register
	labels label        // the next label
	frame  int          // bytes of stack in use
	slots  int          // places on the stack for registers; packSlots says where they are
	saved  int          // bytes of stack below the frame that save registers around fast calls
	tmp    map[reg]bool // lives for one instruction
	whole  map[reg]bool // not to be split (again)
	parked map[reg]bool // nor parked
	packet reg          // holds the address of the frame

	packetAt map[int16]bool // slots that hold it, too
	// weight and value are given to every instruction that is appended.
	weight float32
	value  *ir.Value
	note   string
}

func newCode() *code {
	return &code{regs: firstVirtual, tmp: map[reg]bool{}, whole: map[reg]bool{}, parked: map[reg]bool{}, packetAt: map[int16]bool{}}
}

func (c *code) reg() reg {
	c.regs++
	return c.regs - 1
}

func (c *code) newLabel() label {
	c.labels++
	return c.labels - 1
}

// stack reserves bytes of stack, a multiple of eight, and gives their offset from the frame pointer.
func (c *code) stack(bytes int) int16 {
	c.frame += bytes
	return int16(-c.frame)
}

func (c *code) add(i inst) {
	i.weight, i.value = c.weight, c.value
	if i.note == "" {
		i.note, c.note = c.note, ""
	}
	c.insts = append(c.insts, i)
}

func (c *code) mark(l label) { c.add(inst{kind: kMark, label: l, dst: noReg, src: noReg}) }

func (c *code) mov(dst, src reg) {
	c.add(inst{kind: kMov, op: asm.Mov.Op(asm.RegSource), dst: dst, src: src, label: noLabel})
}

// copy gives a fresh register with the contents of src.
func (c *code) copy(src reg) reg {
	dst := c.reg()
	c.mov(dst, src)
	return dst
}

// constant gives a fresh register that holds n.
func (c *code) constant(n uint64) reg {
	dst := c.reg()
	c.setConstant(dst, n)
	return dst
}

func (c *code) setConstant(dst reg, n uint64) {
	i := inst{kind: kImm, dst: dst, src: noReg, imm: int64(n), label: noLabel}
	switch {
	case int64(n) == int64(int32(n)):
		i.op = asm.Mov.Op(asm.ImmSource)
	case n == uint64(uint32(n)):
		i.op = asm.Mov.Op32(asm.ImmSource)
		i.imm = int64(int32(n))
	default:
		i.op = asm.LoadImmOp(asm.DWord)
	}
	c.add(i)
}

// address gives a fresh register with the address of a byte of a map's one value.
func (c *code) address(name string, offset int) reg {
	dst := c.reg()
	c.setAddress(dst, name, offset)
	return dst
}

func (c *code) setAddress(dst reg, name string, offset int) {
	c.add(inst{kind: kAddr, op: asm.LoadImmOp(asm.DWord), dst: dst, src: noReg, ref: name,
		imm: int64(offset), label: noLabel})
}

// mapPointer loads the map itself, for helpers.
func (c *code) mapPointer(dst reg, name string) {
	c.add(inst{kind: kMap, op: asm.LoadImmOp(asm.DWord), dst: dst, src: noReg, ref: name, label: noLabel})
}

// alu is dst = dst op src; narrow does it in 32 bits and clears the upper half.
func (c *code) alu(op asm.ALUOp, narrow bool, dst, src reg) {
	code := op.Op(asm.RegSource)
	if narrow {
		code = op.Op32(asm.RegSource)
	}
	c.add(inst{kind: kALU, op: code, dst: dst, src: src, label: noLabel})
}

// aluImm is alu with a constant; in 64 bits it is sign-extended.
func (c *code) aluImm(op asm.ALUOp, narrow bool, dst reg, imm int32) {
	code := op.Op(asm.ImmSource)
	if narrow {
		code = op.Op32(asm.ImmSource)
	}
	c.add(inst{kind: kALU, op: code, dst: dst, src: noReg, imm: int64(imm), label: noLabel})
}

// swap exchanges the order of the low bytes of dst and clears the others.
func (c *code) swap(dst reg, width uint8) {
	c.add(inst{kind: kALU, op: asm.OpCode(asm.ALUClass).SetALUOp(asm.Swap).SetSource(asm.Source(asm.BE)), dst: dst,
		src: noReg, imm: int64(width) * 8, label: noLabel})
}

func (c *code) load(dst, src reg, off int16, width uint8) {
	c.add(inst{kind: kLoad, op: asm.LoadMemOp(sizeOf(width)), dst: dst, src: src, off: off, label: noLabel})
}

func (c *code) store(dst reg, off int16, src reg, width uint8) {
	c.add(inst{kind: kStore, op: asm.StoreMemOp(sizeOf(width)), dst: dst, src: src, off: off, label: noLabel})
}

func (c *code) storeImm(dst reg, off int16, imm int32, width uint8) {
	c.add(inst{kind: kStoreImm, op: asm.StoreImmOp(sizeOf(width)), dst: dst, src: noReg, off: off, imm: int64(imm),
		label: noLabel})
}

func (c *code) branch(op asm.JumpOp, narrow bool, dst, src reg, to label) {
	c.add(inst{kind: kBranch, op: branchOp(op, narrow, asm.RegSource), dst: dst, src: src, label: to})
}

func (c *code) branchImm(op asm.JumpOp, narrow bool, dst reg, imm int32, to label) {
	c.add(inst{kind: kBranch, op: branchOp(op, narrow, asm.ImmSource), dst: dst, src: noReg, imm: int64(imm), label: to})
}

func branchOp(op asm.JumpOp, narrow bool, s asm.Source) asm.OpCode {
	class := asm.JumpClass
	if narrow {
		class = asm.Jump32Class
	}
	return asm.OpCode(class).SetJumpOp(op).SetSource(s)
}

func (c *code) jump(to label) {
	c.add(inst{kind: kJump, op: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Ja), dst: noReg, src: noReg, label: to})
}

func (c *code) call(fn asm.BuiltinFunc, nargs int) {
	c.add(inst{kind: kCall, op: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), dst: noReg, src: noReg, imm: int64(fn),
		nargs: nargs, fast: fn == asm.FnGetSmpProcessorId, label: noLabel})
}

// callKernel calls a function of the kernel that the verifier inlines.
func (c *code) callKernel(id int32, nargs int) {
	c.callFunction(id, 0, nargs)
	c.insts[len(c.insts)-1].fast = true
}

func (c *code) callFunction(id int32, module uint32, nargs int) {
	c.add(inst{kind: kCall, op: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Call), dst: noReg, src: noReg, imm: int64(id),
		nargs: nargs, kfunc: true, module: module, label: noLabel})
}

func (c *code) exit() {
	c.add(inst{kind: kExit, op: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Exit), dst: noReg, src: noReg, label: noLabel})
}

func sizeOf(width uint8) asm.Size {
	switch width {
	case 1:
		return asm.Byte
	case 2:
		return asm.Half
	case 4:
		return asm.Word
	}
	return asm.DWord
}
