package synth

import (
	"fmt"
	"net/netip"
	"slices"
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
type resolver[P point[P]] struct {
	*shared
	*family[P]
	ask     lookups         // the routing tables that are asked, one after the other
	parted  bool            // each is asked by itself; else the kernel may have merged the first two
	sources []uint32        // the routing tables that may be asked about a source
	addrs   map[P]int       // own addresses
	wide    []P             // prefixes of more than one address in table local
	choose  bool            // the live lookup chooses between several nexthops as the kernel does
	mixed   map[uint32]bool // nexthop objects that the kernel may use as another route says
	near    []P             // prefixes of IPv4 routes that reach no farther than the host, by their scope; own addresses that are gateways
}

// routesTo lists the routes to a prefix of the tables that are asked, in the order of their keys.
func (r *resolver[P]) routesTo(p P) []introspect.Route { return r.routesIn(r.Snapshot, p) }

func (r *resolver[P]) routesIn(s *introspect.Snapshot, p P) []introspect.Route {
	var all []introspect.Route
	dst := p.netip()
	for key, route := range r.routes(s).From(introspect.RouteKey{Dst: dst}) {
		if key.Dst != dst {
			break
		}
		if r.asks(key) {
			all = append(all, route)
		}
	}
	return all
}

// asks tells whether a route stands in one of the tables.
func (r *resolver[P]) asks(k introspect.RouteKey) bool {
	return r.rank(k.Table) < len(r.ask.tables) && r.has(k.Dst.Addr())
}

// rank is the place of a table among those that are asked, or past all of them.
func (r *resolver[P]) rank(table uint32) int {
	for i, t := range r.ask.tables {
		if t.table == table {
			return i
		}
	}
	return len(r.ask.tables)
}

// doubt tells why some routes to one prefix are not to be chosen from; None if they may be.
func (r *resolver[P]) doubt(routes []introspect.Route) slowpath.Reason {
	for i := range routes {
		switch {
		case routes[i].Key.TOS != 0:
			return slowpath.RouteTOS
		case r.six && len(routes[i].Unknown) > 0: // it may be for some sources only, whatever its metric
			return slowpath.RouteUnknown
		}
	}
	return slowpath.None
}

// resolve says what becomes of packets for which p is the longest prefix, where the default rules lead to it.
func (r *resolver[P]) resolve(p P, routes []introspect.Route) answer {
	if reason := r.doubt(routes); reason != slowpath.None {
		return because(reason)
	}
	first, equals := &routes[0], routes
	if len(routes) > 1 {
		first, equals = r.foremost(routes)
	}
	if first.Key.Table == tableDefault || first.Key.Table == tableMain && r.shadowed(p) {
		return because(slowpath.RouteTable)
	}
	if len(equals) > 1 {
		return r.several(slowpath.RouteEqual, equals)
	}
	return r.route(p, first)
}

// foremost picks the routes that the kernel looks at first: those of the first table, with the lowest metric.
func (r *resolver[P]) foremost(routes []introspect.Route) (*introspect.Route, []introspect.Route) {
	first, rank := &routes[0], len(r.ask.tables)
	for i := range routes {
		if n := r.rank(routes[i].Key.Table); n < rank {
			first, rank = &routes[i], n
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
func (r *resolver[P]) shadowed(p P) bool {
	for _, w := range r.wide {
		if w.covers(p) && w != p {
			return true
		}
	}
	return false
}

// several is the answer where more than one nexthop may be taken.
func (r *resolver[P]) several(reason slowpath.Reason, routes []introspect.Route) answer {
	live := true
	var hops []introspect.Hop
	for _, route := range routes {
		more, reason := r.hops(&route)
		live = live && reason == slowpath.None && r.plain(route) && route.Type == unix.RTN_UNICAST && (len(more) == 1 || r.choose)
		hops = append(hops, more...)
	}
	if !live {
		return because(reason)
	}
	group := make([]string, len(hops))
	for i, h := range hops {
		group[i] = fmt.Sprintf("%d/%s", h.Index, h.Via)
	}
	key := rowKey{reason: reason, flags: flagLive | flagUnicast, group: strings.Join(group, " "), six: r.six}
	return answer{key, hops}
}

// plain tells whether the live lookup answers for a route as the kernel would. It does not know of metrics; a route that
// encapsulates it leaves to the kernel.
func plain(r introspect.Route) bool {
	if r.Type != unix.RTN_UNICAST && r.Object == 0 {
		return true // the live lookup leaves it to the kernel
	}
	return r.MTU == 0 && !r.MTULock && r.Key.TOS == 0 && r.Realm == 0 && len(r.Unknown) == 0
}

// plain6 is plain of IPv6, where the live lookup knows what has been learned of a path and of the routes' ends, but not of an
// MTU that is not locked, nor what has been learned where one is.
func plain6(r introspect.Route) bool {
	return r.Type != unix.RTN_UNICAST && r.Object == 0 || len(r.Unknown) == 0 && r.MTU == 0
}

var typeReasons = map[uint8]slowpath.Reason{unix.RTN_LOCAL: slowpath.Local, unix.RTN_BROADCAST: slowpath.Broadcast,
	unix.RTN_ANYCAST: slowpath.Broadcast, unix.RTN_MULTICAST: slowpath.Broadcast}

// route is the answer of one route.
func (r *resolver[P]) route(p P, route *introspect.Route) answer {
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
	if r.resilient(route.Object) && !r.choose {
		return because(slowpath.Multipath)
	}
	if len(hops) > 1 || r.resilient(route.Object) {
		return r.several(slowpath.Multipath, []introspect.Route{*route})
	}
	if route.Expires {
		return r.several(slowpath.RouteExpires, []introspect.Route{*route})
	}
	key := rowKey{oif: hops[0].Index, via: hops[0].Via, mtu: route.MTU, six: r.six}
	if !key.via.IsValid() && p.len() == p.width() {
		key.via = p.netip().Addr()
	}
	return answer{key: key}
}

// hops lists the nexthops of a unicast route, or says why they cannot be taken.
func (r *resolver[P]) hops(route *introspect.Route) ([]introspect.Hop, slowpath.Reason) {
	if len(route.Unknown) > 0 || route.Realm != 0 || route.MTULock && route.MTU == 0 {
		return nil, slowpath.RouteUnknown
	}
	hops := route.Hops
	if r.mixed[route.Object] {
		return nil, slowpath.NexthopMixed
	}
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
		if r.passes(h.Via) {
			return nil, slowpath.RouteUnknown
		}
	}
	return hops, slowpath.None
}

// passes tells whether the kernel may pass over a gateway and send to the destination itself: it does where the route to
// the gateway had the scope of the host when the gateway was given.
func (r *resolver[P]) passes(via netip.Addr) bool {
	if len(r.near) == 0 || !via.Is4() || r.six {
		return false
	}
	return slices.ContainsFunc(r.near, func(p P) bool { return p.covers(r.host(via)) })
}

// isNear tells whether a route is one of those in near.
func isNear(r introspect.Route) bool {
	return r.Type == unix.RTN_UNICAST && r.Scope >= unix.RT_SCOPE_HOST && r.Key.Dst.Addr().Is4()
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

// resilient tells whether an object is a group that remembers when its nexthops were used last: every packet has to ask it.
func (r *resolver[P]) resilient(id uint32) bool {
	n, ok := r.Nexthops.Get(introspect.Index(id))
	return id != 0 && ok && n.Resilient
}

// object lists the nexthops of a nexthop object.
func (r *resolver[P]) object(id uint32) ([]introspect.Hop, slowpath.Reason) {
	n, ok := r.Nexthops.Get(introspect.Index(id))
	switch {
	case !ok, n.FDB, len(n.Unknown) > 0:
		return nil, slowpath.NexthopUnknown
	case n.Blackhole:
		return nil, slowpath.RouteType
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
