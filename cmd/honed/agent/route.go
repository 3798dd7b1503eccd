package agent

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth"
)

// tableNames are the routing tables that the kernel's own rules lead to.
var tableNames = map[uint32]string{255: "local", 254: "main", 253: "default"}

// route names the route that the configuration holds for a frame's packet, and the neighbour it leads to; of several
// nexthops, each. It is for the reader of an explanation; nothing is decided by it.
func route(s *introspect.Snapshot, link introspect.Link, frame []byte) (routeText, neighbourText string) {
	found, ok := synth.Find(s, int(link.Index), frame)
	if !ok {
		return "", ""
	}
	table, known := tableNames[found.Route.Key.Table]
	if !known {
		table = fmt.Sprint(found.Route.Key.Table)
	}
	routeText = fmt.Sprintf("%s table %s", found.Route.Key.Dst, table)
	if found.Route.Type != unix.RTN_UNICAST {
		routeText = typeName(found.Route.Type) + " " + routeText
	}
	for i, hop := range found.Hops {
		switch {
		case i > 0:
			routeText += " or"
		case found.Route.Type == unix.RTN_UNICAST:
			neighbourText = neighbour(s, hop, found.Dest)
		}
		routeText += " " + hopText(s, hop)
	}
	return routeText, neighbourText
}

// typeNames are the types of routes that ip(8) names (RTN_*), but for unicast ones.
var typeNames = map[uint8]string{unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_ANYCAST: "anycast",
	unix.RTN_MULTICAST: "multicast", unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable",
	unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw", unix.RTN_NAT: "nat"}

func typeName(kind uint8) string {
	if name, ok := typeNames[kind]; ok {
		return name
	}
	return fmt.Sprintf("type %d", kind)
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
