package ir

import (
	"encoding/binary"
	"fmt"

	"github.com/hone-net/hone/slowpath"
)

// Env is the world in which Eval runs a program.
type Env struct {
	Tables map[string][]byte            // contents of Rows, LPM and LPM6 tables, laid out as table.go and lpm6.go say
	Hash   map[string]map[uint32][]byte // contents of Hash tables
	FIB    func(args []uint64) []byte   // the live lookup: a row with FIBFields
	FIB6   func(args []uint64) []byte   // the same for IPv6

	Conntrack  func(args []uint64) []byte // the connections: a row with ConntrackFields
	Conntrack6 func(args []uint64) []byte // the same for IPv6

	Moved   slowpath.Epochs // seen ^ built
	VLAN    bool            // the frame's metadata carries a VLAN tag
	Partial bool            // the frame's metadata says that a checksum is yet to be completed
	Trace   bool            // fill Verdict.Trace

	Counts  [NumCounters]uint64 // added to by Count
	Kept    int                 // added to by Keep
	Account [2]Tally            // added to by Account, for either direction
	Marks   []Mark              // appended to by Mark; the tables are not changed
	Tallied map[uint64]Tally    // added to by Commit, for every number but 0; made where it is needed
}

// Mark is a field that a program has marked. Of a Hash, Row is the key, else the index.
type Mark struct {
	Table string
	Row   uint32
	Field string
}

// Tally is what a number of a Tallies table has counted.
type Tally struct{ Packets, Bytes uint64 }

// Verdict is what becomes of a packet.
type Verdict struct {
	Kind   ExitKind        // Punt, RedirectExit or Abort
	Reason slowpath.Reason // of a Punt
	Oif    uint32          // of a RedirectExit: the interface's index
	Packet []byte          // a copy, with what the program stored
	Trace  []string        // what was computed, a line each, if Env.Trace
}

// String tells the verdict without the packet.
func (v Verdict) String() string {
	switch v.Kind {
	case Punt:
		return "punt " + v.Reason.String()
	case RedirectExit:
		return fmt.Sprintf("redirect %d", v.Oif)
	case Abort:
		return "abort"
	}
	return "no verdict"
}

// Eval gives a program its meaning: it runs a program that Check accepts on one packet. An error says that the
// environment does not fit the program.
func Eval(p *Program, env *Env, pkt []byte) (Verdict, error) {
	e := &evaluator{env: env, pkt: append([]byte(nil), pkt...)}
	last := 0
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			last = max(last, v.ID)
		}
	}
	if last >= MaxID {
		return Verdict{}, fmt.Errorf("ir: eval %s: number %d of a value is too large", p.Name, last)
	}
	e.num, e.row = make([]uint64, last+1), make([]rowRef, last+1)
	if err := e.run(p); err != nil {
		return Verdict{}, fmt.Errorf("ir: eval %s: %w", p.Name, err)
	}
	e.verdict.Packet = e.pkt
	return e.verdict, nil
}

// rowRef is a row that a lookup found; data is nil if it found none.
type rowRef struct {
	index uint32
	data  []byte
}

type evaluator struct {
	env     *Env
	pkt     []byte
	num     []uint64 // by number of value
	row     []rowRef
	hits    []uint64 // since OpTally
	verdict Verdict
}

func (e *evaluator) run(p *Program) error {
	if len(p.Blocks) == 0 {
		return fmt.Errorf("no blocks")
	}
	b := p.Blocks[0]
	for range p.Blocks {
		e.trace("%s:", b.Name)
		for _, v := range b.Values {
			done, err := e.value(v)
			if err != nil {
				return fmt.Errorf("v%d %s: %w", v.ID, v.Op, err)
			}
			if done {
				return nil
			}
		}
		if b = e.exit(&b.Exit); b == nil {
			if e.verdict.Kind == ExitNone {
				return fmt.Errorf("block without exit")
			}
			return nil
		}
	}
	return fmt.Errorf("more steps than blocks")
}

func (e *evaluator) trace(format string, args ...any) {
	if e.env.Trace {
		e.verdict.Trace = append(e.verdict.Trace, fmt.Sprintf(format, args...))
	}
}

// exit leaves a block: for the next one, or with a verdict.
func (e *evaluator) exit(x *Exit) *Block {
	switch x.Kind {
	case Jump:
		return x.Then
	case If:
		if e.holds(x.Cond, x.Args) {
			return x.Then
		}
		return x.Else
	case Punt:
		r := x.Reason
		if len(x.Args) > 0 {
			r = slowpath.Reason(e.num[x.Args[0].ID] % slowpath.MaxReasons)
		}
		e.punt(r)
	case RedirectExit:
		e.verdict.Kind, e.verdict.Oif = RedirectExit, uint32(e.num[x.Args[0].ID])
		e.trace("redirect %d", e.verdict.Oif)
	case Abort:
		e.verdict.Kind, e.verdict.Reason = Abort, slowpath.Aborted
		e.trace("abort")
	}
	return nil
}

func (e *evaluator) punt(r slowpath.Reason) {
	e.verdict.Kind, e.verdict.Reason = Punt, r
	e.trace("punt %s", r)
}

// holds compares; the row of a Hash counts as zero if there is none.
func (e *evaluator) holds(c Cond, args []*Value) bool {
	return c.Holds(e.num[args[0].ID], e.num[args[1].ID])
}

