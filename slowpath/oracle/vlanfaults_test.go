package oracle

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/ir"
)

// plantedVLAN are mistakes about VLAN devices, each with a configuration whose packets must show it.
var plantedVLAN = []plant{
	{fault{name: "sends with another VLAN", snapshot: ofLink("r1.20", func(l *introspect.Link) { l.VLAN.ID = 21 })}, "out"},
	{fault{name: "sends with another VLAN instead of a tag", snapshot: ofLink("r1.20", func(l *introspect.Link) { l.VLAN.ID = 21 })}, "in and out"},
	{fault{name: "takes another VLAN", snapshot: ofLink("r0.10", func(l *introspect.Link) { l.VLAN.ID = 11 })}, "in"},
	{fault{name: "takes every VLAN", program: regardless("is-vlan10")}, "in"},
	{fault{name: "does not push the tag", program: unshifted(ir.OpPush)}, "out"},
	{fault{name: "does not pop the tag", program: unshifted(ir.OpPop)}, "in"},
	{fault{name: "leaves the tag as it came", program: keepsTag}, "in and out"},
	{fault{name: "leaves the priority as it came", program: keepsTag}, "the same number on both"},
	{fault{name: "does not know the MTU of the device", snapshot: ofLink("r1.20", func(l *introspect.Link) { l.MTU = 1500 })}, "mtu of the vlan"},
	{fault{name: "forgets the tag at the far end", snapshot: ofLink("r1", func(l *introspect.Link) { l.FarMTU += 4 })}, "offloads, mtu of the far end"},
	{fault{name: "does not know egress priorities", snapshot: ofLink("r1.20", func(l *introspect.Link) { l.VLAN.Mapped = false })}, "egress priorities"},
	{fault{name: "takes one kind of tag for the other", snapshot: ofLink("r1.20", func(l *introspect.Link) { l.VLAN.Protocol = unix.ETH_P_8021Q })},
		"802.1ad on the way out"},
	{fault{name: "sends from the parent's MAC", snapshot: ofLink("r1.20", func(l *introspect.Link) { l.MAC[4], l.MAC[5] = 1, 1 })}, "another mac on the way out"},
	{fault{name: "takes what is for other stations", program: without(slowpath.OtherHost)}, "in"},
	{fault{name: "does not know that the device is down", snapshot: ofLink("r0.10", func(l *introspect.Link) {
		l.Flags |= unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOWER_UP
		l.Carrier, l.OperState = true, 6
	})}, "vlan down"},
	{fault{name: "does not know the filters of the way out", snapshot: unfiltered}, "filter on the vlan"},
	{fault{name: "does not know the filters below the way out", snapshot: unfiltered}, "filter below the vlan"},
	{fault{name: "does not know the filters of the way in", snapshot: unfiltered}, "filter of what comes in by the vlan"},
	{fault{name: "does not know rp_filter of the device", snapshot: ofNetconf("r0.10", func(n *introspect.Netconf) { n.RPFilter = 0 })}, "rp_filter 1"},
	{fault{name: "does not know forwarding of the device", snapshot: ofNetconf("r0.10", func(n *introspect.Netconf) { n.Forwarding = true })},
		"forwarding off on the vlan"},
	{fault{name: "takes the device for its parent, in rules", snapshot: swapped("r0", "r0.10")}, "rule iif of the vlan"},
	{fault{name: "takes the device for its parent, in a ruleset", snapshot: swapped("r0", "r0.10")}, "nft iifname"},
	{fault{name: "takes the way out for what is below, in a ruleset", snapshot: swapped("r1", "r1.20")}, "nft oifname, and accept"},
	{fault{name: "does not notice another number", program: heedless}, "change: another vlan on the way out"},
	{fault{name: "does not notice far ends", program: unmoved(slowpath.FDB)}, "change: mtu of the far end, offloads"},
	{fault{name: "does not notice that the device goes", program: heedless}, "change: vlan moves away"},
}

