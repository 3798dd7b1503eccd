package ir

import (
	"fmt"
	"slices"

	"github.com/hone-net/hone/slowpath"
)

// Yields tells whether the operation gives a number or a row.
func (o Op) Yields() bool {
	switch o {
	case OpStore, OpStoreLE, OpBound, OpGuard, OpMark, OpCount, OpTally, OpHit, OpCommit, OpKeep, OpAccount, OpPush, OpPop, OpTrim:
		return false
	}
	return o != OpNone && o < numOps
}

// Stores tells whether the operation says that the packet will be forwarded: nothing may punt below it.
func (o Op) Stores() bool {
	return o == OpStore || o == OpStoreLE || o == OpCount || o == OpCommit || o == OpAccount || o == OpTrim || o.Shifts()
}

// Shifts tells whether the operation moves the beginning of the packet. args[0] and args[1] become its bytes [0, 8) and
// [8, 12), args[2] of OpPush [12, 16), the least significant byte first.
func (o Op) Shifts() bool { return o == OpPush || o == OpPop }

// ShiftBy is how many bytes more the packet has after an operation that shifts it.
var ShiftBy = map[Op]int{OpPush: 4, OpPop: -4}

// shiftBytes are the bytes of the packet that OpPush and OpPop begin with.
var shiftBytes = map[Op]int{OpPush: 14, OpPop: 18}

// MinPacket is the least length of a packet, that of a header of Ethernet.
const MinPacket = 14

// looks tells whether the operation looks at the packet, or changes it.
func (o Op) looks() bool {
	return o == OpLoad || o == OpLoadLE || o == OpStore || o == OpStoreLE || o == OpMeta || o == OpTrim || o.Shifts()
}

// IsRow tells whether the value is a reference to a row of a table.
func (v *Value) IsRow() bool {
	return v.Op == OpLookup && v.Table != nil && v.Table.Kind.HasRows()
}

// needsKernel tells whether the value may punt or calls into the kernel.
func (v *Value) needsKernel() bool {
	return v.Op == OpBound || v.Op == OpGuard || v.Op == OpHit || v.Op == OpKeep || v.Op.Shifts() || v.Op == OpLookup && v.Table != nil && (v.Table.Kind == Hash || v.Table.Kind.Live())
}

func (v *Value) arity() int {
	switch v.Op {
	case OpStore, OpStoreLE, OpFold, OpSwap16, OpField, OpMark, OpHit, OpCommit:
		return 1
	case OpAdd, OpSub, OpMul, OpAnd, OpOr, OpXor, OpShl, OpShr, OpGuard:
		return 2
	case OpSelect:
		return 4
	case OpPush, OpAccount:
		return 3
	case OpPop, OpTrim:
		return 2
	case OpLookup:
		if v.Table != nil {
			return v.Table.Kind.keys()
		}
		return 1
	case OpKeep:
		if v.Table != nil && v.Table.Kind.Tracks() {
			return 1 + v.Table.Kind.keys()
		}
		return 1
	}
	return 0
}

// checkOp checks what is particular to an operation.
func (c *checker) checkOp(at place, v *Value) error {
	switch v.Op {
	case OpLoad, OpLoadLE, OpStore, OpStoreLE:
		return c.checkAccess(at, v)
	case OpMeta:
		if c.moved[at.block] {
			return fmt.Errorf("metadata behind a shift")
		}
		return within("metadata", v.Imm, uint64(numMetas))
	case OpCount:
		return within("counter", v.Imm, uint64(NumCounters))
	case OpMoved:
		return within("domain", uint64(v.Domain), uint64(slowpath.NumDomains))
	case OpShl, OpShr:
		if v.Args[1].Op == OpConst {
			return within("shift", v.Args[1].Imm, 64)
		}
	case OpBound:
		if !validReason(v.Reason) {
			return fmt.Errorf("no reason")
		}
		return within("bound", v.Imm, MaxPacket+1)
	case OpPush, OpPop:
		return c.checkShift(at, v)
	case OpKeep:
		if !validReason(v.Reason) {
			return fmt.Errorf("no reason")
		}
		return c.checkTable(at, v)
	case OpHit:
		if !validReason(v.Reason) {
			return fmt.Errorf("no reason")
		}
	case OpGuard:
		if !validReason(v.Reason) {
			return fmt.Errorf("no reason")
		}
		return checkCond(v.Cond)
	case OpSelect:
		return checkCond(v.Cond)
	case OpLookup, OpField, OpMark, OpCommit, OpAccount:
		return c.checkTable(at, v)
	}
	return nil
}

