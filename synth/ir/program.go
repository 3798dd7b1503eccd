// Package ir is the language of packet programs: what happens to one packet, as a directed acyclic graph of blocks of
// SSA values. Synthesis makes a Program, specialization rewrites it, emission turns it into eBPF and Eval gives it its
// meaning. Programs print and parse; the two round-trip.
//
// Every value is an unsigned 64-bit number, or a reference to a row of a table (the result of a Lookup in a table of
// rows). Widths belong to memory: packet bytes and fields of rows. Offsets into the packet are constants. Blocks stand
// in topological order, so each analysis is one loop. A value may be used in every block that its own block dominates.
//
// As text, a program is its tables and blocks. An operand is the name of a value or a number; a guard names the condition
// that must hold, and the Reason for which the packet is left to the kernel if it does not:
//
//	entry:
//		v0 = moved any
//		guard eq v0 0 moved
//		bound 34 short
//		v1 = load.2 12
//		guard eq v1 0x800 not-ip
//
// The example of Eval is a whole one. The rules that Check enforces keep the promises: a packet is decided by what is not
// out of date, and it is either forwarded as a whole or left to the kernel as it came. So all that can fail stands before
// the first store, and a table is read after the epoch that vouches for it.
package ir

import "github.com/hone-net/hone/slowpath"

// Program is what happens to one packet. Blocks[0] is the entry.
type Program struct {
	Name   string
	Tables []*Table
	Blocks []*Block
}

// Block is a straight line of values, some of which are guards that may leave the program, and one exit.
type Block struct {
	Name   string
	Values []*Value
	Exit   Exit
}

// Value is one instruction. Which fields mean something depends on Op; see the table of operations in op.go.
type Value struct {
	ID     int // unique in the program; printed as v<ID>
	Op     Op
	Width  uint8 // bytes of packet or field access: 1, 2, 4 or 8
	Cond   Cond
	Imm    uint64
	Args   []*Value
	Table  *Table
	Field  string
	Domain slowpath.Domain
	Reason slowpath.Reason
}

// ExitKind says how a block ends.
type ExitKind uint8

// The ways a block ends.
const (
	ExitNone     ExitKind = iota
	Jump                  // to Then
	If                    // Cond(Args[0], Args[1]): to Then, else to Else
	Punt                  // to the kernel, unmodified, for Reason; with Args[0], for the Reason whose number that is
	RedirectExit          // out of the interface whose index is Args[0]
	Abort                 // an arm that cannot happen; counted, never forwards
)

// Exit ends a block.
type Exit struct {
	Kind   ExitKind
	Cond   Cond
	Args   []*Value
	Then   *Block
	Else   *Block
	Reason slowpath.Reason
	// Unlikely marks an If whose Then arm is rare, so that emission lets Else fall through.
	Unlikely bool
}
