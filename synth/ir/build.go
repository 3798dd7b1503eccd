package ir

import "github.com/hone-net/hone/slowpath"

// Builder appends values to the current block of a program.
type Builder struct {
	Program *Program
	Block   *Block
	// Tag is how many bytes of tags the frame has: places from TagAt on are farther behind by as much, so that who writes what
	// becomes of tagged frames names the places of those without.
	Tag  int
	next int
}

// TagAt is where in a frame a VLAN tag stands.
const TagAt = 12

// place is where something stands in the frame with its tag.
func (b *Builder) place(off int) int {
	if off >= TagAt {
		off += b.Tag
	}
	return off
}

// NewBuilder starts a program with an entry block named "entry".
func NewBuilder(name string) *Builder {
	b := &Builder{Program: &Program{Name: name}}
	b.Start(b.NewBlock("entry"))
	return b
}

// NewBlock makes a block that is not yet part of the program; Start puts it there.
func (b *Builder) NewBlock(name string) *Block { return &Block{Name: name} }

// Start appends a block to the program; the values that follow go into it.
func (b *Builder) Start(block *Block) {
	b.Program.Blocks = append(b.Program.Blocks, block)
	b.Block = block
}

// Table adds a table to the program, unless one of its name is there, and returns it.
func (b *Builder) Table(t *Table) *Table {
	for _, old := range b.Program.Tables {
		if old.Name == t.Name {
			return old
		}
	}
	b.Program.Tables = append(b.Program.Tables, t)
	return t
}

func (b *Builder) add(v Value) *Value {
	v.ID = b.next
	b.next++
	b.Block.Values = append(b.Block.Values, &v)
	return &v
}

// Const is the number n.
func (b *Builder) Const(n uint64) *Value { return b.add(Value{Op: OpConst, Imm: n}) }

// Load reads width packet bytes at off, most significant first.
func (b *Builder) Load(off int, width uint8) *Value {
	return b.add(Value{Op: OpLoad, Imm: uint64(b.place(off)), Width: width})
}

// LoadLE reads width packet bytes at off, least significant first.
func (b *Builder) LoadLE(off int, width uint8) *Value {
	return b.add(Value{Op: OpLoadLE, Imm: uint64(b.place(off)), Width: width})
}

// Store writes v into width packet bytes at off, most significant first.
func (b *Builder) Store(off int, width uint8, v *Value) {
	b.add(Value{Op: OpStore, Imm: uint64(b.place(off)), Width: width, Args: []*Value{v}})
}

// StoreLE writes v into width packet bytes at off, least significant first.
func (b *Builder) StoreLE(off int, width uint8, v *Value) {
	b.add(Value{Op: OpStoreLE, Imm: uint64(b.place(off)), Width: width, Args: []*Value{v}})
}

// Meta asks the hook.
func (b *Builder) Meta(m Meta) *Value { return b.add(Value{Op: OpMeta, Imm: uint64(m)}) }

// Arith appends an arithmetic operation: Add to Shr, Fold or Swap16.
func (b *Builder) Arith(op Op, args ...*Value) *Value { return b.add(Value{Op: op, Args: args}) }

// ArithImm is Arith with a constant second operand.
func (b *Builder) ArithImm(op Op, a *Value, n uint64) *Value { return b.Arith(op, a, b.Const(n)) }

// Select is x if the condition holds, else y.
func (b *Builder) Select(c Cond, p, q, x, y *Value) *Value {
	return b.add(Value{Op: OpSelect, Cond: c, Args: []*Value{p, q, x, y}})
}

// Moved is zero while the program accounts for every announced change of the domain.
func (b *Builder) Moved(d slowpath.Domain) *Value { return b.add(Value{Op: OpMoved, Domain: d}) }

// Bound punts frames of less than n bytes.
func (b *Builder) Bound(n int, r slowpath.Reason) {
	b.add(Value{Op: OpBound, Imm: uint64(b.place(n)), Reason: r})
}

// Guard punts unless the condition holds.
func (b *Builder) Guard(c Cond, p, q *Value, r slowpath.Reason) {
	b.add(Value{Op: OpGuard, Cond: c, Args: []*Value{p, q}, Reason: r})
}

