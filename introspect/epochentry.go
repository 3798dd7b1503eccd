package introspect

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// entryFlags is where the flags of an entry stand in a datagram.
const entryFlags = unix.SizeofNlMsghdr + 10

// classifyEntry tells the entries of bridges from those that a device has for itself (NTF_SELF).
func classifyEntry(datagram []byte) domains {
	if len(datagram) > entryFlags && datagram[entryFlags]&unix.NTF_SELF != 0 {
		return nothing
	}
	return toFDB
}

const labelEntry = "entry"

// entry is classifyEntry in the kernel. R6 holds the message.
func (c *counters) entry() asm.Instructions {
	const flags = -8
	code := asm.Instructions{asm.Mov.Imm(asm.R2, entryFlags).WithSymbol(labelEntry)}
	code = append(code, loadBytes(flags, 1)...)
	return append(code,
		asm.JNE.Imm(asm.R0, 0, label(toFDB)),
		asm.LoadMem(asm.R1, asm.RFP, flags, asm.Byte),
		asm.And.Imm(asm.R1, unix.NTF_SELF),
		asm.JEq.Imm(asm.R1, 0, label(toFDB)),
		asm.Ja.Label(label(nothing)),
	)
}
