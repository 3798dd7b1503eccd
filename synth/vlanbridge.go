package synth

import (
	"fmt"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Where a bridge filters VLANs, it is itself like a port: what is for its own address comes in by it if it belongs to the VLAN
// without a tag, else by the VLAN device on it.

// receiver is the interface that frames of a VLAN to the bridge's own address come in by as far as IP knows, if programs may
// route them.
func (b *bridging) receiver(vid uint16) (introspect.Link, bool) {
	if vid == 0 || !takesTagged(b.snapshot, b.bridge, vid) {
		return b.bridge, routesBridge(b.subject(), vid, b.shape).reason == slowpath.None
	}
	l, ok := deviceOn(b.snapshot, b.bridge, vid)
	return l, ok && routesTagged(b.subject(), l, b.shape)
}

// deviceOn is the VLAN device of a VLAN on a bridge, if programs know its tags.
func deviceOn(s *introspect.Snapshot, bridge introspect.Link, vid uint16) (introspect.Link, bool) {
	for _, i := range wholeOf(s).children[bridge.Index] {
		l, _ := s.Links.Get(i)
		if _, ok := below(s, l); ok && l.VLAN.ID == vid {
			return l, true
		}
	}
	return introspect.Link{}, false
}

// ReceivedBy is the interface that a frame to a bridge's own address, which comes in by a port, comes in by as far as IP knows;
// the frame has a tag of a VLAN, or 0.
func ReceivedBy(s *introspect.Snapshot, bridge, port introspect.Link, vid uint16) introspect.Link {
	if vid == 0 {
		vid, _ = untaggedVLAN(s, bridge.Bridge, port.Index)
	}
	if l, ok := deviceOn(s, bridge, vid); ok && takesTagged(s, bridge, vid) {
		return l
	}
	return bridge
}

// belowRefusals are asked of a bridge that a VLAN device stands on.
var belowRefusals = []func(subject) verdict{refuseSwitch, refuseLink, refuseChildren, refuseState, refuseUnknown, refuseXDP, refuseFilters}

// routesTagged tells whether programs may route the packets of a VLAN device on a bridge.
func routesTagged(bridge subject, l introspect.Link, shape Shape) bool {
	own := introspect.FDBKey{Bridge: bridge.link.Index, MAC: bridge.link.MAC, VLAN: l.VLAN.ID}
	return shape.owns(own) && firstOf(belowRefusals, bridge).reason == slowpath.None &&
		refuseTagged(subject{bridge.Snapshot, l, bridge.options}).reason == slowpath.None
}

// routedTagged is for tagged frames to the bridge itself. What is written of frames with a tag takes it for one of VLAN devices.
func (b *bridging) routedTagged(to *ir.Value) {
	if b.tagType() != customerTag {
		return
	}
	var devices []introspect.Link
	var vids []uint16
	for key, v := range b.snapshot.VLANs.From(introspect.VLANKey{Index: b.bridge.Index}) {
		if key.Index != b.bridge.Index {
			break
		}
		if l, ok := b.receiver(key.VID); ok && forwards(v) && len(devices) < mostTagged {
			devices, vids = append(devices, l), append(vids, key.VID)
		}
	}
	if len(devices) == 0 {
		return
	}
	own, next := b.block("own"), b.block("other")
	b.If(ir.Eq, b.ArithImm(ir.OpShl, to, macShift), b.Const(stationKey(b.bridge.MAC, 0)), own, next, true)
	vid := b.tag
	b.asides = append(b.asides, func() { b.ownTagged(own, vid, devices, vids) })
	b.Start(next)
}

// ownTagged finds the interface that a frame of some VLAN comes in by.
func (b *bridging) ownTagged(start *ir.Block, vid *ir.Value, devices []introspect.Link, vids []uint16) {
	b.Start(start)
	mine := b.forkByVLAN(vid, vids)
	b.Punt(slowpath.FDBLocal)
	for i, l := range devices {
		b.apart(mine[i], fmt.Sprintf("tag%d-", vids[i]), l, vlanHeader, b.route)
	}
}
