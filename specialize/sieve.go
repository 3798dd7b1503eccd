package specialize

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// leastSieved is the number of guards from which on a sieve is cheaper than they are.
const leastSieved = 5

// sieve lets a number pass many guards against constants at once. A constant of 64 bits has a bit for each remainder that
// a multiplication and a shift make of the constants. A number whose bit is clear is none of them; only for the others
// the guards are asked, one after the other.
func sieve(p *ir.Program) {
	e, g := edit(p), ir.NewGraph(p)
	for i := len(p.Blocks) - 1; i >= 0; i-- {
		if exit, then := g.Arm(p, i); exit != nil && then && isSieve(exit) {
			continue
		}
		if at, run := longestRun(p.Blocks[i].Values); len(run) >= leastSieved {
			e.sift(i, at, run)
		}
	}
}

// isSieve tells whether a branch asks for a bit of a constant.
func isSieve(x *ir.Exit) bool {
	return x.Kind == ir.If && x.Cond == ir.AnySet && isConst(x.Args[1], 1) && x.Args[0].Op == ir.OpShr &&
		x.Args[0].Args[0].Op == ir.OpConst
}

// longestRun finds the longest row of guards that compare one number with constants, and where its first one stands.
func longestRun(values []*ir.Value) (at int, longest []*ir.Value) {
	var run []*ir.Value
	start := 0
	for i, v := range values {
		switch {
		case v.Op == ir.OpConst:
			continue
		case v.Op != ir.OpGuard || v.Cond != ir.Ne || v.Args[1].Op != ir.OpConst || v.Args[0].IsRow():
			run = nil
			continue
		case len(run) > 0 && run[0].Args[0] != v.Args[0]:
			run = nil
		}
		if len(run) == 0 {
			start = i
		}
		if run = append(run, v); len(run) > len(longest) {
			at, longest = start, run
		}
	}
	return at, slices.Clone(longest)
}

// sift moves guards out of the way: block i ends with the sieve, what followed the guards stands in a block of its own.
func (e *editor) sift(i, at int, run []*ir.Value) {
	b := e.p.Blocks[i]
	hit, past := &ir.Block{Name: e.name(b, "hit")}, &ir.Block{Name: e.name(b, "past"), Exit: b.Exit}
	keys := make([]uint64, len(run))
	for k, v := range run {
		keys[k] = v.Args[1].Imm
		hit.Values = append(hit.Values, v)
	}
	hit.Exit = ir.Exit{Kind: ir.Jump, Then: past}
	head := b.Values[:at:at]
	for _, v := range b.Values[at:] {
		switch {
		case slices.Contains(run, v):
		case v.Op == ir.OpConst:
			head = append(head, v)
		default:
			past.Values = append(past.Values, v)
		}
	}
	s := sieveFor(keys)
	factor, shift, set, one := e.constant(s.factor), e.constant(s.shift), e.constant(s.set), e.constant(1)
	product := e.value(ir.Value{Op: ir.OpMul, Args: []*ir.Value{run[0].Args[0], factor}})
	place := e.value(ir.Value{Op: ir.OpShr, Args: []*ir.Value{product, shift}})
	bit := e.value(ir.Value{Op: ir.OpShr, Args: []*ir.Value{set, place}})
	b.Values = append(head, factor, shift, set, one, product, place, bit)
	b.Exit = ir.Exit{Kind: ir.If, Cond: ir.AnySet, Args: []*ir.Value{bit, one}, Then: hit, Else: past, Unlikely: true}
	e.p.Blocks = slices.Insert(e.p.Blocks, i+1, hit, past)
}

// name finds a name for a block that comes of another.
func (e *editor) name(b *ir.Block, what string) string {
	for n := 0; ; n++ {
		name := fmt.Sprintf("%.40s-%s", b.Name, what)
		if n > 0 {
			name += fmt.Sprint(n)
		}
		if !slices.ContainsFunc(e.p.Blocks, func(c *ir.Block) bool { return c.Name == name }) {
			return name
		}
	}
}

// sieving is how a sieve works: the bit of a number is the low six bits of (number * factor) >> shift, and set has the
// bits of the numbers that are looked for.
type sieving struct{ factor, shift, set uint64 }

// sieveFor tries factors, always the same ones, for the sieve with the fewest bits set: it stops the fewest others.
func sieveFor(keys []uint64) sieving {
	best := sieving{}
	factor := uint64(0x9e3779b1)
	for range 256 {
		factor = factor*0x5851f42d4c957f2d + 0x14057b7ef767814f
		s := sieving{factor: factor>>34 | 1, shift: 24}
		for _, k := range keys {
			s.set |= 1 << (k * s.factor >> s.shift & 63)
		}
		if best.set == 0 || bits.OnesCount64(s.set) < bits.OnesCount64(best.set) {
			best = s
		}
	}
	return best
}
