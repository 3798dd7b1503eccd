package agent

import (
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth"
)

// arrival is where a packet comes in: by which interface as far as IP knows, and in what frame there; and by which one that
// has a program, and in what frame at that.
type arrival struct {
	in, port     introspect.Link
	bare, framed []byte
}

// arrive frames the packet of a description. One that comes in by a VLAN device has its tag at the interface below, and one
// that has the tag of such a device there comes in by it.
func arrive(s *introspect.Snapshot, link introspect.Link, p packet.Packet) arrival {
	if lower, ok := synth.Below(s, link); ok {
		bare := p.Frame(packet.MAC(link.MAC))
		return arrival{link, lower, bare, packet.WithTag(bare, int(link.VLAN.ID))}
	}
	for _, l := range s.Links.All() {
		lower, ok := synth.Below(s, l)
		if ok && lower.Index == link.Index && p.Tag == int(l.VLAN.ID) {
			framed := p.Frame(packet.MAC(l.MAC))
			p.Tag = 0
			return arrival{l, link, p.Frame(packet.MAC(l.MAC)), framed}
		}
	}
	frame := p.Frame(packet.MAC(link.MAC))
	return arrival{link, link, frame, frame}
}

// arriveBridged is arrive by a port of a bridge, for what is for the bridge's own address.
func arriveBridged(s *introspect.Snapshot, bridge, port introspect.Link, p packet.Packet) arrival {
	framed := p.Frame(packet.MAC(bridge.MAC))
	in := synth.ReceivedBy(s, bridge, port, uint16(p.Tag))
	p.Tag = 0
	return arrival{in, port, p.Frame(packet.MAC(bridge.MAC)), framed}
}
