package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// Where rules have parted the routing tables, they are asked one after the other. Each gives the answer of its longest
// prefix, and the first answer counts, even if a later table has a longer prefix: that one is hidden. A throw route, and
// one that a rule suppresses, lets packets pass on to the next table.

// mark is what a table does with packets for a prefix that it has.
type mark uint8

const (
	absent mark = iota // it has not got it
	pass               // the next table is asked
	stop               // the answer counts
)

// layered says what becomes of packets for which p is the longest prefix of all tables. It is false where they get what
// the next shorter prefix gets.
func (v *view[P]) layered(p P, routes []introspect.Route) (answer, bool) {
	passed := false
	defer func() {
		if delete(v.passed, p); passed {
			v.passed[p] = true
		}
	}()
	for rank, t := range v.ask.tables {
		at, own := v.in(t.table, routes), true
		if len(at) == 0 {
			own, at = false, v.covering(p, rank)
		}
		switch v.mark(at, t) {
		case pass:
			passed = passed || own
		case stop:
			if !own && !passed {
				return answer{}, false
			}
			return v.first(p, at, t), true
		}
	}
	if v.ask.reject {
		return because(slowpath.Rule), passed || p.len() == 0
	}
	return because(slowpath.NoRoute), passed
}

// leading are the routes of one table to one prefix that the kernel looks at first: those with the lowest metric.
func leading(routes []introspect.Route) (*introspect.Route, []introspect.Route) {
	n := 1
	for n < len(routes) && routes[n].Key.Priority == routes[0].Key.Priority && routes[n].Key.TOS == routes[0].Key.TOS {
		n++
	}
	return &routes[0], routes[:n]
}

// in picks the routes of a table.
func (v *view[P]) in(table uint32, routes []introspect.Route) []introspect.Route {
	var all []introspect.Route
	for _, r := range routes {
		if r.Key.Table == table {
			all = append(all, r)
		}
	}
	return all
}

// covering lists the routes of a table to the longest prefix that is shorter than p and covers it.
func (v *view[P]) covering(p P, rank int) []introspect.Route {
	for length := p.len() - 1; length >= 0; length-- {
		if v.lengths[rank][length] == 0 {
			continue
		}
		if at := v.in(v.ask.tables[rank].table, v.routesTo(v.shorter(p, length))); len(at) > 0 {
			return at
		}
	}
	return nil
}

// shorter is the prefix of a length that covers p.
func (v *view[P]) shorter(p P, length int) P {
	net, _ := p.netip().Addr().Prefix(length)
	return v.of(net)
}

// mark tells what the routes of a table to one prefix do with packets. In doubt they stop them, and leave them to the
// kernel.
func (v *view[P]) mark(routes []introspect.Route, t lookup) mark {
	if len(routes) == 0 {
		return absent
	}
	first, equals := leading(routes)
	switch {
	case v.doubt(routes) != slowpath.None, len(equals) > 1:
		return stop
	case first.Expires && !v.passesOn(routes, t): // once it has ended, others of the table answer, before the kernel says so
		return stop
	case first.Type == unix.RTN_THROW, v.suppressed(first, t):
		return pass
	}
	return stop
}

// passesOn tells whether a table lets packets pass whichever of its routes to one prefix end: all of them are suppressed, and
// there is no shorter prefix.
func (v *view[P]) passesOn(routes []introspect.Route, t lookup) bool {
	for i := range routes {
		if routes[i].Key.Dst.Bits() > 0 || !v.suppressed(&routes[i], t) {
			return false
		}
	}
	return true
}

// suppressed tells whether a rule does not take a route for an answer, because its prefix is too short.
func (v *view[P]) suppressed(r *introspect.Route, t lookup) bool {
	if int32(r.Key.Dst.Bits()) > t.suppress || r.Object != 0 {
		return false
	}
	if _, ok := typeReasons[r.Type]; ok {
		return true
	}
	_, reason := v.hops(r)
	return r.Type == unix.RTN_UNICAST && reason == slowpath.None
}

// forgets tells whether the kernel may take a route for one to another prefix when it asks whether a rule suppresses it:
// fib6_rule_suppress looks at what the first packet left with a nexthop object (rt6i_pcpu), which has the length of the prefix
// that this one went to, of whichever route to the object, be that gone by now.
func (v *view[P]) forgets(r *introspect.Route, t lookup) bool {
	return v.six && t.suppress != suppressNothing && r.Object != 0
}

// first is the answer that the routes of one table to one prefix give to packets for p.
func (v *view[P]) first(p P, routes []introspect.Route, t lookup) answer {
	first, equals := leading(routes)
	switch {
	case v.doubt(routes) != slowpath.None:
		return because(v.doubt(routes))
	case int32(first.Key.Dst.Bits()) <= t.suppress && first.Type == unix.RTN_UNICAST, v.forgets(first, t):
		return because(slowpath.RouteTable) // whether it is suppressed depends on what is not known
	case len(equals) > 1:
		return v.several(slowpath.RouteEqual, equals)
	}
	return v.route(p, first)
}

// shade notes what a change of a route hides or brings to light: longer prefixes in the tables that are asked later.
func (v *view[P]) shade(old *introspect.Snapshot, key introspect.RouteKey) {
	p := v.of(key.Dst)
	for rank, t := range v.ask.tables {
		if t.table != key.Table {
			continue
		}
		before := v.mark(v.in(t.table, v.routesIn(old, p)), t)
		if before != v.mark(v.in(t.table, v.routesTo(p)), t) {
			v.below(p, rank)
		}
	}
}

// passing notes the prefixes that take their answers from a shorter one that is to be looked at again.
func (v *view[P]) passing() {
	for p := range v.passed {
		for length := range p.len() {
			if v.dirty.routes[v.shorter(p, length)] {
				v.dirty.routes[p] = true
				break
			}
		}
	}
}

// below notes the prefixes within p of the tables that are asked after one.
func (v *view[P]) below(p P, rank int) {
	later, sizes := map[uint32]bool{}, 0
	for i := rank + 1; i < len(v.ask.tables); i++ {
		later[v.ask.tables[i].table] = true
		sizes += v.sizes[i]
	}
	if sizes == 0 {
		return
	}
	net := p.netip()
	for key := range v.routes(v.Snapshot).From(introspect.RouteKey{Dst: net}) {
		if !net.Contains(key.Dst.Addr()) {
			break
		}
		if later[key.Table] {
			v.dirty.routes[v.of(key.Dst)] = true
		}
	}
}

// measure counts the prefixes of the tables by their lengths.
func (v *view[P]) measure(key introspect.RouteKey, n int) {
	for rank, t := range v.ask.tables {
		if t.table == key.Table {
			v.lengths[rank][key.Dst.Bits()] += n
			v.sizes[rank] += n
		}
	}
}
