package ir

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/hone-net/hone/slowpath"
)

// Yields tells whether the operation gives a number or a row.
func (o Op) Yields() bool {
	switch o {
	case OpStore, OpStoreLE, OpBound, OpGuard, OpMark, OpCount, OpTally, OpHit, OpCommit, OpKeep, OpPush, OpPop:
		return false
	}
	return o != OpNone && o < numOps
}

// Stores tells whether the operation says that the packet will be forwarded: nothing may punt below it.
func (o Op) Stores() bool {
	return o == OpStore || o == OpStoreLE || o == OpCount || o == OpCommit || o.Shifts()
}

// Shifts tells whether the operation moves the beginning of the packet: nothing looks at the packet below it, and the block
// redirects. args[0] and args[1] become its bytes [0, 8) and [8, 12), args[2] of OpPush [12, 16), the least significant byte
// first.
func (o Op) Shifts() bool { return o == OpPush || o == OpPop }

// shiftBytes are the bytes of the packet that OpPush and OpPop begin with.
var shiftBytes = map[Op]int{OpPush: 14, OpPop: 18}

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
	case OpPush:
		return 3
	case OpPop:
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
	case OpLookup, OpField, OpMark, OpCommit:
		return c.checkTable(at, v)
	}
	return nil
}

// checkShift wants nothing behind a shift that looks at the packet or goes on elsewhere than out.
func (c *checker) checkShift(at place, v *Value) error {
	if !validReason(v.Reason) {
		return fmt.Errorf("no reason")
	}
	if c.bound[at.block] < shiftBytes[v.Op] {
		return fmt.Errorf("the packet may be shorter than %d bytes", shiftBytes[v.Op])
	}
	b := c.p.Blocks[at.block]
	for _, w := range b.Values[at.index+1:] {
		switch w.Op {
		case OpLoad, OpLoadLE, OpStore, OpStoreLE, OpMeta, OpPush, OpPop:
			return fmt.Errorf("%s behind a shift", w.Op)
		}
	}
	if b.Exit.Kind != RedirectExit {
		return fmt.Errorf("a shift in a block that does not redirect")
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

// checkTables checks the shapes of the tables.
func (c *checker) checkTables() error {
	names := map[string]bool{}
	for i, t := range c.p.Tables {
		if t == nil || !isName(t.Name) || names[t.Name] {
			return fmt.Errorf("table %d has no name of its own", i)
		}
		names[t.Name], c.tables[t] = true, true
		if err := t.check(); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	return nil
}

// Limits of tables.
const (
	maxRows    = 1 << 24
	maxRowSize = 4096
	minRowSize = 2
	maxBlocks  = 1 << 15
)

func (t *Table) check() error {
	if t.Data != nil && len(t.Data) != t.Bytes() {
		return fmt.Errorf("%d bytes of contents, not %d", len(t.Data), t.Bytes())
	}
	if t.Domain >= slowpath.NumDomains {
		return fmt.Errorf("no domain %d", t.Domain)
	}
	switch t.Kind {
	case Rows, Hash:
		return t.checkRows()
	case Keyed:
		if t.Size < 2 || t.RowSize < keyBytes || t.Factor&1 == 0 {
			return fmt.Errorf("%d rows of %d bytes, factor %#x", t.Size, t.RowSize, t.Factor)
		}
		return t.checkRows()
	case LPM:
		if !powerOfTwo(t.Size, maxBlocks) {
			return fmt.Errorf("%d blocks", t.Size)
		}
		if n := t.Focus4.Len; n != 0 && n != 8 && n != 16 {
			return fmt.Errorf("focus of %d bits", n)
		}
		return t.Focus4.check()
	case Packed:
		if !powerOfTwo(t.Blocks, maxBlocks) || !powerOfTwo(t.Size, MaxUnitsPacked) {
			return fmt.Errorf("%d blocks, %d units", t.Blocks, t.Size)
		}
		return nil
	case Set:
		for _, p := range t.Prefixes {
			if err := p.check(); err != nil {
				return err
			}
		}
		return nil
	case LPM6:
		if t.Steps < 1 || t.Steps > MaxSteps || !powerOfTwo(t.Size, MaxUnits6) {
			return fmt.Errorf("%d units, walks of %d steps", t.Size, t.Steps)
		}
		return t.checkFocus()
	case Set6:
		for _, p := range t.Prefixes6 {
			if err := p.check(); err != nil {
				return err
			}
		}
		return nil
	case FIB, FIB6:
		return nil
	case Conntrack, Conntrack6:
		return t.checkConntrack()
	case Tallies:
		if !powerOfTwo(t.Size, maxRows) {
			return fmt.Errorf("%d pairs", t.Size)
		}
		return nil
	}
	return fmt.Errorf("no kind %d", t.Kind)
}

func (p Prefix) check() error {
	if p.Len < 0 || p.Len > 32 || p.Addr&^p.Mask() != 0 {
		return fmt.Errorf("no prefix %08x/%d", p.Addr, p.Len)
	}
	return nil
}

func (p Prefix6) check() error {
	if hi, lo := p.Mask(); p.Len < 0 || p.Len > 128 || p.Hi&^hi|p.Lo&^lo != 0 {
		return fmt.Errorf("no prefix %016x%016x/%d", p.Hi, p.Lo, p.Len)
	}
	return nil
}

func (t *Table) checkFocus() error {
	if t.Leaves && (t.Size < LeastFront6 || t.Focus.Len > 0) {
		return fmt.Errorf("leaves and a focus of %d bits in %d units", t.Focus.Len, t.Size)
	}
	if n := t.Focus.Len; n > MostFocus || n%8 != 0 || n > 0 && t.Size <= FocusUnits {
		return fmt.Errorf("focus of %d bits in %d units", n, t.Size)
	}
	return t.Focus.check()
}

func (t *Table) checkRows() error {
	if !powerOfTwo(t.Size, maxRows) || !powerOfTwo(t.RowSize, maxRowSize) || t.RowSize < minRowSize {
		return fmt.Errorf("%d rows of %d bytes", t.Size, t.RowSize)
	}
	seen := map[string]bool{}
	for _, f := range t.Fields {
		if !isName(f.Name) || seen[f.Name] || !validWidth(f.Width) || f.Offset < 0 || f.Offset%int(f.Width) != 0 ||
			f.Offset+int(f.Width) > t.RowSize {
			return fmt.Errorf("field %q of %d bytes at %d", f.Name, f.Width, f.Offset)
		}
		seen[f.Name] = true
	}
	return nil
}

func powerOfTwo(n, most int) bool { return n > 0 && n <= most && bits.OnesCount(uint(n)) == 1 }

// Mask has the prefix's first Len bits set.
func (p Prefix) Mask() uint32 {
	if p.Len <= 0 {
		return 0
	}
	return ^uint32(0) << (32 - p.Len)
}

// Contains tells whether an address lies in the prefix.
func (p Prefix) Contains(addr uint32) bool { return addr&p.Mask() == p.Addr }

// Mask has the prefix's first Len bits set, in two numbers.
func (p Prefix6) Mask() (hi, lo uint64) {
	n := min(max(p.Len, 0), 128)
	return ^uint64(0) << (64 - min(n, 64)), ^uint64(0) << (128 - max(n, 64))
}

// Contains tells whether an address lies in the prefix.
func (p Prefix6) Contains(hi, lo uint64) bool {
	maskHi, maskLo := p.Mask()
	return hi&maskHi == p.Hi && lo&maskLo == p.Lo
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