// TestPlantedVLANFaultsAreFound plants mistakes about VLAN devices, which the comparison must notice.
func TestPlantedVLANFaultsAreFound(t *testing.T) {
	needRoot(t)
	needTags(t)
	needVLANs(t)
	if testing.Short() {
		t.Skip("short")
	}
	all, caught := vlanRouters(), 0
	for _, p := range plantedVLAN {
		if !strings.HasPrefix(p.name, *onlyFlag) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			i := slices.IndexFunc(all, func(c vlanRouter) bool { return c.name == p.config })
			if i < 0 {
				t.Fatalf("no configuration %q", p.config)
			}
			c := all[i]
			b := c.start(t)
			g := b.tagging(c, seed())
			frames, more := g.frames(600), g.frames(600)
			p.fault.kernel = c.altered(t, more)
			o, err := b.judge(c.config, p.fault, frames, more)
			if err != nil {
				t.Fatal(err)
			}
			if len(o.findings) == 0 && o.unsteady <= maxUnsteady {
				t.Errorf("seed %d: not found in %d packets (%s); left to the kernel: %s; behind: %s", seed(), o.packets, &o, o.left("fast"), o.left("behind"))
				return
			}
			caught++
			t.Logf("found: %d packets, %d batches", len(o.findings), o.unsteady)
		})
	}
	t.Logf("told: %d of %d planted faults found", caught, len(plantedVLAN))
}

// altered gives what the kernel does with the frames when the configuration has changed, in a router of its own.
func (c vlanRouter) altered(t *testing.T, frames [][]byte) []arrivals {
	t.Helper()
	if len(c.alter) == 0 {
		return nil
	}
	b := c.start(t)
	if err := errors.Join(b.configure(c.alter), b.open()); err != nil {
		t.Fatal(err)
	}
	return b.mustPlay(t, frames)
}

// ofLink changes what hone believes of a link.
func ofLink(name string, change func(*introspect.Link)) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		for i, l := range s.Links.All() {
			if l.Name == name {
				change(&l)
				s.Links = s.Links.With(i, l)
			}
		}
	}
}

// ofNetconf changes what hone believes of the IPv4 settings of a link.
func ofNetconf(name string, change func(*introspect.Netconf)) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		for i, l := range s.Links.All() {
			if n, ok := s.Netconf.Get(i); ok && l.Name == name {
				change(&n)
				s.Netconf = s.Netconf.With(i, n)
			}
		}
	}
}

// swapped takes the name of one link for that of another.
func swapped(one, other string) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		for i, l := range s.Links.All() {
			switch l.Name {
			case one:
				l.Name = other
			case other:
				l.Name = one
			}
			s.Links = s.Links.With(i, l)
		}
	}
}

// unfiltered forgets what tc was told.
func unfiltered(s *introspect.Snapshot) {
	s.Filters = introspect.Map[introspect.FilterKey, introspect.Filter]{}
	s.Qdiscs = introspect.Map[introspect.QdiscKey, introspect.Qdisc]{}
}

// regardless takes the way to the blocks of a name, whatever the condition.
func regardless(name string) func(*ir.Program) {
	return func(p *ir.Program) {
		var gone []*ir.Block
		for _, b := range p.Blocks {
			if b.Exit.Kind == ir.If && strings.HasSuffix(b.Exit.Then.Name, "-"+name) {
				gone = append(gone, b.Exit.Else)
				b.Exit = ir.Exit{Kind: ir.Jump, Then: b.Exit.Then}
			}
		}
		p.Blocks = slices.DeleteFunc(p.Blocks, func(b *ir.Block) bool { return slices.Contains(gone, b) })
	}
}

// unshifted writes the MACs, and leaves the packet where it is.
func unshifted(op ir.Op) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			i := slices.IndexFunc(b.Values, func(v *ir.Value) bool { return v.Op == op })
			if i < 0 {
				continue
			}
			shift := b.Values[i]
			for _, v := range b.Values[i+1:] {
				switch v.Op {
				case ir.OpLoad, ir.OpLoadLE, ir.OpStore, ir.OpStoreLE:
					v.Imm -= uint64(ir.ShiftBy[op])
				}
			}
			source := &ir.Value{ID: shift.ID, Op: ir.OpStoreLE, Imm: 8, Width: 4, Args: shift.Args[1:2]}
			dest := &ir.Value{ID: shift.ID, Op: ir.OpStoreLE, Imm: 0, Width: 8, Args: shift.Args[:1]}
			b.Values = slices.Replace(b.Values, i, i+1, dest, source)
		}
	}
}

// heedless does not look at epochs: not at that of all, nor at that of far ends.
func heedless(p *ir.Program) {
	unmoved(slowpath.Any)(p)
	unmoved(slowpath.FDB)(p)
}

// keepsTag does not write the tag where there was one.
func keepsTag(p *ir.Program) {
	for _, b := range p.Blocks {
		b.Values = slices.DeleteFunc(b.Values, func(v *ir.Value) bool { return v.Op == ir.OpStore && v.Imm == lab.OffIP && v.Width == 2 })
	}
}
