package synth

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// Found is the route that the configuration holds for a packet.
type Found struct {
	Dest  netip.Addr
	Route introspect.Route
	Hops  []introspect.Hop // those of its nexthop object, where it has one
}

// Find looks for the route of the packet of a frame that comes in by an interface, in the routing tables that the rules
// lead to. It is for people: it looks at every route.
func Find(s *introspect.Snapshot, ifindex int, frame []byte) (Found, bool) {
	link, known := s.Links.Get(introspect.Index(ifindex))
	m, ok := meet(frame)
	if !known || !ok {
		return Found{}, false
	}
	p := routing(s, m.ip)
	root, found, v := p.choice(ingressOf(s, link))
	if v.reason != slowpath.None {
		return Found{}, false
	}
	leaf := root
	for !leaf.leaf() {
		if m.passes(leaf.test) {
			leaf = leaf.yes
		} else {
			leaf = leaf.no
		}
	}
	for _, t := range found[leaf.view].tables {
		if r, ok := m.longest(s, t); ok {
			return Found{m.dest, r, hopsOf(s, r)}, true
		}
	}
	return Found{}, false
}

// met is a packet as rules see it.
type met struct {
	ip           *layout
	source, dest netip.Addr
	fields       map[field]uint32
}

// meet reads what rules look at; false if it is no whole header of IPv4 or IPv6.
func meet(frame []byte) (m met, ok bool) {
	if len(frame) < atPayload {
		return m, false
	}
	switch m.ip = layout4; uint64(binary.BigEndian.Uint16(frame[atEtherType:])) {
	case layout4.ether:
	case layout6.ether:
		m.ip = layout6
	default:
		return m, false
	}
	if len(frame) < m.ip.end() {
		return m, false
	}
	address := func(at []int) netip.Addr {
		a, _ := netip.AddrFromSlice(frame[at[0] : at[0]+len(at)*int(m.ip.word)])
		return a
	}
	m.source, m.dest = address(m.ip.source), address(m.ip.dest)
	protocol := frame[m.ip.protocol]
	m.fields = map[field]uint32{fieldTOS: uint32(frame[atTOS]), fieldProtocol: uint32(protocol)}
	if m.ip.six {
		word := binary.BigEndian.Uint32(frame[atHeader:])
		m.fields[fieldTOS], m.fields[fieldLabel] = word>>20&0xff, word&0xfffff
	}
	if ports, whole := headerEnd(m.ip, frame); whole && len(frame) >= ports+4 && (protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_UDP) {
		m.fields[fieldPorts] = 1
		m.fields[fieldSPort] = uint32(binary.BigEndian.Uint16(frame[ports:]))
		m.fields[fieldDPort] = uint32(binary.BigEndian.Uint16(frame[ports+2:]))
	}
	return m, true
}

// Ends reads where the packet of a frame comes from and where it goes to; false if it is none of TCP or UDP, or a part of one.
func Ends(frame []byte) (protocol uint8, source, dest netip.AddrPort, ok bool) {
	m, ok := meet(frame)
	if !ok || m.fields[fieldPorts] == 0 {
		return 0, source, dest, false
	}
	source = netip.AddrPortFrom(m.source, uint16(m.fields[fieldSPort]))
	return uint8(m.fields[fieldProtocol]), source, netip.AddrPortFrom(m.dest, uint16(m.fields[fieldDPort])), true
}

// headerEnd is where a header ends, options of IPv4 included; and whether what follows it is the whole rest of a packet, not a
// fragment of it.
func headerEnd(ip *layout, frame []byte) (end int, whole bool) {
	const moreOrOffset, fewest = 0x3fff, 5
	if ip.six {
		return ip.end(), true
	}
	return atHeader + 4*max(fewest, int(frame[atHeader]&0xf)), binary.BigEndian.Uint16(frame[atFragment:])&moreOrOffset == 0
}

func (m met) passes(t test) bool {
	switch {
	case t.field == fieldSource:
		return t.prefix.Contains(m.source)
	case t.isPrefix():
		return t.prefix.Contains(m.dest)
	}
	n := m.fields[t.field] & t.mask
	return t.lo <= n && n <= t.hi
}

// longest is the route of a table to the longest prefix, with the lowest metric; false if the next table is asked.
func (m met) longest(s *introspect.Snapshot, t lookup) (best introspect.Route, found bool) {
	routes := ipv4.routes
	if m.ip.six {
		routes = ipv6.routes
	}
	for k, r := range routes(s).All() {
		if k.Table == t.table && k.Dst.Contains(m.dest) && (!found || k.Dst.Bits() > best.Key.Dst.Bits()) {
			best, found = r, true
		}
	}
	_, ended := endings[best.Type]
	return best, found && best.Type != unix.RTN_THROW && (ended || int32(best.Key.Dst.Bits()) > t.suppress)
}

// endings are the types of route that no rule suppresses.
var endings = map[uint8]bool{unix.RTN_BLACKHOLE: true, unix.RTN_UNREACHABLE: true, unix.RTN_PROHIBIT: true}

// hopsOf lists the nexthops of a route, or of its object.
func hopsOf(s *introspect.Snapshot, r introspect.Route) []introspect.Hop {
	object, ok := s.Nexthops.Get(introspect.Index(r.Object))
	switch {
	case r.Object == 0 || !ok:
		return r.Hops
	case len(object.Group) == 0:
		return []introspect.Hop{object.Hop}
	}
	var all []introspect.Hop
	for _, m := range object.Group {
		if member, ok := s.Nexthops.Get(introspect.Index(m.ID)); ok {
			all = append(all, member.Hop)
		}
	}
	return all
}
