package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// States of a neighbour: those in which the kernel sends to it, and those of them in which it does not want to know
// whether anybody does.
const (
	nudUsable  = unix.NUD_REACHABLE | unix.NUD_PERMANENT | unix.NUD_NOARP | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE
	nudSettled = unix.NUD_REACHABLE | unix.NUD_PERMANENT | unix.NUD_NOARP
)

// usable tells whether frames can be sent to a neighbour.
func usable(n introspect.Neigh) bool {
	return n.State&nudUsable != 0 && n.HasMAC && n.MAC != introspect.MAC{} && len(n.Unknown) == 0
}

// content says what is to stand in a row.
func (f *shared) content(r *row) rowData {
	k := r.key
	if k.reason != slowpath.None {
		return rowData{flags: k.flags | f.groupTrack(r), reason: k.reason}
	}
	out := f.vet(k.oif)
	e := out.of(k.six)
	if (out.bridge != 0 && !f.ported || out.vid != 0 && !f.tagged) && e.reason == slowpath.None {
		e.reason = slowpath.EgressKind
	}
	d := rowData{smac: e.mac, mtu: routeMTU(k.mtu, e.mtu), flags: flagUnicast, oif: uint32(k.oif), reason: e.reason}
	d.flags |= out.vid << flagBits
	switch {
	case out.vid != 0:
		d.port = uint32(out.lower)
	case f.ported:
		d.port = d.oif
	}
	if e.reason != slowpath.None {
		return d
	}
	if !k.via.IsValid() {
		d.reason = slowpath.NeighbourMissing
		return d
	}
	n, ok := f.Neighs.Get(introspect.NeighKey{Index: k.oif, Addr: k.via})
	switch {
	case !ok:
		d.reason = slowpath.NeighbourMissing
	case !usable(n):
		d.reason = slowpath.NeighbourState
	default:
		d.dmac = n.MAC
		d.flags |= flagUsable
		if n.State&nudSettled == 0 {
			d.flags |= flagTrack
		}
	}
	if out.bridge != 0 && d.flags&flagUsable != 0 {
		f.behind(&d, out)
	}
	return d
}

// behind looks by which port of a bridge frames to a neighbour leave.
func (f *shared) behind(d *rowData, way egresses) {
	e, ok := f.FDB.Get(introspect.FDBKey{Bridge: way.bridge, MAC: d.dmac, VLAN: way.inside})
	port, out := f.outPort(e, ok)
	if out.reason != slowpath.None {
		d.reason, d.dmac = out.reason, introspect.MAC{}
		d.flags &^= flagUsable | flagTrack
		return
	}
	if out.pushes {
		d.flags |= way.inside << flagBits
		out.limit = out.tagged
	}
	d.port, d.mtu = uint32(port), min(d.mtu, uint16(min(out.limit-etherHeader, maxPacket)))
}

// outPort vets the way to an entry of a bridge.
func (f *shared) outPort(e introspect.FDBEntry, known bool) (introspect.Index, outPort) {
	s := stationOf(e)
	switch {
	case !known || group(e.Key.MAC):
		s.reason = slowpath.FDBUnknown
	case s.reason == slowpath.None:
		link, _ := f.Links.Get(s.port)
		out := outPortOf(f.Snapshot, link)
		if out.reason == slowpath.None {
			out.reason = vlanReason(f.Snapshot, s.port, e.Key.VLAN)
		}
		bridge, _ := f.Links.Get(e.Key.Bridge)
		if out.pushes = f.tagged && filtersVLANs(bridge) && out.reason == slowpath.BridgeTag; out.pushes {
			out.reason = slowpath.None // programs put tags of this kind alone
		}
		return s.port, out
	}
	return 0, outPort{reason: s.reason}
}

// groupTrack is flagTrack if the use of a neighbour of a group has to be told to the kernel.
func (f *shared) groupTrack(r *row) uint16 {
	for _, need := range r.needs() {
		n, ok := f.Neighs.Get(introspect.NeighKey{Index: need.oif, Addr: need.via})
		if ok && n.State&nudSettled == 0 {
			return flagTrack
		}
	}
	return 0
}

// routeMTU is the longest packet that the kernel forwards without a word: the route's MTU, locked or not, but no more
// than the interface takes, which the kernel finds out later.
func routeMTU(route, device uint32) uint16 {
	if route != 0 {
		device = min(device, route)
	}
	return uint16(min(device, maxPacket))
}
