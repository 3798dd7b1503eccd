package emit

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Verdicts of XDP (enum xdp_action).
const (
	xdpAborted = 0
	xdpPass    = 2
)

// Offsets in struct xdp_md.
const (
	ctxData    = 0
	ctxDataEnd = 4
	ctxIfindex = 12
)

// lowering turns the blocks of a program into instructions over virtual registers.
type lowering struct {
	*code
	program *ir.Program
	kernel  Kernel
	spans   ir.Spans
	uses    map[*ir.Value]int // uses that are still to be emitted
	total   map[*ir.Value]int // all uses

	compared   map[comparison]int
	equalities map[*ir.Value]int  // comparisons with any constant
	shifted    map[*ir.Value]int  // see maskByShift
	addends    map[*ir.Value]bool // see addends
	either     map[*ir.Value]bool // see addsEither

	values     map[*ir.Value]reg
	late       map[*ir.Value]bool      // fields that were not used yet, and so not loaded: that saves registers
	sole       map[*ir.Value]*ir.Block // the block of all uses, if that is one
	epochs     map[*ir.Value][2]reg    // OpMoved that was not combined: seen, built
	fibs       map[*ir.Value]fibRow
	conntracks map[*ir.Value]*tracked
	blocks     map[*ir.Block]label
	punts      map[slowpath.Reason]label
	names      map[label]string

	graph          *ir.Graph
	ctx, data, end reg   // data: of the packet as it is where instructions are made
	written        bool  // some way to here has stored into the packet
	zero           reg   // zero, made of the epochs and guards that were read so far (Kernel.WeakOrder)
	skb            reg   // the socket buffer behind the frame, where the program asks; zero without
	puntBy         label // counts by the offset in puntOffset
	puntOffset     reg
	order          []label // of blocks, as they are to stand in the program
	stubsAt        label   // where the stubs begin
	common         label   // adds one at puntOffset, passes the frame
	abort          label
	hashKey        int16 // place of the key of hash lookups on the stack
	counts         []ir.Counter
	block          *ir.Block         // that is lowered
	areas          map[int][]area    // by their size
	resumes        map[label][]label // where blocks go on after code that stands aside
	asides         []label
}

// lower makes the instructions of a program, in the program's order, before registers are allocated.
func lower(p *ir.Program, k Kernel) (*lowering, error) {
	if len(p.Blocks) == 0 {
		return nil, errors.New("emit: lower program: no blocks")
	}
	l := &lowering{code: newCode(), program: p, kernel: k, spans: ir.Spans{}, uses: countUses(p), total: countUses(p),
		compared: comparisons(p),
		values:   map[*ir.Value]reg{}, late: map[*ir.Value]bool{}, sole: soleUsers(p), epochs: map[*ir.Value][2]reg{}, fibs: map[*ir.Value]fibRow{},
		blocks: map[*ir.Block]label{}, punts: map[slowpath.Reason]label{}, names: map[label]string{},
		equalities: map[*ir.Value]int{}, addends: addends(p, countUses(p)), either: map[*ir.Value]bool{}, shifted: map[*ir.Value]int{},
		conntracks: map[*ir.Value]*tracked{}, resumes: map[label][]label{},
		areas: map[int][]area{}}
	for c, n := range l.compared {
		l.equalities[c.value] += n
	}
	l.common, l.abort, l.stubsAt, l.puntOffset = l.newLabel(), l.newLabel(), l.newLabel(), l.reg()
	l.names[l.common], l.names[l.abort] = "count and pass", "count and abort"
	weight := weights(p)
	l.graph = ir.NewGraph(p)
	for _, b := range p.Blocks {
		l.blocks[b] = l.newLabel()
		l.names[l.blocks[b]] = b.Name
	}
	l.weight = 1
	if err := l.prologue(p); err != nil {
		return nil, err
	}
	after, data, written := make([]reg, len(p.Blocks)), make([]reg, len(p.Blocks)), map[*ir.Block]bool{}
	for n, b := range p.Blocks {
		l.weight, l.zero, l.written = weight[b], noReg, written[b]
		if above := l.graph.Idom[n]; above >= 0 {
			l.zero, l.data = after[above], data[above]
		}
		l.block = b
		l.mark(l.blocks[b])
		if err := l.lowerBlock(b); err != nil {
			return nil, fmt.Errorf("emit: lower block %s: %w", b.Name, err)
		}
		after[n], data[n] = l.zero, l.data
		for _, next := range b.Successors() {
			written[next] = written[next] || l.written
		}
	}
	for _, b := range layout(p, weight) {
		l.order = append(append(l.order, l.blocks[b]), l.resumes[l.blocks[b]]...)
	}
	l.order = append(l.order, l.asides...)
	l.weight, l.value = rare, nil
	l.stubs()
	return l, nil
}

