package filter

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// reader reads the expressions of one rule.
type reader struct {
	*Path
	table introspect.TableKey
	at    place
	chain introspect.ChainKey
	rule  *introspect.ChainRule
	nth   int // counters of the rule that have been read
	found int // values that it has looked up
	regs  registers
	steps []step
	reach int // bytes behind the header that there are at this step
	has   connectionless

	dropped int // packets with fewer bytes have been dropped
}

// read says what a rule does. What is settled before a packet is there is left out; a rule that never matches has no
// steps.
func (p *Path) read(c *introspect.Chain, r *introspect.ChainRule, at place) []step {
	d := &p.reader // the same for all rules: it is large
	*d = reader{Path: p, table: c.Key.Of(), at: at, chain: c.Key, rule: r, steps: d.steps[:0], has: p.in.without(at)}
	return slices.Clone(d.read())
}

// read reads all expressions.
func (d *reader) read() []step {
	r := d.rule
	if len(r.Unknown) > 0 {
		return []step{leave(slowpath.RulesetAction, r.Unknown[0])}
	}
	for _, e := range r.Exprs {
		if fails := d.expression(e); fails {
			return d.counted()
		}
		if n := len(d.steps); n > 0 && d.steps[n-1].ends() {
			return d.steps
		}
	}
	return d.steps
}

// counted is the steps up to the last one that counts, drops or says notrack: the test behind them fails whatever the packet.
func (d *reader) counted() []step {
	for n := len(d.steps); n > 0; n-- {
		if d.steps[n-1].does() {
			return d.steps[:n]
		}
	}
	return nil
}

// expression adds what an expression does; it tells whether the rule never gets past it.
func (d *reader) expression(e introspect.Expr) (fails bool) {
	switch e := e.(type) {
	case introspect.Payload:
		return d.payload(e)
	case introspect.Meta:
		return d.load(e, e.DReg, d.in.meta(e.Key, d.at))
	case introspect.ExtHdr:
		return d.extension(e)
	case introspect.Fib:
		return d.load(e, e.DReg, d.lookupCells(e))
	case introspect.Ct:
		return d.connection(e)
	case introspect.Immediate:
		return d.load(e, e.DReg, constants([]byte(e.Data)))
	case introspect.Bitwise:
		return d.load(e, e.DReg, d.bitwise(e))
	case introspect.Byteorder:
		return d.load(e, e.DReg, d.byteorder(e))
	case introspect.Cmp:
		return d.compare(e)
	case introspect.Range:
		return d.within(e)
	case introspect.Lookup:
		return d.lookup(e)
	case introspect.Counter:
		d.count(ruleCounter(d.snapshot, d.chain, d.rule, d.nth))
		d.nth++
		return false
	case introspect.ObjRef:
		return d.object(e)
	case introspect.ObjRefMap:
		return d.objectOf(e)
	case introspect.Verdict:
		return d.verdict(e)
	case introspect.Match:
		return d.match(e)
	}
	if introspect.Untracks(e) {
		d.untrack(e)
	} else {
		d.other(e)
	}
	return false
}

// other is what an expression does that programs leave to the kernel. Where the kernel has the packet anyway, more can be told.
func (d *reader) other(e introspect.Expr) {
	t, ok := d.translation(e)
	switch {
	case d.at.nat && logs(e):
		d.steps = append(d.steps, step{kind: stepCount, cause: "logs"})
	case !ok:
		d.leave(e, reasonOf(e))
	case t != nil:
		d.steps = append(d.steps, step{kind: stepTranslate, nat: t})
	}
}

func (d *reader) count(id CounterID) {
	d.steps = append(d.steps, step{kind: stepCount, counter: id})
}

// object counts with a named counter; other objects are the kernel's.
func (d *reader) object(e introspect.ObjRef) (fails bool) {
	key := introspect.ObjectKey{Family: d.table.Family, Table: d.table.Name, Name: e.Name, Type: e.Type}
	if id, ok := namedCounter(d.snapshot, key); ok {
		d.count(id)
	} else {
		d.leave(e, reasonOf(e))
	}
	return false
}

// payload loads bytes of a header. One that follows that of IP may be shorter.
func (d *reader) payload(e introspect.Payload) bool {
	if e.Base == unix.NFT_PAYLOAD_TRANSPORT_HEADER {
		d.want(int(e.Offset+e.Len), false)
	}
	return d.load(e, e.DReg, d.in.payload(e.Base, e.Offset, e.Len))
}

// want wants bytes behind the header. A packet that has fewer gets past the rule, or is dropped there.
func (d *reader) want(end int, drops bool) {
	if end > maxReach || end <= d.reach && (!drops || end <= d.dropped) {
		return
	}
	d.reach = max(d.reach, end)
	if drops {
		d.dropped = max(d.dropped, end)
	}
	d.steps = append(d.steps, step{kind: stepReach, bytes: end, drops: drops})
}