// GuardImm is Guard against a constant.
func (b *Builder) GuardImm(c Cond, p *Value, n uint64, r slowpath.Reason) {
	b.Guard(c, p, b.Const(n), r)
}

// Lookup asks a table.
func (b *Builder) Lookup(t *Table, args ...*Value) *Value {
	return b.add(Value{Op: OpLookup, Table: t, Args: args})
}

// Field reads a field of a row.
func (b *Builder) Field(row *Value, name string) *Value {
	return b.add(Value{Op: OpField, Table: row.Table, Field: name, Args: []*Value{row}})
}

// Mark writes 1 into a field of a row.
func (b *Builder) Mark(row *Value, name string) {
	b.add(Value{Op: OpMark, Table: row.Table, Field: name, Args: []*Value{row}})
}

// Count adds one to a counter.
func (b *Builder) Count(c Counter) { b.add(Value{Op: OpCount, Imm: uint64(c)}) }

// Tally begins to note hits.
func (b *Builder) Tally() { b.add(Value{Op: OpTally}) }

// Hit notes that n is to be counted.
func (b *Builder) Hit(n *Value, r slowpath.Reason) {
	b.add(Value{Op: OpHit, Args: []*Value{n}, Reason: r})
}

// Commit counts a packet of so many bytes for every hit.
func (b *Builder) Commit(t *Table, bytes *Value) {
	b.add(Value{Op: OpCommit, Table: t, Args: []*Value{bytes}})
}

// Keep does to a connection what the kernel does when it accepts a packet of it: its time-out begins anew. A packet whose
// connection the kernel watches is left to it, and the agent is told.
func (b *Builder) Keep(row *Value, r slowpath.Reason) {
	b.add(Value{Op: OpKeep, Table: row.Table, Args: append([]*Value{row}, row.Args...), Reason: r})
}

// Account counts a packet of so many bytes for a connection that was kept: dir is the row's.
func (b *Builder) Account(row, dir, bytes *Value) {
	b.add(Value{Op: OpAccount, Table: row.Table, Args: []*Value{row, dir, bytes}})
}

// Push puts four bytes behind the MACs, which are given as they stand in the packet: eight bytes, and four, least significant
// first. Nothing may be left to the kernel then.
func (b *Builder) Push(macs [2]*Value, four *Value, r slowpath.Reason) {
	b.add(Value{Op: OpPush, Args: []*Value{macs[0], macs[1], four}, Reason: r})
}

// Pop takes the four bytes behind the MACs away.
func (b *Builder) Pop(macs [2]*Value, r slowpath.Reason) {
	b.add(Value{Op: OpPop, Args: macs[:], Reason: r})
}

// Trim takes bytes off the end of the packet and then adds zeros. It is the last that is done to a packet.
func (b *Builder) Trim(off, zeros *Value) { b.add(Value{Op: OpTrim, Args: []*Value{off, zeros}}) }

// Jump ends the block.
func (b *Builder) Jump(to *Block) { b.Block.Exit = Exit{Kind: Jump, Then: to} }

// If ends the block with a branch.
func (b *Builder) If(c Cond, p, q *Value, then, els *Block, unlikely bool) {
	b.Block.Exit = Exit{Kind: If, Cond: c, Args: []*Value{p, q}, Then: then, Else: els, Unlikely: unlikely}
}

// Punt ends the block: to the kernel.
func (b *Builder) Punt(r slowpath.Reason) { b.Block.Exit = Exit{Kind: Punt, Reason: r} }

// PuntBy ends the block: to the kernel, for the Reason whose number v is.
func (b *Builder) PuntBy(v *Value) { b.Block.Exit = Exit{Kind: Punt, Args: []*Value{v}} }

// Redirect ends the block: out of the interface with the index oif.
func (b *Builder) Redirect(oif *Value) {
	b.Block.Exit = Exit{Kind: RedirectExit, Args: []*Value{oif}}
}

// Abort ends the block in an arm that cannot happen.
func (b *Builder) Abort() { b.Block.Exit = Exit{Kind: Abort} }