// checkShift wants a packet that is long enough and has not been shifted yet.
func (c *checker) checkShift(at place, v *Value) error {
	switch {
	case !validReason(v.Reason):
		return fmt.Errorf("no reason")
	case c.moved[at.block]:
		return fmt.Errorf("shifts the packet again")
	case c.bound[at.block] < shiftBytes[v.Op]:
		return fmt.Errorf("the packet may be shorter than %d bytes", shiftBytes[v.Op])
	}
	return nil
}

func checkCond(c Cond) error {
	if c == CondNone || c >= numConds {
		return fmt.Errorf("no such condition")
	}
	return nil
}

func within(what string, n, limit uint64) error {
	if n >= limit {
		return fmt.Errorf("%s %d is not below %d", what, n, limit)
	}
	return nil
}

func validWidth(w uint8) bool { return w == 1 || w == 2 || w == 4 || w == 8 }

func (c *checker) checkAccess(at place, v *Value) error {
	if !validWidth(v.Width) {
		return fmt.Errorf("width %d", v.Width)
	}
	if err := within("offset", v.Imm, MaxPacket); err != nil {
		return err
	}
	if c.moved[at.block] && !c.shift[at.block] {
		return fmt.Errorf("only some ways to here have shifted the packet")
	}
	if end := int(v.Imm) + int(v.Width); end > c.bound[at.block] {
		return fmt.Errorf("byte %d lies past the bound %d", end-1, c.bound[at.block])
	}
	return nil
}

func (c *checker) checkTable(at place, v *Value) error {
	if !c.tables[v.Table] {
		return fmt.Errorf("its table is not the program's")
	}
	if v.Op == OpLookup || v.Op == OpCommit {
		if (v.Table.Kind == Tallies) != (v.Op == OpCommit) {
			return fmt.Errorf("table %s is not for that", v.Table.Name)
		}
		return nil
	}
	row := v.Args[0]
	if v.Op == OpKeep {
		if row.Table != v.Table || !v.Table.Kind.Tracks() {
			return fmt.Errorf("v%d is no connection of %s", row.ID, v.Table.Name)
		}
		alike := func(a, b *Value) bool { return a == b || a.Op == OpConst && b.Op == OpConst && a.Imm == b.Imm }
		if !slices.EqualFunc(v.Args[1:], row.Args, alike) {
			return fmt.Errorf("v%d was looked up by something else", row.ID)
		}
		return nil
	}
	if v.Op == OpAccount {
		return c.checkAccount(at, v)
	}
	_, ok := row.Table.Field(v.Field)
	switch {
	case row.Table != v.Table:
		return fmt.Errorf("v%d is a row of %s", row.ID, row.Table.Name)
	case !ok:
		return fmt.Errorf("table %s has no field %q", v.Table.Name, v.Field)
	case v.Op == OpField && c.isMarked(at.block, v):
		return fmt.Errorf("field %s of %s is marked", v.Field, v.Table.Name)
	case v.Op == OpMark && row.Table.Kind.Live():
		return fmt.Errorf("a live lookup's row cannot be marked")
	case row.Table.Kind == Hash && !c.found(at, row):
		return fmt.Errorf("v%d may be no row of %s", row.ID, row.Table.Name)
	}
	return nil
}

// checkAccount wants the connection to be kept above: that is where its account is found.
func (c *checker) checkAccount(at place, v *Value) error {
	row := v.Args[0]
	if row.Table != v.Table || !v.Table.Kind.Tracks() || !v.Table.Tracking.Account {
		return fmt.Errorf("v%d is no connection of %s that is counted", row.ID, v.Table.Name)
	}
	for n, b := range c.p.Blocks {
		for i, w := range b.Values {
			if w.Op == OpKeep && w.Args[0] == row && (n == at.block && i < at.index || n < at.block && c.g.Dominates(n, at.block)) {
				return nil
			}
		}
	}
	return fmt.Errorf("v%d is counted and not kept", row.ID)
}

// found tells whether a dominating comparison has shown that the row of a Hash is there.
func (c *checker) found(at place, row *Value) bool {
	for b, end := at.block, at.index; b >= 0; b = c.g.Idom[b] {
		for _, v := range c.p.Blocks[b].Values[:end] {
			if v.Op == OpGuard && v.Cond == Ne && v.Args[0] == row && c.asksForRow(v.Cond, v.Args) {
				return true
			}
		}
		exit, then := c.g.Arm(c.p, b)
		if exit != nil && exit.Then != exit.Else && len(exit.Args) == 2 && exit.Args[0] == row &&
			c.asksForRow(exit.Cond, exit.Args) && (exit.Cond == Ne) == then {
			return true
		}
		if c.g.Idom[b] >= 0 {
			end = len(c.p.Blocks[c.g.Idom[b]].Values)
		}
	}
	return false
}

// isName tells whether s can name a program, table, field or block in the text form.
func isName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r != '-' && r != '.' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
