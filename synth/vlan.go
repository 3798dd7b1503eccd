package synth

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// A VLAN device has no program: that of the interface below takes its frames, by their tag, and sends them. They come in by the
// device as far as IP knows. Tags that stand beside a frame are no program's to see or to set.

// kindVLAN is the kind of VLAN devices.
const kindVLAN = "vlan"

// Flags of VLAN devices, from linux/if_vlan.h.
const (
	vlanReorders = 1 << iota // the tag is taken off the frame before anybody sees it
	vlanGVRP
	vlanLoose // the device may be up while the one below is not
	vlanMVRP
	vlanBridged // so may it while ports of a bridge below are not
)

// mostTagged bounds the VLAN devices of an interface whose frames its program takes: each has stages of its own.
const mostTagged = 32

// below is the interface that a VLAN device stands on, if programs do with its tags what the kernel does.
func below(s *introspect.Snapshot, l introspect.Link) (lower introspect.Link, ok bool) {
	if l.Kind != kindVLAN || l.PeerNS >= 0 {
		return lower, false
	}
	v := l.VLAN
	plain := v.Protocol == customerTag && v.ID != noVID && v.ID < reservedVID && !v.Mapped && len(v.Unknown) == 0 &&
		v.Flags&vlanReorders != 0 && v.Flags&^(vlanReorders|vlanGVRP|vlanLoose|vlanMVRP|vlanBridged) == 0
	lower, ok = s.Links.Get(l.Lower)
	return lower, ok && plain && slices.Contains(compiledKinds, lower.Kind) && lower.Master == 0 && lower.SlaveKind == "" &&
		lower.Flags&unix.IFF_SLAVE == 0
}

// standsTagged tells whether there are VLAN devices that packets may leave by.
func standsTagged(s *introspect.Snapshot) bool {
	for _, l := range s.Links.All() {
		if _, ok := below(s, l); ok {
			return true
		}
	}
	return false
}

// tagReason vets a VLAN device as the outgoing interface, and the interface below, which sends the frames.
func tagReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	lower, ok := below(s, l)
	switch {
	case !ok, !plainDevice(l):
		return slowpath.EgressKind
	case l.Flags&running != running, !l.Carrier:
		return slowpath.EgressDown
	case taggedMTU(s, lower) < 68:
		return slowpath.EgressNotReady
	}
	if reason := watchedReason(s, l); reason != slowpath.None {
		return reason
	}
	return deviceReason(s, lower)
}

// taggedMTU is the longest packet that leaves by an interface in a frame with a tag: at the far end of a cable, the tag counts.
func taggedMTU(s *introspect.Snapshot, l introspect.Link) uint32 { return min(l.MTU, farMTU(s, l)) }

// tagRefusals are asked of a VLAN device whose packets the program of the interface below may route.
var tagRefusals = []func(subject) verdict{
	refuseSwitch, refuseLink, refuseTag, refuseRoutedMaster, refuseChildren, refuseState, refuseUnknown, refuseXDP, refuseFamilies,
	refuseFilters, refusePromiscuous,
}

// refuseTagged tells why the packets of a VLAN device are all the kernel's.
func refuseTagged(s subject) verdict {
	for _, refuse := range tagRefusals {
		if v := refuse(s); v.reason != slowpath.None {
			return v
		}
	}
	return accepted
}

// refuseTag wants a device whose tags programs know.
func refuseTag(s subject) verdict {
	if _, ok := below(s.Snapshot, s.link); !ok {
		return refused(slowpath.Kind, "kind %s: its tags, or what it stands on, are not compiled", s.link.Kind)
	}
	return accepted
}

// taggedDevices are the VLAN devices on an interface whose frames its program takes.
func taggedDevices(s *introspect.Snapshot, lower introspect.Link, o Options) (all []introspect.Link) {
	for _, i := range wholeOf(s).children[lower.Index] {
		l, _ := s.Links.Get(i)
		if l.Kind == kindVLAN && len(all) < mostTagged && refuseTagged(subject{s, l, o}).reason == slowpath.None {
			all = append(all, l)
		}
	}
	return all
}

