package synth

import (
	"fmt"
	"slices"

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
	alone := lower.Master == 0 && lower.SlaveKind == "" && lower.Flags&unix.IFF_SLAVE == 0
	return lower, ok && plain && alone && (slices.Contains(compiledKinds, lower.Kind) || filtersVLANs(lower))
}

// filtersVLANs tells whether a link is a bridge whose ports carry VLANs of such tags.
func filtersVLANs(l introspect.Link) bool {
	return l.Kind == kindBridge && l.Bridge.VLANFiltering && (l.Bridge.VLANProtocol == 0 || l.Bridge.VLANProtocol == customerTag)
}

// Below is the interface that a VLAN device stands on whose frames programs may take; false for other links.
func Below(s *introspect.Snapshot, l introspect.Link) (introspect.Link, bool) { return below(s, l) }

// standsTagged tells whether there are VLAN devices that packets may leave by.
func standsTagged(s *introspect.Snapshot) bool {
	for _, l := range s.Links.All() {
		if _, ok := below(s, l); ok {
			return true
		}
	}
	return false
}

// tagged says of a VLAN device what sends its frames.
func (e *egresses) tagged(s *introspect.Snapshot, vid uint16, lower introspect.Link) {
	most := lower.MTU
	if lower.Kind == kindBridge {
		e.bridge, e.inside = lower.Index, vid
	} else {
		e.lower, e.vid = lower.Index, vid
		most = taggedMTU(s, lower)
	}
	e.four.mtu, e.six.mtu = min(e.four.mtu, most), min(e.six.mtu, most)
}

// tagReason vets a VLAN device as the outgoing interface, and the interface below, which sends the frames.
func tagReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	lower, ok := below(s, l)
	switch {
	case !ok, !plainDevice(l):
		return slowpath.EgressKind
	case l.Flags&running != running, !l.Carrier:
		return slowpath.EgressDown
	}
	if reason := watchedReason(s, l); reason != slowpath.None {
		return reason
	}
	switch {
	case lower.Kind != kindBridge && taggedMTU(s, lower) < 68:
		return slowpath.EgressNotReady
	case lower.Kind != kindBridge:
		return deviceReason(s, lower)
	case !takesTagged(s, lower, l.VLAN.ID):
		return slowpath.PortVLAN
	}
	return bridgingReason(s, lower)
}

// takesTagged tells whether a bridge itself belongs to a VLAN, with a tag.
func takesTagged(s *introspect.Snapshot, bridge introspect.Link, vid uint16) bool {
	return vlanReason(s, bridge.Index, vid) == slowpath.BridgeTag
}

// taggedMTU is the longest packet that leaves by an interface in a frame with a tag: at the far end of a cable, the tag counts.
func taggedMTU(s *introspect.Snapshot, l introspect.Link) uint32 { return min(l.MTU, farMTU(s, l)) }

// farTagged tells whether frames with a tag may leave by a cable to another network namespace, given the links that stand on
// others: by one that a VLAN device stands on, or by a port of a bridge that carries VLANs, whatever the packets come from.
func farTagged(s *introspect.Snapshot, children map[introspect.Index][]introspect.Index) bool {
	stands := func(i introspect.Index) bool {
		l, _ := s.Links.Get(i)
		_, ok := below(s, l)
		return ok
	}
	for i, l := range s.Links.All() {
		if l.Kind != kindVeth || l.PeerNS < 0 {
			continue
		}
		if bridge, _ := s.Links.Get(l.Master); filtersVLANs(bridge) || slices.ContainsFunc(children[i], stands) {
			return true
		}
	}
	return false
}

// tagRefusals are asked of a VLAN device whose packets the program of the interface below may route.
var tagRefusals = []func(subject) verdict{
	refuseSwitch, refuseLink, refuseTag, refuseRoutedMaster, refuseChildren, refuseState, refuseUnknown, refuseXDP, refuseFamilies,
	refuseFilters, refusePromiscuous,
}

// refuseTagged tells why the packets of a VLAN device are all the kernel's.
func refuseTagged(s subject) verdict { return firstOf(tagRefusals, s) }

// refuseTag wants a device whose tags programs know.
func refuseTag(s subject) verdict {
	lower, ok := below(s.Snapshot, s.link)
	switch {
	case !ok:
		return refused(slowpath.Kind, "kind %s: its tags, or what it stands on, are not compiled", s.link.Kind)
	case lower.Kind != kindBridge && lower.MAC != s.link.MAC:
		return refused(slowpath.Kind, "its address is not that of %s: the program there takes frames to that one only", lower.Name)
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
	vids := make([]uint16, len(devices))
	for i, l := range devices {
		vids[i] = l.VLAN.ID
	}
	mine := c.forkByVLAN(c.ArithImm(ir.OpAnd, c.Load(atTCI, 2), vidMask), vids)
	c.Punt(slowpath.VLANOther)
	for i, l := range devices {
		c.receivedTagged(mine[i], l)
	}
}

// forkByVLAN leads to a block for each of some VLANs, and goes on with the others.
func (c *compiler) forkByVLAN(vid *ir.Value, vids []uint16) []*ir.Block {
	mine := make([]*ir.Block, len(vids))
	for i, n := range vids {
		var next *ir.Block
		mine[i], next = c.block(fmt.Sprint("is-vlan", n)), c.block(fmt.Sprint("past-vlan", n))
		c.If(ir.Eq, vid, c.Const(uint64(n)), mine[i], next, false)
		c.Start(next)
	}
	return mine
}

// receivedTagged writes what becomes of the frames of a VLAN device: what becomes of all, four bytes farther behind.
func (c *compiler) receivedTagged(start *ir.Block, l introspect.Link) {
	c.apart(start, fmt.Sprintf("vlan%d-", l.VLAN.ID), l, vlanHeader, func() {
		if c.stages(armHot, layout4, early{}) {
			c.last()
		}
	})
}

// apart writes what becomes of frames that come in by another interface as far as IP knows, with so many bytes of tags. The
// names of its blocks begin alike.
func (c *compiler) apart(start *ir.Block, name string, l introspect.Link, tag int, write func()) {
	before := *c
	c.Start(start)
	c.within, c.asides, c.Tag = name, nil, tag
	c.left, c.picks, c.chains = map[*layout]slowpath.Reason{}, map[*layout]picker{}, map[*layout]*filter.Path{}
	c.receivedBy(l)
	if l.Kind == kindVLAN {
		c.shownBelow(l)
	}
	write()
	c.finish()
	*c, c.Tag = before, 0
}

// shownBelow leaves families to the kernel of which somebody listens to the interface that a VLAN device stands on: those are
// shown what comes in by the device, too.
func (c *compiler) shownBelow(l introspect.Link) {
	lower, _ := below(c.snapshot, l)
	for _, ip := range []*layout{layout4, layout6} {
		if v := refuseTaps(subject{c.snapshot, lower, c.options}, ip); c.left[ip] == slowpath.None {
			c.left[ip] = v.reason
		}
	}
}

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
	if wholeOf(c.snapshot).farTagged {
		c.GuardImm(ir.Eq, c.Moved(slowpath.FDB), 0, slowpath.Moved) // which is what far ends move that change
	}
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
