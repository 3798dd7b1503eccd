package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Where a bridge filters VLANs, an untagged frame belongs to the one that its port names for such (the PVID), one with a tag
// of the bridge's kind to that of the tag; entries are of a VLAN, and a port carries those that it is a member of, with a
// tag or without. Whether the port by which a frame comes in carries its VLAN is asked of the row of its source, which is on
// that port, or on none where that is not so.

// untaggedVLAN is the VLAN of the untagged frames of a port, or of a bridge itself: 0 where the bridge does not filter
// VLANs; false if there is none, or it does not forward.
func untaggedVLAN(s *introspect.Snapshot, b introspect.Bridge, port introspect.Index) (vid uint16, ok bool) {
	if !b.VLANFiltering {
		return 0, true
	}
	for key, v := range s.VLANs.From(introspect.VLANKey{Index: port}) {
		if key.Index != port {
			break
		}
		if v.PVID {
			return key.VID, forwards(v)
		}
	}
	return 0, false
}

// forwards tells whether a VLAN of a port does no more than forward.
func forwards(v introspect.VLAN) bool {
	return v.State == introspect.PortForwarding && !v.Tunnel && len(v.Unknown) == 0
}

// carries tells what a port is to a VLAN, if it carries that: all do 0, which is none.
func carries(s *introspect.Snapshot, port introspect.Index, vid uint16) (v introspect.VLAN, ok bool) {
	if vid == 0 {
		return v, true
	}
	v, ok = s.VLANs.Get(introspect.VLANKey{Index: port, VID: vid})
	return v, ok && forwards(v)
}

// carriesTags tells whether programs know tagged frames of a port of a bridge that filters VLANs.
func carriesTags(s *introspect.Snapshot, port introspect.Link) bool {
	if !port.KeepsTags || !port.Port.Learning && !port.Port.Locked {
		return false
	}
	for key, v := range s.VLANs.From(introspect.VLANKey{Index: port.Index}) {
		if key.Index != port.Index {
			break
		}
		if forwards(v) {
			return true
		}
	}
	return false
}

// vlanReason tells why untagged frames of a VLAN do not leave by a port, or by a bridge itself, as they are.
func vlanReason(s *introspect.Snapshot, port introspect.Index, vid uint16) slowpath.Reason {
	switch v, ok := carries(s, port, vid); {
	case !ok:
		return slowpath.PortVLAN
	case vid != 0 && !v.Untagged:
		return slowpath.BridgeTag
	}
	return slowpath.None
}

// filters tells whether the bridge filters VLANs.
func (b *bridging) filters() bool { return b.bridge.Bridge.VLANFiltering }

// tagArm writes what becomes of frames with a tag of the bridge's kind, and goes on with those without one.
func (b *bridging) tagArm(to, from *ir.Value) {
	own, other := b.tagType(), uint16(providerTag)
	if own == other {
		other = customerTag
	}
	why := slowpath.BridgeTagTaken
	if b.port.KeepsTags {
		why = slowpath.BridgeTag
	}
	b.GuardImm(ir.Ne, b.kind, etherType(other), why)
	if !carriesTags(b.snapshot, b.port) || b.mayBePartial() {
		b.GuardImm(ir.Ne, b.kind, etherType(own), why)
		return
	}
	tag, bare := b.block("with-tag"), b.block("without-tag")
	b.If(ir.Eq, b.kind, b.Const(etherType(own)), tag, bare, true)
	b.asides = append(b.asides, func() {
		c, arm, ip := *b, b.arm, b.ip
		c.Start(tag)
		c.tagged(to, from)
		b.arm, b.ip = arm, ip
	})
	b.Start(bare)
}

// tagged is for frames that say by a tag which VLAN they belong to.
func (b *bridging) tagged(to, from *ir.Value) {
	b.arm, b.ip = "tagged", layout4
	b.tag = b.ArithImm(ir.OpAnd, b.Load(atTCI, 2), vidMask)
	b.frame = b.ArithImm(ir.OpSub, b.frame, vlanHeader)
	dest := b.stations(b.key(to), b.key(from))
	b.routedTagged(to)
	b.deliverable(dest)
	b.single()
	b.popped(dest)
	b.send(dest)
}

// popped sends frames without their tag that leave so.
func (b *bridging) popped(dest *ir.Value) {
	pop, keep := b.block("pop"), b.block("keep")
	b.If(ir.NoneSet, b.Field(dest, "flags"), b.Const(stationTagged), pop, keep, false)
	b.Start(pop)
	b.Pop(b.macs(), slowpath.BridgeTag)
	b.send(dest)
	b.Start(keep)
	b.leavesTagged(b.frame, dest)
}

// pushed sends frames with a tag that leave with one: it says their VLAN, and no priority.
func (b *bridging) pushed(dest *ir.Value) {
	push, keep := b.block("push"), b.block("keep")
	b.If(ir.AnySet, b.Field(dest, "flags"), b.Const(stationTagged), push, keep, true)
	b.Start(push)
	b.leavesTagged(b.frame, dest)
	var tag [4]byte
	binary.BigEndian.PutUint16(tag[:], b.tagType())
	binary.BigEndian.PutUint16(tag[2:], b.vid)
	b.Push(b.macs(), b.Const(uint64(binary.LittleEndian.Uint32(tag[:]))), slowpath.BridgeTag)
	b.send(dest)
	b.Start(keep)
}

// macs are the first bytes of the frame, in words of eight and of four.
func (b *bridging) macs() [2]*ir.Value {
	return [2]*ir.Value{b.LoadLE(atDestMAC, 8), b.LoadLE(atSourceMAC, 4)}
}

// tagType is the ethertype of the bridge's tags.
func (b *bridging) tagType() uint16 {
	if b.bridge.Bridge.VLANProtocol == providerTag {
		return providerTag
	}
	return customerTag
}