// prologue loads what the whole program needs. What turns out to be unused is dropped later.
func (l *lowering) prologue(p *ir.Program) error {
	l.note = "context"
	l.ctx, l.data, l.end = l.copy(r1), l.reg(), l.reg()
	l.packet = l.data
	tag, partial := l.kernel.VethTag, usesMeta(p, ir.MetaPartial)
	asks := partial || usesMeta(p, ir.MetaVLAN) || usesMeta(p, ir.MetaBuffer)
	if asks && tag == nil || partial && tag.SummedMask == 0 {
		return errors.New("emit: lower program: it asks for the frame's metadata (VLAN tag, partial checksum), " +
			"and the kernel's type information does not say where that is")
	}
	if asks { // first, as long as hardly anything has to be saved across its calls
		l.buffer(tag)
	}
	l.note = "data"
	l.load(l.data, l.ctx, ctxData, 4)
	l.note = "data_end"
	l.load(l.end, l.ctx, ctxDataEnd, 4)
	return nil
}

func (l *lowering) lowerBlock(b *ir.Block) error {
	for _, v := range b.Values {
		l.value = v
		if err := l.emit(v); err != nil {
			return fmt.Errorf("v%d: %w", v.ID, err)
		}
		for _, a := range v.Args {
			l.uses[a]--
		}
	}
	for _, v := range b.Values {
		if l.late[v] && l.sole[v] == nil {
			l.in(v)
		}
	}
	l.value = nil
	l.flushCounts()
	return l.exitOf(b.Exit)
}

// flushCounts counts what the block has said so far.
func (l *lowering) flushCounts() {
	for _, c := range l.counts {
		l.note = "count " + c.String()
		l.count(CounterOffset(c))
	}
	l.counts = nil
}

func (l *lowering) exitOf(e ir.Exit) error {
	switch e.Kind {
	case ir.Jump:
		l.jump(l.blocks[e.Then])
	case ir.If:
		l.fork(e)
	case ir.Punt:
		l.punt(e)
	case ir.Abort:
		l.jump(l.abort)
	case ir.RedirectExit:
		l.note = "redirect"
		l.mov(r1, l.in(e.Args[0]))
		l.setConstant(2, 0)
		l.call(asm.FnRedirect, 2)
		l.exit()
	default:
		return fmt.Errorf("unknown exit %d", e.Kind)
	}
	return nil
}

// fork jumps to the arm that does not follow; the other jump is dropped if it leads to the next instruction.
func (l *lowering) fork(e ir.Exit) {
	l.guarded(e.Args)
	if e.Unlikely {
		l.compare(e.Cond, e.Args[0], e.Args[1], l.blocks[e.Then])
		l.jump(l.blocks[e.Else])
		return
	}
	l.compare(e.Cond.Not(), e.Args[0], e.Args[1], l.blocks[e.Else])
	l.jump(l.blocks[e.Then])
}

// in gives a register that holds v.
func (l *lowering) in(v *ir.Value) reg {
	if r, ok := l.values[v]; ok {
		return r
	}
	switch {
	case l.late[v]:
		before := l.value
		l.value = v
		l.values[v] = l.field(v)
		l.value, l.late[v] = before, false
		return l.values[v]
	case v.Op == ir.OpConst:
		return l.constant(v.Imm)
	case v.Op == ir.OpMoved:
		return l.movedWord(v)
	case v.Op == ir.OpFold:
		return l.fold(v)
	}
	return l.constant(0) // not reached by a checked program
}

// narrow tells whether the register of v holds no more than 32 bits, so that 32-bit instructions lose nothing. That of a
// row holds its address.
func (l *lowering) narrow(v *ir.Value) bool { return !v.IsRow() && l.spans.Max(v) <= math.MaxUint32 }

// scratch gives a register that holds v and may be overwritten.
func (l *lowering) scratch(v *ir.Value) reg {
	if v.Op == ir.OpConst {
		return l.constant(v.Imm)
	}
	return l.copy(l.in(v))
}

func countUses(p *ir.Program) map[*ir.Value]int {
	uses := map[*ir.Value]int{}
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			for _, a := range v.Args {
				uses[a]++
			}
		}
		for _, a := range b.Exit.Args {
			uses[a]++
		}
	}
	return uses
}

// soleUsers finds for each value the one block that uses it, if it is only one.
func soleUsers(p *ir.Program) map[*ir.Value]*ir.Block {
	users := map[*ir.Value]*ir.Block{}
	for _, b := range p.Blocks {
		note := func(args []*ir.Value) {
			for _, a := range args {
				if user, ok := users[a]; ok && user != b {
					users[a] = nil
					continue
				}
				users[a] = b
			}
		}
		for _, v := range b.Values {
			note(v.Args)
		}
		note(b.Exit.Args)
	}
	return users
}

func usesMeta(p *ir.Program, m ir.Meta) bool {
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpMeta && ir.Meta(v.Imm) == m {
				return true
			}
		}
	}
	return false
}
