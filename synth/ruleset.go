package synth

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// rulesetOf is what the ruleset means to the packets of one family that come in by an interface.
func rulesetOf(s *introspect.Snapshot, l introspect.Link, ip *layout, shape Shape) *filter.Path {
	in := ingressOf(s, l)
	return filter.New(s, filter.Ingress{Link: l, Six: ip.six, Marks: in.marks, GRO: in.gro, Tracked: tracks(s, ip), Sets: shape.sets})
}

// pass asks the ruleset about a packet whose outgoing interface is known. It tells whether any packet goes on; nothing
// has been done about it yet, so that one that does not is the kernel's.
func (c *compiler) pass() (goesOn bool) {
	c.tallied = c.pkt.early.tallied
	path := c.chains[c.ip]
	if path != nil && c.pkt.early.untracked {
		path = path.Untracked()
	}
	if path == nil || path.Empty() {
		return true
	}
	if c.tallied {
		return path.Write(c.rules("rule"))
	}
	c.tallying(func() { goesOn = path.Write(c.rules("rule")) })
	return goesOn
}

// tallying begins to note what is to be counted, if something is.
func (c *compiler) tallying(write func()) {
	begin := c.Block
	c.Tally()
	at := len(begin.Values) - 1
	write()
	if !c.tallied {
		begin.Values = slices.Delete(begin.Values, at, at+1)
	}
}

// rules is what rules are told of the packet; their blocks have a name.
func (c *compiler) rules(name string) filter.Packet {
	return filter.Packet{Builder: c.Builder, Prefix: c.blockName(name), Value: c.field, Steps: c.options.steps(), Tally: c.tally, Reach: c.reach}
}

// tally is the number of a counter.
func (c *compiler) tally(id filter.CounterID) (uint64, bool) {
	number, ok := c.shape.tallies.number[id]
	ok = ok && c.options.Tallies
	c.tallied = c.tallied || ok
	return uint64(number), ok
}

// commit counts the packet for the rules that it has met.
func (c *compiler) commit() {
	if c.tallied {
		c.Commit(c.Table(c.shape.tally()), c.pkt.length)
	}
}

// field reads what rules ask for, as the packet is at their hook; nil if programs do not know. Rules on what follows the
// header end where the packet does; one that is too short is left to the kernel.
func (c *compiler) field(at filter.Stage, f filter.Field) *ir.Value {
	switch f.Base {
	case filter.Link:
		return c.Load(f.At, f.Width)
	case filter.Network:
		return c.headerField(at, f)
	case filter.Transport:
		c.reach(f.At + int(f.Width))
		return c.translatedField(at, c.ip.end()+f.At, f.Width)
	case filter.Meta:
		return c.fact(f)
	case filter.Conn:
		return c.connectionFact(at, f)
	}
	return nil
}

// headerField reads the header of IP: from the hook forward on, it has been counted down.
func (c *compiler) headerField(at filter.Stage, f filter.Field) *ir.Value {
	v := c.translatedField(at, atHeader+f.At, f.Width)
	switch {
	case v == nil || at.Hook < unix.NF_INET_FORWARD:
		return v
	case c.ip.six && f == filter.FieldHopLimit, !c.ip.six && f == filter.FieldTTL:
		return c.ArithImm(ir.OpSub, v, 1)
	case !c.ip.six && f == filter.FieldSum:
		return nil
	}
	return v
}

func (c *compiler) fact(f filter.Field) *ir.Value {
	switch f.At {
	case filter.MetaLen:
		return c.pkt.length
	case filter.MetaL4Proto:
		return c.Load(c.ip.protocol, 1)
	case filter.MetaOIF:
		return c.pkt.oif
	case filter.MetaBack, filter.MetaBackIn:
		return c.wayBack(f)
	}
	return nil
}

// reach wants a packet with some bytes behind its header.
func (c *compiler) reach(n int) {
	c.Bound(c.ip.end()+n, slowpath.Short)
	if !software(c.port) {
		c.GuardImm(ir.Ge, c.pkt.length, uint64(c.ip.header+n), slowpath.Short)
	}
}

// compiledHook tells whether a hook is a chain that programs follow.
func compiledHook(s *introspect.Snapshot, h introspect.Hook) bool {
	if h.Kind != "nft" {
		return false
	}
	for _, c := range s.Chains.All() {
		family, known := hookFamilies[c.Key.Family]
		if known && h.Name == family+" "+c.Key.Table+" "+c.Key.Name {
			table, _ := s.Tables.Get(c.Key.Of())
			return c.Type == "filter" && slices.Contains(filter.Hooks, c.Hook) && len(c.Unknown) == 0 && len(table.Unknown) == 0
		}
	}
	return false
}

// Rules is the number of base chains and rules that programs may have to follow; 0 if there is no chain to begin with.
func Rules(s *introspect.Snapshot) (n int) {
	for _, hook := range s.Hooks.All() {
		if compiledHook(s, hook) {
			n++
		}
	}
	if n == 0 {
		return 0
	}
	for _, c := range s.Chains.All() {
		if _, ip := hookFamilies[c.Key.Family]; ip {
			n += len(c.Rules)
		}
	}
	return n
}

// hookFamilies are the families of chains that programs follow, as hooks are named.
var hookFamilies = map[uint8]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet"}
