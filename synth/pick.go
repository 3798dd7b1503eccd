package synth

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// picker is the choice of an ingress, with the tables that it comes to.
type picker struct {
	root   *choice
	views  map[string]ViewShape
	full   bool // there is no room for the routes of one of them
	live   bool // the live lookup goes by the rules as the kernel does
	plain  bool // and answers as the kernel would, whatever the choice
	parses bool // the kernel looks past the header of each packet, for a rule of some interface
}

// pickerOf is the picker of an interface whose rules are not refused.
func pickerOf(s *introspect.Snapshot, l introspect.Link, shape Shape, ip *layout) picker {
	plan := routing(s, ip)
	p := picker{views: map[string]ViewShape{}, live: plan.live(ip.six), parses: plan.parses()}
	p.plain = p.live
	root, _, v := plan.choice(ingressOf(s, l))
	if v.reason != slowpath.None {
		root = &choice{reason: slowpath.Rule}
	}
	p.root = root
	names, _ := plan.tables(root)
	for _, view := range root.views() {
		v, ok := shape.view(names[view])
		p.views[view] = v
		p.plain, p.full = p.plain && v.Plain, p.full || v.Full || !ok
	}
	return p
}

// asks tells whether a test looks at some field.
func (p picker) asks(fields ...field) bool { return asksFor(p.root, fields) }

func asksFor(c *choice, fields []field) bool {
	if c.leaf() {
		return false
	}
	for _, f := range fields {
		if c.test.field == f {
			return true
		}
	}
	return asksFor(c.yes, fields) || asksFor(c.no, fields)
}

// way is a direction to look up: that of the packet, or back to its source.
type way bool

const (
	forward  way = false
	backward way = true
)

// pick looks the destination up, or the source, in the view that the rules choose. All views that may be meant are asked,
// and the answer is selected: that is cheaper than a branch that is hard to foresee.
func (c *compiler) pick(w way) *ir.Value {
	if c.picks[c.ip].asks(fieldSPort, fieldDPort) {
		c.portsThere()
	}
	return (&picking{c, w, map[*choice]*ir.Value{}}).value(c.picks[c.ip].root)
}

// portsThere wants a packet that is long enough for ports.
func (c *compiler) portsThere() {
	c.Bound(c.ip.end()+4, slowpath.Short)
	c.GuardImm(ir.Ge, c.Load(c.ip.total, 2), uint64(c.ip.header)+4-c.ip.rest, slowpath.Length)
}

// picking writes a pick.
type picking struct {
	*compiler
	way  way
	done map[*choice]*ir.Value
}

func (p *picking) value(c *choice) *ir.Value {
	v, ok := p.done[c]
	if !ok {
		v = p.make(c)
		p.done[c] = v
	}
	return v
}

func (p *picking) make(c *choice) *ir.Value {
	switch {
	case !c.leaf():
		return p.choose(c.test, p.value(c.yes), p.value(c.no))
	case c.reason != slowpath.None:
		return p.Const(rowRule)
	}
	return p.Lookup(p.Table(p.picks[p.ip].views[c.view].route()), p.end(fieldDest)...)
}

// end is the source or the destination of the way.
func (p *picking) end(f field) []*ir.Value {
	if (f == fieldSource) == (p.way == forward) {
		return p.sourceAddress()
	}
	return p.destination()
}

// choose is yes if the packet passes the test, else no.
func (p *picking) choose(t test, yes, no *ir.Value) *ir.Value {
	if t.isPrefix() {
		return p.within(t.prefix, p.end(t.field), yes, no)
	}
	n := p.number(t.field)
	if t.mask != ^uint32(0) {
		n = p.ArithImm(ir.OpAnd, n, uint64(t.mask))
	}
	if t.lo == t.hi {
		return p.Select(ir.Eq, n, p.Const(uint64(t.lo)), yes, no)
	}
	return p.Select(ir.Le, p.ArithImm(ir.OpSub, n, uint64(t.lo)), p.Const(uint64(t.hi-t.lo)), yes, no)
}

// within is yes if an address is in a prefix, else no.
func (p *picking) within(net netip.Prefix, addr []*ir.Value, yes, no *ir.Value) *ir.Value {
	width := 8 * int(p.ip.word)
	b := net.Addr().AsSlice()
	for i := len(addr) - 1; i >= 0; i-- { // the inner select is of the last word
		bits := min(max(net.Bits()-i*width, 0), width)
		if bits == 0 {
			continue
		}
		word, want := addr[i], uint64(0)
		for _, octet := range b[i*width/8 : (i+1)*width/8] {
			want = want<<8 | uint64(octet)
		}
		if bits < width {
			word = p.ArithImm(ir.OpShr, word, uint64(width-bits))
			want >>= width - bits
		}
		yes = p.Select(ir.Eq, word, p.Const(want), yes, no)
	}
	return yes
}

// number reads what a test looks at. On the way back the ports are exchanged as the addresses are.
func (p *picking) number(f field) *ir.Value {
	switch f {
	case fieldTOS:
		return p.class()
	case fieldLabel:
		return p.ArithImm(ir.OpAnd, p.Load(atHeader, 4), 0xfffff)
	case fieldProtocol:
		return p.Load(p.ip.protocol, 1)
	case fieldPorts:
		return p.ported(p.Load(p.ip.protocol, 1))
	}
	if (f == fieldSPort) == (p.way == forward) {
		return p.Load(p.ip.end(), 2)
	}
	return p.Load(p.ip.end()+2, 2)
}

// class is the TOS byte, or IPv6's traffic class.
func (p *picking) class() *ir.Value {
	if !p.ip.six {
		return p.Load(atTOS, 1)
	}
	return p.ArithImm(ir.OpAnd, p.ArithImm(ir.OpShr, p.Load(atHeader, 2), 4), 0xff)
}

// ports reads what the live lookup has to know of ports: nothing, unless a rule looks at them. Packets without are left
// to the kernel then.
func (c *compiler) ports(protocol *ir.Value) (source, dest *ir.Value) {
	if !c.picks[c.ip].asks(fieldSPort, fieldDPort) {
		none := c.Const(0)
		return none, none
	}
	c.portsThere()
	c.GuardImm(ir.Ne, c.ported(protocol), 0, slowpath.LiveLookup)
	return c.Load(c.ip.end(), 2), c.Load(c.ip.end()+2, 2)
}

// ported is 1 for the protocols whose ports rules look at, else 0.
func (c *compiler) ported(protocol *ir.Value) *ir.Value {
	yes := c.Const(1)
	udp := c.Select(ir.Eq, protocol, c.Const(unix.IPPROTO_UDP), yes, c.Const(0))
	return c.Select(ir.Eq, protocol, c.Const(unix.IPPROTO_TCP), yes, udp)
}