// takeTagged leads frames with a tag to a block of their own, if there is a device for any. While the tables are behind, they
// are the kernel's, as the live lookup would take the interface below for theirs.
func (c *compiler) takeTagged(kind *ir.Value) {
	if c.link.Index != c.port.Index {
		return
	}
	devices := taggedDevices(c.snapshot, c.port, c.options)
	if len(devices) == 0 {
		return
	}
	if c.arm == armCold {
		c.GuardImm(ir.Ne, kind, customerTag, slowpath.Moved)
		return
	}
	tag, not := c.block("tag"), c.block("no-tag")
	c.If(ir.Eq, kind, c.Const(customerTag), tag, not, false)
	c.asides = append(c.asides, func() { c.byTag(tag, devices) })
	c.Start(not)
}

// byTag looks for the device that a frame comes in by.
func (c *compiler) byTag(start *ir.Block, devices []introspect.Link) {
	c.Start(start)
	vid := c.ArithImm(ir.OpAnd, c.Load(atTCI, 2), vidMask)
	mine := make([]*ir.Block, len(devices))
	for i, l := range devices {
		var next *ir.Block
		mine[i], next = c.block("is-"+vlanName(l)), c.block("past-"+vlanName(l))
		c.If(ir.Eq, vid, c.Const(uint64(l.VLAN.ID)), mine[i], next, false)
		c.Start(next)
	}
	c.Punt(slowpath.VLANOther)
	for i, l := range devices {
		c.receivedTagged(mine[i], l)
	}
}

// receivedTagged writes what becomes of the frames of a VLAN device: what becomes of all, four bytes farther behind.
func (c *compiler) receivedTagged(start *ir.Block, l introspect.Link) {
	before := *c
	c.Start(start)
	c.within, c.asides, c.Tag = vlanName(l)+"-", nil, vlanHeader
	c.left, c.picks, c.chains = map[*layout]slowpath.Reason{}, map[*layout]picker{}, map[*layout]*filter.Path{}
	c.receivedBy(l)
	below := subject{c.snapshot, c.port, c.options}
	for _, ip := range []*layout{layout4, layout6} {
		if v := refuseTaps(below, ip); c.left[ip] == slowpath.None { // those of the interface below are shown what comes in by others, too
			c.left[ip] = v.reason
		}
	}
	if c.stages(armHot, layout4, early{}) {
		c.last()
	}
	c.finish()
	*c, c.Tag = before, 0
}

func vlanName(l introspect.Link) string { return kindVLAN + strconv.Itoa(int(l.VLAN.ID)) }

// begin counts the packet and gives the frame its addresses and its tag, if it is to have one; rest goes on, wherever that
// leads. Nothing may be left to the kernel after it.
func (c *compiler) begin(to hop, rest func()) {
	in := c.Tag != 0
	if to.vid == nil {
		c.retagged(to, in, false, rest)
		return
	}
	with, without := c.block("with-tag"+to.name), c.block("without-tag"+to.name)
	c.If(ir.Ne, to.vid, c.Const(0), with, without, false)
	c.Start(with)
	c.retagged(to, in, true, rest)
	c.Start(without)
	c.retagged(to, in, false, rest)
}

// retagged is begin for a frame that comes with a tag or without one, and leaves so.
func (c *compiler) retagged(to hop, in, out bool, rest func()) {
	macs := [2]*ir.Value{to.mac, to.smac}
	switch {
	case in && !out:
		c.Pop(macs, slowpath.VLANOther)
		c.Tag = 0
	case out && !in:
		c.Push(macs, c.tagOf(to.vid), slowpath.VLANOther)
		c.Tag = vlanHeader
	}
	c.Count(to.counter)
	c.commit()
	c.account()
	if in == out {
		c.StoreLE(atDestMAC, 8, to.mac)
		c.StoreLE(atSourceMAC, 4, to.smac)
	}
	if in && out {
		c.Tag = 0
		c.Store(atTCI, 2, to.vid)
		c.Tag = vlanHeader
	}
	rest()
	c.Tag = 0
	if in {
		c.Tag = vlanHeader
	}
}

// tagOf is a tag that says a VLAN, and no priority, as it stands in the frame.
func (c *compiler) tagOf(vid *ir.Value) *ir.Value {
	const kind = customerTag>>8 | customerTag&0xff<<8
	return c.ArithImm(ir.OpOr, c.ArithImm(ir.OpShl, c.Arith(ir.OpSwap16, vid), 16), kind)
}
