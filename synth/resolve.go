package synth

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// answer is what the routes to a prefix come to.
type answer struct {
	key  rowKey
	hops []introspect.Hop // of a group
}

func because(r slowpath.Reason) answer { return answer{key: rowKey{reason: r}} }

// resolver knows what an answer depends on beside the routes to the prefix themselves.
type resolver struct {
	*introspect.Snapshot
	addrs  map[prefix]int // own addresses
	wide   []prefix       // prefixes of more than one address in table local
	choose bool           // the live lookup chooses between several nexthops as the kernel does
}

// routesTo lists the routes to a prefix of the tables that the default rules use, in the order of their keys.
func routesTo(s *introspect.Snapshot, p prefix) []introspect.Route {
	var all []introspect.Route
	dst := p.netip()
	for key, r := range s.Routes4.From(introspect.RouteKey{Dst: dst}) {
		if key.Dst != dst {
			break
		}
		if inRules(key) {
			all = append(all, r)
		}
	}
	return all
}

// inRules tells whether the default rules lead to a route.
func inRules(k introspect.RouteKey) bool {
	return (k.Table == tableLocal || k.Table == tableMain || k.Table == tableDefault) && k.Dst.Addr().Is4()
}

// resolve says what becomes of packets for which p is the longest prefix; false if nothing is known of p.
func (r resolver) resolve(p prefix, routes []introspect.Route) (answer, bool) {
	switch {
	case martian(p):
		return because(slowpath.DestMartian), true
	case r.addrs[p] > 0:
		return because(slowpath.Local), true
	case len(routes) == 0:
		return answer{}, false
	}
	for i := range routes {
		if routes[i].Key.TOS != 0 {
			return because(slowpath.RouteTOS), true
		}
	}
	first, equals := &routes[0], routes
	if len(routes) > 1 {
		first, equals = foremost(routes)
	}
	if first.Key.Table == tableDefault || first.Key.Table == tableMain && r.shadowed(p) {
		return because(slowpath.RouteTable), true
	}
	if len(equals) > 1 {
		return r.several(slowpath.RouteEqual, equals), true
	}
	return r.route(p, first), true
}

// foremost picks the routes that the kernel looks at first: those of table local, else main, with the lowest metric.
func foremost(routes []introspect.Route) (*introspect.Route, []introspect.Route) {
	first := &routes[0]
	for i := range routes {
		if routes[i].Key.Table > first.Key.Table { // local is 255, main 254, default 253
			first = &routes[i]
		}
	}
	var equals []introspect.Route
	for _, r := range routes {
		if r.Key.Table == first.Key.Table && r.Key.Priority == first.Key.Priority {
			equals = append(equals, r)
		}
	}
	return first, equals
}

// shadowed tells whether table local has a shorter prefix for the same addresses. Whether that wins depends on whether
// the two tables have ever been parted by a custom rule, which nothing shows.
func (r resolver) shadowed(p prefix) bool {
	for _, w := range r.wide {
		if w.covers(p) && w != p {
			return true
		}
	}
	return false
}

// several is the answer where more than one nexthop may be taken.
func (r resolver) several(reason slowpath.Reason, routes []introspect.Route) answer {
	live := true
	var hops []introspect.Hop
	for _, route := range routes {
		more, reason := r.hops(&route)
		live = live && reason == slowpath.None && plain(route) && route.Type == unix.RTN_UNICAST && (len(more) == 1 || r.choose)
		hops = append(hops, more...)
	}
	if !live {
		return because(reason)
	}
	group := make([]string, len(hops))
	for i, h := range hops {
		group[i] = fmt.Sprintf("%d/%s", h.Index, h.Via)
	}
	key := rowKey{reason: reason, flags: flagLive | flagUnicast, group: strings.Join(group, " ")}
	return answer{key, hops}
}

// plain tells whether the live lookup answers for a route as the kernel would. It does not know of metrics; a route that
// encapsulates it leaves to the kernel.
func plain(r introspect.Route) bool {
	if r.Type != unix.RTN_UNICAST {
		return true // the live lookup leaves it to the kernel
	}
	return r.MTU == 0 && !r.MTULock && r.Key.TOS == 0 && r.Realm == 0 && len(r.Unknown) == 0
}

var typeReasons = map[uint8]slowpath.Reason{unix.RTN_LOCAL: slowpath.Local, unix.RTN_BROADCAST: slowpath.Broadcast,
	unix.RTN_ANYCAST: slowpath.Broadcast, unix.RTN_MULTICAST: slowpath.Broadcast}

// route is the answer of one route.
func (r resolver) route(p prefix, route *introspect.Route) answer {
	if route.Type != unix.RTN_UNICAST {
		if reason, ok := typeReasons[route.Type]; ok {
			return because(reason)
		}
		return because(slowpath.RouteType)
	}
	hops, reason := r.hops(route)
	if reason != slowpath.None {
		return because(reason)
	}
	if len(hops) > 1 {
		return r.several(slowpath.Multipath, []introspect.Route{*route})
	}
	key := rowKey{oif: hops[0].Index, via: hops[0].Via, mtu: route.MTU}
	if !key.via.IsValid() && p.len() == 32 {
		key.via = netipAddr(p.addr())
	}
	return answer{key: key}
}

// hops lists the nexthops of a unicast route, or says why they cannot be taken.
func (r resolver) hops(route *introspect.Route) ([]introspect.Hop, slowpath.Reason) {
	if len(route.Unknown) > 0 || route.Realm != 0 || route.MTULock && route.MTU == 0 {
		return nil, slowpath.RouteUnknown
	}
	hops := route.Hops
	if route.Object != 0 {
		var reason slowpath.Reason
		if hops, reason = r.object(route.Object); reason != slowpath.None {
			return nil, reason
		}
	}
	if len(hops) == 0 {
		return nil, slowpath.RouteUnknown
	}
	for _, h := range hops {
		if reason := hopReason(h); reason != slowpath.None {
			return nil, reason
		}
	}
	return hops, slowpath.None
}

// harmlessHop are the flags of a nexthop that forwarding in software does not depend on.
const harmlessHop = unix.RTNH_F_ONLINK | unix.RTNH_F_OFFLOAD

func hopReason(h introspect.Hop) slowpath.Reason {
	switch {
	case h.Encap != 0:
		return slowpath.RouteEncap
	case h.Flags&(unix.RTNH_F_DEAD|unix.RTNH_F_LINKDOWN) != 0:
		return slowpath.RouteDead
	case h.Flags&^harmlessHop != 0, h.Index == 0:
		return slowpath.RouteUnknown
	}
	return slowpath.None
}

// object lists the nexthops of a nexthop object.
func (r resolver) object(id uint32) ([]introspect.Hop, slowpath.Reason) {
	n, ok := r.Nexthops.Get(introspect.Index(id))
	switch {
	case !ok, n.FDB, len(n.Unknown) > 0:
		return nil, slowpath.NexthopUnknown
	case n.Blackhole:
		return nil, slowpath.RouteType
	case n.Resilient:
		return nil, slowpath.Multipath
	case len(n.Group) == 0:
		return []introspect.Hop{n.Hop}, slowpath.None
	}
	var hops []introspect.Hop
	for _, m := range n.Group {
		member, ok := r.Nexthops.Get(introspect.Index(m.ID))
		if !ok || member.FDB || member.Blackhole || len(member.Group) > 0 || len(member.Unknown) > 0 {
			return nil, slowpath.NexthopUnknown
		}
		hops = append(hops, member.Hop)
	}
	return hops, slowpath.None
}