// value computes one value; done says that a guard has left the program.
func (e *evaluator) value(v *Value) (done bool, err error) {
	switch v.Op {
	case OpBound:
		if uint64(len(e.pkt)) < v.Imm {
			e.punt(v.Reason)
			return true, nil
		}
		return false, nil
	case OpGuard:
		if !e.holds(v.Cond, v.Args) {
			e.trace("guard %s %#x %#x", v.Cond, e.num[v.Args[0].ID], e.num[v.Args[1].ID])
			e.punt(v.Reason)
			return true, nil
		}
		return false, nil
	case OpCount:
		e.env.Counts[v.Imm]++
		return false, nil
	case OpTally:
		e.hits = nil
		return false, nil
	case OpHit:
		if len(e.hits) == MaxHits {
			e.punt(v.Reason)
			return true, nil
		}
		e.hits = append(e.hits, e.num[v.Args[0].ID])
		e.trace("hit %d", e.num[v.Args[0].ID])
		return false, nil
	case OpCommit:
		e.commit(v)
		return false, nil
	case OpKeep:
		e.env.Kept++
		e.trace("keep")
		return false, nil
	case OpAccount:
		e.account(v)
		return false, nil
	case OpPush, OpPop:
		return false, e.shift(v)
	case OpTrim:
		return e.trim(e.num[v.Args[0].ID], e.num[v.Args[1].ID]), nil
	case OpMark:
		row := e.row[v.Args[0].ID]
		e.env.Marks = append(e.env.Marks, Mark{v.Table.Name, row.index, v.Field})
		e.trace("mark %s[%d].%s", v.Table.Name, row.index, v.Field)
		return false, nil
	}
	n, err := e.compute(v)
	e.num[v.ID] = n
	if err == nil && v.Op != OpConst {
		e.trace("v%d = %s %#x", v.ID, v.Op, n)
	}
	return false, err
}

// commit counts what was noted. Numbers past the table's size are taken modulo it.
func (e *evaluator) commit(v *Value) {
	if e.env.Tallied == nil {
		e.env.Tallied = map[uint64]Tally{}
	}
	for _, n := range e.hits {
		if n &= uint64(v.Table.Size - 1); n != 0 {
			t := e.env.Tallied[n]
			e.env.Tallied[n] = Tally{t.Packets + 1, t.Bytes + e.num[v.Args[0].ID]}
		}
	}
}

func (e *evaluator) compute(v *Value) (uint64, error) {
	switch v.Op {
	case OpConst:
		return v.Imm, nil
	case OpLoad, OpLoadLE, OpStore, OpStoreLE:
		return e.access(v)
	case OpMeta:
		return e.meta(Meta(v.Imm)), nil
	case OpMoved:
		return e.env.Moved[v.Domain], nil
	case OpSelect:
		if e.holds(v.Cond, v.Args) {
			return e.num[v.Args[2].ID], nil
		}
		return e.num[v.Args[3].ID], nil
	case OpLookup:
		return e.lookup(v)
	case OpField:
		return e.field(v)
	}
	a, b := e.num[v.Args[0].ID], uint64(0)
	if len(v.Args) > 1 {
		b = e.num[v.Args[1].ID]
	}
	n, ok := Arith(v.Op, a, b)
	if !ok {
		return 0, fmt.Errorf("cannot be computed")
	}
	return n, nil
}

// Arith computes an arithmetic operation, Add to Swap16; ok is false for the others.
func Arith(op Op, a, b uint64) (n uint64, ok bool) {
	switch op {
	case OpAdd:
		return a + b, true
	case OpSub:
		return a - b, true
	case OpMul:
		return a * b, true
	case OpAnd:
		return a & b, true
	case OpOr:
		return a | b, true
	case OpXor:
		return a ^ b, true
	case OpShl:
		return a << (b & 63), true
	case OpShr:
		return a >> (b & 63), true
	case OpFold:
		for a > 0xffff {
			a = a&0xffff + a>>16
		}
		return a, true
	case OpSwap16:
		return a&0xff<<8 | a>>8&0xff, true
	}
	return 0, false
}

func (e *evaluator) meta(m Meta) uint64 {
	switch {
	case m == MetaLen:
		return uint64(len(e.pkt))
	case m == MetaVLAN && e.env.VLAN, m == MetaPartial && e.env.Partial, m == MetaBuffer && (e.env.VLAN || e.env.Partial):
		return 1
	}
	return 0
}

// access reads or writes packet bytes. Eight bytes in a buffer make all widths one case.
func (e *evaluator) access(v *Value) (uint64, error) {
	if v.Imm+uint64(v.Width) > uint64(len(e.pkt)) {
		return 0, fmt.Errorf("byte %d is past the packet", v.Imm+uint64(v.Width)-1)
	}
	at := e.pkt[v.Imm : v.Imm+uint64(v.Width)]
	var buf [8]byte
	switch v.Op {
	case OpLoad:
		copy(buf[8-v.Width:], at)
		return binary.BigEndian.Uint64(buf[:]), nil
	case OpLoadLE:
		copy(buf[:], at)
		return binary.LittleEndian.Uint64(buf[:]), nil
	case OpStore:
		binary.BigEndian.PutUint64(buf[:], e.num[v.Args[0].ID])
		copy(at, buf[8-v.Width:])
	case OpStoreLE:
		binary.LittleEndian.PutUint64(buf[:], e.num[v.Args[0].ID])
		copy(at, buf[:])
	}
	return 0, nil
}
