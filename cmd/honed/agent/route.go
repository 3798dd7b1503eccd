package agent

import (
	"fmt"
	"net/netip"

	"github.com/hone-net/hone/introspect"
)

// Routing tables of the kernel's default rules, in their order.
var tablesInOrder = map[uint32]string{255: "local", 254: "main", 253: "default"}

// route names the route that the configuration holds for a frame's destination, and the neighbour it leads to. It is
// for the reader of an explanation; nothing is decided by it.
func route(s *introspect.Snapshot, frame []byte) (routeText, neighbourText string) {
	dst, ok := destination(frame)
	if !ok {
		return "", ""
	}
	best, found := longest(s, dst)
	if !found {
		return "", ""
	}
	routeText = fmt.Sprintf("%s table %s", best.Key.Dst, tablesInOrder[best.Key.Table])
	for i, hop := range best.Hops {
		if i == 0 {
			neighbourText = neighbour(s, hop, dst)
		}
		routeText += " " + hopText(s, hop)
	}
	return routeText, neighbourText
}

// destination is where a frame's packet goes.
func destination(frame []byte) (netip.Addr, bool) {
	switch {
	case len(frame) >= 34 && frame[12] == 8 && frame[13] == 0:
		return netip.AddrFrom4([4]byte(frame[30:34])), true
	case len(frame) >= 54 && frame[12] == 0x86 && frame[13] == 0xdd:
		return netip.AddrFrom16([16]byte(frame[38:54])), true
	}
	return netip.Addr{}, false
}

func longest(s *introspect.Snapshot, dst netip.Addr) (best introspect.Route, found bool) {
	routes := s.Routes4
	if dst.Is6() {
		routes = s.Routes6
	}
	for k, r := range routes.All() {
		if tablesInOrder[k.Table] == "" || !k.Dst.Contains(dst) {
			continue
		}
		longer := k.Dst.Bits() > best.Key.Dst.Bits()
		same := k.Dst.Bits() == best.Key.Dst.Bits()
		if !found || longer || same && (k.Table > best.Key.Table || k.Table == best.Key.Table && k.Priority < best.Key.Priority) {
			best, found = r, true
		}
	}
	return best, found
}

func hopText(s *introspect.Snapshot, hop introspect.Hop) string {
	text := ""
	if hop.Via.IsValid() {
		text = "via " + hop.Via.String() + " "
	}
	if link, ok := s.Links.Get(hop.Index); ok {
		return text + "dev " + link.Name
	}
	return text + fmt.Sprintf("dev if%d", hop.Index)
}

func neighbour(s *introspect.Snapshot, hop introspect.Hop, dst netip.Addr) string {
	addr := dst
	if hop.Via.IsValid() {
		addr = hop.Via
	}
	n, ok := s.Neighs.Get(introspect.NeighKey{Index: hop.Index, Addr: addr})
	if !ok {
		return addr.String() + " is not known"
	}
	if !n.HasMAC {
		return fmt.Sprintf("%s has no address, %s", addr, stateName(n.State))
	}
	return fmt.Sprintf("%s at %02x:%02x:%02x:%02x:%02x:%02x %s", addr, n.MAC[0], n.MAC[1], n.MAC[2], n.MAC[3], n.MAC[4],
		n.MAC[5], stateName(n.State))
}

var neighbourStates = map[uint16]string{1: "incomplete", 2: "reachable", 4: "stale", 8: "delay", 0x10: "probe",
	0x20: "failed", 0x40: "noarp", 0x80: "permanent"}

func stateName(state uint16) string {
	if name, ok := neighbourStates[state]; ok {
		return name
	}
	return fmt.Sprintf("state %#x", state)
}
