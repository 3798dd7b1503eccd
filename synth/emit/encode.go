package emit

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cilium/ebpf/asm"
)

// maxStack is the stack that an eBPF program may use.
const maxStack = 512

// line is one encoded instruction with what the listing says of it.
type line struct {
	ins  asm.Instruction
	to   label // of jumps
	from *inst
	mark label // of lines that only mark a place
}

// encode makes eBPF instructions of allocated code.
func (c *code) encode(k Kernel) ([]line, error) {
	lines := c.frameCalls()
	if c.frame+c.saved > maxStack {
		return nil, fmt.Errorf("emit: encode program: it needs %d bytes of stack, there are %d", c.frame+c.saved, maxStack)
	}
	lines = dropJumps(lines)
	for {
		far, err := link(lines)
		if err != nil {
			return nil, err
		}
		if len(far) == 0 {
			return lines, nil
		}
		if !k.CPUv4 {
			return nil, fmt.Errorf("emit: encode program: a jump spans more than %d of %d instructions, "+
				"and the kernel has no long jumps", math.MaxInt16, len(lines))
		}
		lines = lengthen(lines, far)
	}
}

// frameCalls encodes the instructions and saves the registers that live through calls. Around fast calls the registers
// are saved at the lowest places, innermost first: the verifier knows this pattern and removes it where it inlines the
// call. Other calls must not touch those places, else it would not, and neither must the saving of a fast call's own
// arguments, which is no part of the pattern.
func (c *code) frameCalls() []line {
	var slow int
	for n := range c.insts {
		kept, lost := c.insts[n].savedFast()
		c.saved, slow = max(c.saved, 8*len(kept)), max(slow, 8*len(lost))
	}
	slowBottom := c.stack(slow)
	bottom := slowBottom - int16(c.saved)
	var lines []line
	for n := range c.insts {
		i := &c.insts[n]
		if i.kind == kMov && i.dst == i.src {
			continue
		}
		kept, lost := i.savedFast()
		lines = append(saves(saves(lines, lost, slowBottom), kept, bottom), i.encode())
		lines = restores(restores(lines, kept, bottom), lost, slowBottom)
	}
	return lines
}

// savedFast gives the registers that live through a call: those that are saved in the way that the verifier knows, and
// others.
func (i *inst) savedFast() (kept, lost []reg) {
	for _, r := range i.saved {
		if i.fast && r > reg(i.nargs) {
			kept = append(kept, r)
		} else {
			lost = append(lost, r)
		}
	}
	return kept, lost
}

// saves stores registers from a place on.
func saves(lines []line, regs []reg, at int16) []line {
	for s, r := range slices.Backward(regs) {
		lines = append(lines, line{ins: asm.StoreMem(asm.R10, at+int16(8*s), asm.Register(r), asm.DWord), to: noLabel, mark: noLabel})
	}
	return lines
}

// restores loads them again.
func restores(lines []line, regs []reg, at int16) []line {
	for s, r := range regs {
		lines = append(lines, line{ins: asm.LoadMem(asm.Register(r), asm.R10, at+int16(8*s), asm.DWord), to: noLabel, mark: noLabel})
	}
	return lines
}

func (i *inst) encode() line {
	out := line{from: i, to: noLabel, mark: noLabel}
	if i.kind == kMark {
		out.mark = i.label
		return out
	}
	out.ins = asm.Instruction{OpCode: i.op, Offset: i.off, Constant: i.imm}
	if i.dst != noReg {
		out.ins.Dst = asm.Register(i.dst)
	}
	if i.src != noReg {
		out.ins.Src = asm.Register(i.src)
	}
	switch i.kind {
	case kAddr:
		out.ins = asm.LoadMapValue(asm.Register(i.dst), 0, uint32(i.imm)).WithReference(i.ref)
	case kMap:
		out.ins = asm.LoadMapPtr(asm.Register(i.dst), 0).WithReference(i.ref)
	case kCall:
		if i.kfunc {
			out.ins = Call(int32(i.imm), i.module)
		}
	case kBranch, kJump:
		out.to = i.label
	}
	return out
}

// dropJumps removes jumps to the place that follows anyway.
func dropJumps(lines []line) []line {
	var out []line
	for n, l := range lines {
		if l.to != noLabel && l.from != nil && l.from.kind == kJump && follows(lines[n+1:], l.to) {
			continue
		}
		out = append(out, l)
	}
	return out
}

func follows(rest []line, to label) bool {
	for _, l := range rest {
		if l.mark == noLabel {
			return false
		}
		if l.mark == to {
			return true
		}
	}
	return false
}

// link fills in the distances of jumps and lists those that do not fit.
func link(lines []line) (far []int, err error) {
	place := map[label]int{}
	pc := 0
	for _, l := range lines {
		if l.mark != noLabel {
			place[l.mark] = pc
			continue
		}
		pc += width(l)
	}
	pc = 0
	for n := range lines {
		l := &lines[n]
		if l.mark != noLabel {
			continue
		}
		pc += width(*l)
		if l.to == noLabel {
			continue
		}
		target, ok := place[l.to]
		if !ok {
			return nil, errors.New("emit: encode program: a jump has no place to go to")
		}
		switch distance := target - pc; {
		case l.ins.OpCode == longJump:
			l.ins.Constant = int64(distance)
		case distance > math.MaxInt16 || distance < math.MinInt16:
			far = append(far, n)
		default:
			l.ins.Offset = int16(distance)
		}
	}
	return far, nil
}

func width(l line) int {
	if l.ins.OpCode.IsDWordLoad() {
		return 2
	}
	return 1
}

// longJump is the unconditional jump with a 32-bit distance.
var longJump = asm.OpCode(asm.Jump32Class).SetJumpOp(asm.Ja)

// lengthen replaces jumps that do not reach: `if c goto far` becomes `if c goto +1; goto +1; gotol far`.
func lengthen(lines []line, far []int) []line {
	var out []line
	for n, l := range lines {
		if len(far) == 0 || far[0] != n {
			out = append(out, l)
			continue
		}
		far = far[1:]
		long := line{ins: asm.Instruction{OpCode: longJump}, to: l.to, from: l.from, mark: noLabel}
		if l.from.kind == kBranch {
			l.to, l.ins.Offset = noLabel, 1
			skip := line{ins: asm.Instruction{OpCode: asm.OpCode(asm.JumpClass).SetJumpOp(asm.Ja), Offset: 1},
				to: noLabel, mark: noLabel}
			out = append(out, l, skip)
		}
		out = append(out, long)
	}
	return out
}
