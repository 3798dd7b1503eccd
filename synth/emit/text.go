package emit

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// signs are the operators of arithmetic and of conditions, as the kernel's verifier log writes them.
var (
	aluSigns = map[asm.ALUOp]string{asm.Add: "+=", asm.Sub: "-=", asm.Mul: "*=", asm.And: "&=", asm.Or: "|=",
		asm.Xor: "^=", asm.LSh: "<<=", asm.RSh: ">>=", asm.Mov: "="}
	jumpSigns = map[asm.JumpOp]string{asm.JEq: "==", asm.JNE: "!=", asm.JLT: "<", asm.JLE: "<=", asm.JGT: ">",
		asm.JGE: ">=", asm.JSet: "&"}
	sizeNames = map[asm.Size]string{asm.Byte: "u8", asm.Half: "u16", asm.Word: "u32", asm.DWord: "u64"}
)

// describe writes an instruction in the manner of the verifier's log: r is a register, w its low half.
func describe(i asm.Instruction) string {
	op := i.OpCode
	switch class := op.Class(); class {
	case asm.ALUClass, asm.ALU64Class:
		return describeALU(i, class == asm.ALUClass)
	case asm.JumpClass, asm.Jump32Class:
		return describeJump(i, class == asm.Jump32Class)
	case asm.LdXClass:
		return fmt.Sprintf("%v = *(%s *)(%v %+d)", i.Dst, sizeNames[op.Size()], i.Src, i.Offset)
	case asm.StXClass:
		return fmt.Sprintf("*(%s *)(%v %+d) = %v", sizeNames[op.Size()], i.Dst, i.Offset, i.Src)
	case asm.StClass:
		return fmt.Sprintf("*(%s *)(%v %+d) = %d", sizeNames[op.Size()], i.Dst, i.Offset, i.Constant)
	}
	switch {
	case i.Reference() == "":
		return fmt.Sprintf("%v = %#x ll", i.Dst, uint64(i.Constant))
	case i.Src == asm.PseudoMapValue:
		return fmt.Sprintf("%v = &%s[%d]", i.Dst, i.Reference(), uint64(i.Constant)>>32)
	}
	return fmt.Sprintf("%v = map %s", i.Dst, i.Reference())
}

func describeALU(i asm.Instruction, narrow bool) string {
	op := i.OpCode.ALUOp()
	if op == asm.Swap {
		return fmt.Sprintf("%v = be%d %v", i.Dst, i.Constant, i.Dst)
	}
	return fmt.Sprintf("%s %s %s", half(i.Dst, narrow), aluSigns[op], operand(i, narrow))
}

func describeJump(i asm.Instruction, narrow bool) string {
	switch op := i.OpCode.JumpOp(); op {
	case asm.Call:
		if i.Src == asm.PseudoKfuncCall {
			return fmt.Sprintf("call kernel#%d", i.Constant)
		}
		return fmt.Sprintf("call %v", asm.BuiltinFunc(i.Constant))
	case asm.Exit:
		return "exit"
	case asm.Ja:
		return "goto"
	default:
		return fmt.Sprintf("if %s %s %s", half(i.Dst, narrow), jumpSigns[op], operand(i, narrow))
	}
}

func operand(i asm.Instruction, narrow bool) string {
	if i.OpCode.Source() == asm.RegSource {
		return half(i.Src, narrow)
	}
	if narrow {
		return fmt.Sprintf("%#x", uint32(i.Constant))
	}
	return fmt.Sprintf("%#x", i.Constant)
}

func half(r asm.Register, narrow bool) string {
	if narrow {
		return "w" + r.String()[1:]
	}
	return r.String()
}
