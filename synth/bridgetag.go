package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Places in a frame with one VLAN tag.
const (
	atTCI       = 14
	atInnerType = 16
	vlanHeader  = 4
	vidMask     = 0xfff
	noVID       = 0 // of a priority tag
	reservedVID = 0xfff
	customerTag = unix.ETH_P_8021Q
	providerTag = unix.ETH_P_8021AD
)

// isTag leads to a new block for frames with a VLAN tag, or to that of others.
func (b *bridging) isTag(name string, other *ir.Block) (tag *ir.Block) {
	tag = b.block(name)
	second := b.block(name + "-ad")
	b.If(ir.Eq, b.kind, b.Const(etherType(customerTag)), tag, second, false)
	b.Start(second)
	b.If(ir.Eq, b.kind, b.Const(etherType(providerTag)), tag, other, false)
	return tag
}

// noTag wants a frame without a tag.
func (b *bridging) noTag(why slowpath.Reason) {
	for _, tag := range []uint16{customerTag, providerTag} {
		b.GuardImm(ir.Ne, b.kind, etherType(tag), why)
	}
}

// opaque is for tags on a bridge that does not filter VLANs: they are forwarded as they are, as long as nobody takes them
// off before the bridge sees them.
func (b *bridging) opaque(next *ir.Block, dest *ir.Value) {
	if !b.port.KeepsTags {
		b.noTag(slowpath.BridgeTagTaken)
		return
	}
	other := b.block("no-tag")
	b.Start(b.isTag("tag", other))
	b.single()
	b.leavesTagged(b.ArithImm(ir.OpSub, b.frame, vlanHeader), dest)
	b.Jump(next)
	b.Start(other)
}

// single wants one plain tag, and behind it what the bridge forwards without a look: it takes the tag for no part of the
// frame, and sees the ethertype behind it.
func (b *bridging) single() {
	vid := b.ArithImm(ir.OpAnd, b.Load(atTCI, 2), vidMask)
	b.GuardImm(ir.Ne, vid, noVID, slowpath.BridgeTag)
	b.GuardImm(ir.Ne, vid, reservedVID, slowpath.BridgeTag)
	inner := b.LoadLE(atInnerType, 2)
	for _, kind := range b.keptTypes() {
		b.GuardImm(ir.Ne, inner, etherType(kind), slowpath.BridgeTag)
	}
	b.own(inner)
}

// keptTypes are the ethertypes that do not stand behind a tag in a frame which is forwarded: another tag, and what netfilter is
// asked about, or neighbours are answered for.
func (b *bridging) keptTypes() []uint16 {
	all := []uint16{customerTag, providerTag}
	asks := bridgeSysctl(b.snapshot, "filter-vlan-tagged")
	if asks && callsRuleset(b.snapshot, b.bridge, layout4) {
		all = append(all, unix.ETH_P_IP)
	}
	if asks && callsRuleset(b.snapshot, b.bridge, layout6) || b.suppresses() {
		all = append(all, unix.ETH_P_IPV6)
	}
	return all
}

// leavesTagged wants a frame of a length without its tag that may leave with one: the kernel carries the tag beside the frame,
// where no limit counts it.
func (b *bridging) leavesTagged(length, dest *ir.Value) {
	b.Guard(ir.Le, length, b.Field(dest, "tagged"), slowpath.MTU)
}

// tooLong is for frames that are longer than those without a tag may be: one that has a tag may be as much longer.
func (b *bridging) tooLong(fits *ir.Block, limit *ir.Value) {
	if b.filters() || !b.port.KeepsTags || b.mayBePartial() {
		b.Punt(slowpath.MTU)
		return
	}
	other := b.block("too-long")
	b.Start(b.isTag("long-tag", other))
	b.If(ir.Le, b.ArithImm(ir.OpSub, b.frame, vlanHeader), limit, fits, other, false)
	b.Start(other)
	b.Punt(slowpath.MTU)
}
