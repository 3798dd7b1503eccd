package oracle

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/ir"
)

// connectionFaults are mistakes that the comparison has to notice.
var connectionFaults = []fault{
	{name: "any connection", program: eachValue(func(v *ir.Value) {
		if v.Op == ir.OpField && v.Field == "reason" {
			v.Op, v.Args, v.Table, v.Field = ir.OpConst, nil, nil, ""
		}
	})},
	{name: "flags of TCP ignored", program: withoutGuards(slowpath.TCPFlags)},
	{name: "lengths ignored", program: withoutGuards(slowpath.Transport)},
	{name: "port not written", program: eachValue(func(v *ir.Value) {
		if v.Op == ir.OpStore && v.Width == 2 && (v.Imm == lab.OffL4 || v.Imm == lab.Off6L4) {
			v.Imm, v.Args = lab.OffEtherType, []*ir.Value{v.Args[0]}
		}
	})},
	{name: "source and destination exchanged", program: eachValue(func(v *ir.Value) {
		if v.Op == ir.OpField && v.Table.Kind.Tracks() {
			v.Field = exchange.Replace(v.Field)
		}
	})},
	{name: "a part of the checksum forgotten", program: eachValue(func(v *ir.Value) {
		if v.Op == ir.OpXor && v.Args[1].Op == ir.OpConst && v.Args[1].Imm == 0xffffffff {
			v.Op = ir.OpAnd
		}
	})},
}

var exchange = strings.NewReplacer("source", "dest", "dest", "source")

func eachValue(change func(*ir.Value)) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			for _, v := range b.Values {
				change(v)
			}
		}
	}
}

func withoutGuards(r slowpath.Reason) func(*ir.Program) {
	return eachValue(func(v *ir.Value) {
		if v.Op == ir.OpGuard && v.Reason == r {
			v.Cond, v.Args = ir.Eq, []*ir.Value{v.Args[0], v.Args[0]}
		}
	})
}

// TestConnectionFaults plants mistakes into programs.
func TestConnectionFaults(t *testing.T) {
	needConnections(t)
	for _, f := range connectionFaults {
		t.Run(f.name, func(t *testing.T) {
			for _, s := range slices.Backward(scenes) {
				if o := s.judge(t, f, 1200); len(o.findings) > 0 {
					return
				}
			}
			t.Error("nothing noticed it")
		})
	}
}

// plantedTalks are mistakes about what rules see of connections, with configurations whose sessions show them.
var plantedTalks = []plant{
	{fault{name: "does not translate", program: untranslated}, "masquerade"},
	{fault{name: "rules see addresses before they are translated", snapshot: eachChain(func(c *introspect.Chain) {
		if c.Type == "filter" && c.Hook == unix.NF_INET_PRE_ROUTING {
			c.Priority = min(c.Priority, -101)
		}
	})}, "chains around NAT"},
	{fault{name: "rules see addresses after they are translated", snapshot: eachChain(func(c *introspect.Chain) {
		if c.Type == "filter" && c.Hook == unix.NF_INET_POST_ROUTING {
			c.Priority = max(c.Priority, 101)
		}
	})}, "chains around NAT"},
	{fault{name: "every packet is of the original direction", program: unread("dir")}, "states counted"},
	{fault{name: "no connection has a mark", program: unread("mark")}, "change: marked by hand"},
	{fault{name: "rules ask for the other tuple", snapshot: each(func(c introspect.Ct) introspect.Ct {
		if c.Direction != introspect.NoDirection {
			c.Direction ^= 1
		}
		return c
	})}, "rules on tuples"},
	{fault{name: "does not notice a rule that drops", program: unmoved(slowpath.Any)}, "change: rule added"},
}

// untranslated sends packets as those of connections without NAT.
func untranslated(p *ir.Program) {
	for _, b := range p.Blocks {
		if b.Exit.Kind == ir.If && strings.HasSuffix(b.Exit.Then.Name, "translate") {
			b.Exit = ir.Exit{Kind: ir.Jump, Then: b.Exit.Else}
		}
	}
	p.Blocks = reachable(p)
}

// reachable are the blocks that packets may still come to.
func reachable(p *ir.Program) []*ir.Block {
	seen := map[*ir.Block]bool{}
	var visit func(*ir.Block)
	visit = func(b *ir.Block) {
		if b == nil || seen[b] {
			return
		}
		seen[b] = true
		visit(b.Exit.Then)
		visit(b.Exit.Else)
	}
	visit(p.Blocks[0])
	return slices.DeleteFunc(p.Blocks, func(b *ir.Block) bool { return !seen[b] })
}

// unread takes a field of connections for zero.
func unread(field string) func(*ir.Program) {
	return eachValue(func(v *ir.Value) {
		if v.Op == ir.OpField && v.Table.Kind.Tracks() && v.Field == field {
			*v = ir.Value{ID: v.ID, Op: ir.OpConst}
		}
	})
}

// TestPlantedConnectionFaultsAreFound plants mistakes that only sessions show.
func TestPlantedConnectionFaultsAreFound(t *testing.T) {
	needConnections(t)
	for _, p := range plantedTalks {
		if !strings.HasPrefix(p.name, *onlyFlag) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			i := slices.IndexFunc(talkConfigs(), func(c config) bool { return c.name == p.config })
			if o, _ := converse(t, talkConfigs()[i], p.fault); len(o.findings) == 0 {
				t.Errorf("seed %d: not found (%s)", seed(), &o)
			}
		})
	}
}