// maxReach bounds the bytes behind the header that rules look at.
const maxReach = 64

// load puts bytes into registers. What programs cannot tell is left to the kernel, with everything behind it.
func (d *reader) load(e introspect.Expr, to introspect.Register, cells []cell) bool {
	if cells == nil || !d.regs.load(to, cells) {
		d.leave(e, reasonOf(e))
	}
	return false
}

func (d *reader) leave(e introspect.Expr, r slowpath.Reason) {
	cause := introspect.ExprName(e)
	switch e := e.(type) {
	case introspect.Match:
		cause += " " + e.Name
	case introspect.Target:
		cause += " " + e.Name
	}
	d.steps = append(d.steps, leave(r, cause))
}

func (d *reader) bitwise(e introspect.Bitwise) []cell {
	cells := copied(d.regs.at(e.SReg, int(e.Len)))
	if len(e.Mask) != len(cells) || len(e.Xor) != len(cells) || ahead(e.SReg, e.DReg, len(cells)) {
		return nil
	}
	for i := range cells {
		cells[i] = cells[i].masked(e.Mask[i], e.Xor[i])
	}
	return cells
}

// copied copies cells.
func copied(cells []cell) []cell { return append([]cell(nil), cells...) }

// ahead tells whether the kernel, which works word by word, writes words that it reads later.
func ahead(from, to introspect.Register, n int) bool { return from < to && int(to-from) < (n+3)/4 }

// byteorder exchanges the bytes of words, as either direction does where the host's order is not the network's. Of several
// words of eight bytes, the kernel takes the second from the middle of the first; of several of two bytes, kernels before
// 6.7 take every other one.
func (d *reader) byteorder(e introspect.Byteorder) []cell {
	cells, size := copied(d.regs.at(e.SReg, int(e.Len))), int(e.Size)
	switch {
	case size != 2 && size != 4 && size != 8, len(cells)%size != 0, size != 4 && len(cells) > size,
		!d.regs.filled(e.DReg, len(cells)), ahead(e.SReg, e.DReg, len(cells)):
		return nil
	}
	if bigEndian {
		return cells
	}
	for from := 0; from < len(cells); from += size {
		word := cells[from : from+size]
		for i := range size / 2 {
			word[i], word[size-1-i] = word[size-1-i], word[i]
		}
	}
	return cells
}

func (d *reader) compare(e introspect.Cmp) bool {
	data, not := []byte(e.Data), e.Op == unix.NFT_CMP_NEQ
	in := interval{data, data}
	switch e.Op {
	case unix.NFT_CMP_EQ, unix.NFT_CMP_NEQ:
	case unix.NFT_CMP_LTE:
		in.from = make([]byte, len(data))
	case unix.NFT_CMP_GTE:
		in.to = bytes.Repeat([]byte{0xff}, len(data))
	case unix.NFT_CMP_LT:
		in, not = interval{data, bytes.Repeat([]byte{0xff}, len(data))}, true
	case unix.NFT_CMP_GT:
		in, not = interval{make([]byte, len(data)), data}, true
	default:
		d.leave(e, slowpath.RulesetMatch)
		return false
	}
	return d.ask(e, e.SReg, in, not)
}

func (d *reader) within(e introspect.Range) bool {
	if len(e.From) != len(e.To) || e.Op > unix.NFT_RANGE_NEQ {
		d.leave(e, slowpath.RulesetMatch)
		return false
	}
	return d.ask(e, e.SReg, interval{[]byte(e.From), []byte(e.To)}, e.Op == unix.NFT_RANGE_NEQ)
}

// ask adds a test of the bytes from a register on.
func (d *reader) ask(e introspect.Expr, from introspect.Register, in interval, not bool) bool {
	cells := d.regs.at(from, len(in.from))
	if cells == nil {
		d.leave(e, slowpath.RulesetMatch)
		return false
	}
	return d.test(e, [][]cell{cells}, []element{{in}}, not)
}

// test adds a test, unless its outcome is known.
func (d *reader) test(e introspect.Expr, parts [][]cell, all []element, not bool) (fails bool) {
	r, ok := d.region(parts, all)
	if !ok {
		d.leave(e, slowpath.RulesetMatch)
		return false
	}
	clear(r.of) // whichever element it is
	t := test{not: not, in: r, alone: d.in.joined(r.keys)}
	if holds, known := t.settled(); known {
		return !holds
	}
	d.steps = append(d.steps, step{kind: stepTest, test: t})
	return false
}

// verdict adds a verdict.
func (d *reader) verdict(v introspect.Verdict) bool {
	switch v.Code {
	case introspect.VerdictBreak:
		return true
	case introspect.VerdictContinue:
		return false
	}
	d.steps = append(d.steps, decide(v))
	return false
}
