package agent

import (
	"encoding/binary"
	"time"

	"github.com/hone-net/hone/introspect"
)

// ageing is when the entries of bridges are to age again next: a program keeps the kernel from seeing the frames by which
// a bridge knows that somebody is still there, but for one in a while.
type ageing map[introspect.Index]time.Time

// age lets the entries age of the bridges whose time it is, and tells when it is to be called again at the latest.
func (a *Agent) age(now time.Time) (next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next = upkeepSeldom
	if a.fib == nil {
		return next
	}
	due := ageing{}
	for bridge, every := range a.fib.AgeEvery() {
		next = min(next, every)
		at, known := a.ageing[bridge]
		switch {
		case !known || at.After(now.Add(every)):
			at = now.Add(every)
		case !now.Before(at):
			if err := a.host.Write(a.fib.Age(bridge, a.host.Read)); err != nil {
				a.log.Warn("upkeep", "error", err)
			}
			at = now.Add(every)
		}
		due[bridge] = at
	}
	a.ageing = due
	return next
}

// bridgeOf is the bridge that an interface is a port of.
func bridgeOf(s *introspect.Snapshot, link introspect.Link) (introspect.Link, bool) {
	bridge, ok := s.Links.Get(link.Master)
	return bridge, ok && link.Master != 0 && bridge.Kind == "bridge"
}

// known tells what a bridge knows of the addresses of a frame. It is for the reader of an explanation; nothing is decided
// by it.
func known(s *introspect.Snapshot, bridge, port introspect.Link, frame []byte) string {
	if len(frame) < 12 {
		return bridge.Name
	}
	vlan := uint16(0)
	for k, v := range s.VLANs.From(introspect.VLANKey{Index: port.Index}) {
		if k.Index == port.Index && v.PVID && bridge.Bridge.VLANFiltering {
			vlan = k.VID
		}
	}
	if len(frame) >= 16 && bridge.Bridge.VLANFiltering && binary.BigEndian.Uint16(frame[12:]) == bridge.Bridge.VLANProtocol {
		vlan = binary.BigEndian.Uint16(frame[14:]) & 0xfff
	}
	to, from := introspect.MAC(frame[:6]), introspect.MAC(frame[6:12])
	return bridge.Name + ", to " + whereabouts(s, bridge, to, vlan) + ", from " + whereabouts(s, bridge, from, vlan)
}

func whereabouts(s *introspect.Snapshot, bridge introspect.Link, mac introspect.MAC, vlan uint16) string {
	e, ok := s.FDB.Get(introspect.FDBKey{Bridge: bridge.Index, MAC: mac, VLAN: vlan})
	switch {
	case !ok:
		return mac.String() + " (not known)"
	case e.Local:
		return mac.String() + " (its own)"
	}
	port, _ := s.Links.Get(e.Port)
	return mac.String() + " (at " + port.Name + ")"
}

// stationAt is the address of some station at a port, zero where none is known.
func stationAt(s *introspect.Snapshot, port introspect.Link) introspect.MAC {
	for k, e := range s.FDB.From(introspect.FDBKey{Bridge: port.Master}) {
		if k.Bridge != port.Master {
			break
		}
		if e.Port == port.Index && !e.Local {
			return k.MAC
		}
	}
	return introspect.MAC{}
}

// goesTo tells whether a frame is to an address.
func goesTo(frame []byte, to introspect.MAC) bool {
	return len(frame) >= len(to) && introspect.MAC(frame[:len(to)]) == to
}
