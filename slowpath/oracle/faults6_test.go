package oracle

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/ir"
)

// planted6 are mistakes about IPv6 only: of a program, and of what it is made from.
var planted6 = []plant{
	{fault{name: "ip6: forwards packets whose hops are over", program: six(without(slowpath.TTL))}, "ip6 plain"},
	{fault{name: "ip6: forwards packets with one hop left", program: six(edge(slowpath.TTL, 0))}, "ip6 plain"},
	{fault{name: "ip6: takes two hops", program: six(faster6)}, "ip6 plain"},
	{fault{name: "ip6: forwards sources that are no hosts", program: six(without(slowpath.SourceMartian))}, "ip6 plain"},
	{fault{name: "ip6: takes link-local sources for others", program: six(edge(slowpath.SourceMartian, 0xff<<56-1))}, "ip6 plain"},
	{fault{name: "ip6: forwards extension headers and messages to routers", program: six(without(slowpath.NextHeader))}, "ip6 plain"},
	{fault{name: "ip6: forwards frames of other lengths than they say", program: six(without(slowpath.Length))}, "ip6 plain"},
	{fault{name: "ip6: forwards other versions", program: anyVersion6}, "ip6 plain"},
	{fault{name: "ip6: forwards what is too long", program: six(without(slowpath.MTU))}, "ip6 egress mtu"},
	{fault{name: "ip6: forwards unfinished checksums", program: without(slowpath.PartialChecksum)}, "ip6 partial checksums"},
	{fault{name: "ip6: sends to a neighbour's old address", tables: scrambled(5)}, "ip6 neighbours of every state"},
	{fault{name: "ip6: sends by another port", tables: otherPort}, "ip6 plain"},
	{fault{name: "ip6: does not know its anycast addresses", snapshot: withoutRoutes6(unix.RTN_ANYCAST)}, "ip6 anycast route"},
	{fault{name: "ip6: takes dead ways", snapshot: revived}, "ip6 metrics, better one dead"},
	{fault{name: "ip6: takes the worse metric", snapshot: eachRoute6(upside)}, "ip6 metrics, better one last"},
	{fault{name: "ip6: does not see that a route is for some sources", snapshot: eachRoute6(understood)}, "ip6 route by source"},
	{fault{name: "ip6: forwards although it is switched off", snapshot: forwarding6}, "ip6 forwarding of all off, of r0 on"},
	{fault{name: "ip6: forwards past a filter", snapshot: func(s *introspect.Snapshot) {
		s.Hooks, s.Chains = introspect.Map[introspect.Name, introspect.Hook]{}, introspect.Map[introspect.ChainKey, introspect.Chain]{}
	}}, "ip6 nft forward of ip6"},
	{fault{name: "ip6: forwards past rules", snapshot: plainRules6}, "ip6 rule prohibit"},
	{fault{name: "ip6: chooses another way than the kernel", snapshot: sysctl6("fib_multipath_hash_policy", "0")}, "ip6 ecmp by ports"},
	{fault{name: "ip6: does not know the MTU of IPv6", snapshot: sysctl6("conf/r1/mtu", "1500")}, "ip6 mtu of r1"},
	{fault{name: "ip6: does not know what was learned", snapshot: func(s *introspect.Snapshot) {
		s.Learned6 = introspect.Map[introspect.Address, introspect.Exception]{}
	}}, "ip6 learned mtu"},
	{fault{name: "ip6: asks the live lookup where an MTU is locked", snapshot: eachRoute6(unlocked)}, "ip6 learned mtu below a locked one"},
	{fault{name: "ip6: does not notice changes of routes", program: unmoved(slowpath.Any)}, "ip6 change: another gateway"},
	{fault{name: "ip6: does not notice moved neighbours", program: unmoved(slowpath.Any)}, "ip6 change: neighbour moves"},
	{fault{name: "ip6: does not notice changes of anything else", program: unmoved(slowpath.Config)}, "ip6 change: filter"},
	{fault{name: "ip6: does not ask whether the lookup found anything", program: six(without(slowpath.LiveLookup))}, "ip6 change: route withdrawn"},
}

// six makes a mistake in the arms for IPv6 only.
func six(mistake func(*ir.Program)) func(*ir.Program) {
	return func(p *ir.Program) {
		own := *p
		own.Blocks = nil
		for _, b := range p.Blocks {
			if strings.Contains(b.Name, "6-") || strings.HasSuffix(b.Name, "-ipv6") && !strings.HasSuffix(b.Name, "not-ipv6") {
				own.Blocks = append(own.Blocks, b)
			}
		}
		mistake(&own)
	}
}

// anyVersion6 looks at the ethertype only.
func anyVersion6(p *ir.Program) {
	constant(0xf0ffff, 0xffff)(p)
	constant(0x60dd86, 0xdd86)(p)
}

// edge compares with another number before packets are left to the kernel for a Reason.
func edge(r slowpath.Reason, number uint64) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			for _, v := range b.Values {
				if v.Op == ir.OpGuard && v.Reason == r && v.Args[1].Op == ir.OpConst {
					v.Args[1].Imm = number
				}
			}
		}
	}
}

// faster6 takes one more off the hop limit.
func faster6(p *ir.Program) {
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpStore && v.Imm == lab.Off6HopLimit {
				v.Args[0].Args[1].Imm = 2
			}
		}
	}
}

// eachRoute6 changes every route of IPv6; false takes it out.
func eachRoute6(change func(*introspect.Route) bool) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		var routes introspect.Map[introspect.RouteKey, introspect.Route]
		for _, r := range s.Routes6.All() {
			if change(&r) {
				routes = routes.With(r.Key, r)
			}
		}
		s.Routes6 = routes
	}
}

func withoutRoutes6(kind uint8) func(*introspect.Snapshot) {
	return eachRoute6(func(r *introspect.Route) bool { return r.Type != kind })
}

// revived takes dead ways for such as live, and their links as well.
func revived(s *introspect.Snapshot) {
	eachRoute6(revive)(s)
	for i, l := range s.Links.All() {
		l.Carrier, l.OperState, l.Flags = true, 6, l.Flags|unix.IFF_RUNNING|unix.IFF_LOWER_UP
		s.Links = s.Links.With(i, l)
	}
}

func revive(r *introspect.Route) bool {
	const down = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN
	hops := append([]introspect.Hop(nil), r.Hops...)
	for i := range hops {
		hops[i].Flags &^= down
	}
	r.Hops, r.Flags = hops, r.Flags&^down
	return true
}

func upside(r *introspect.Route) bool {
	r.Key.Priority = 1<<20 - r.Key.Priority
	return true
}

func understood(r *introspect.Route) bool {
	r.Unknown = nil
	return true
}

func unlocked(r *introspect.Route) bool {
	r.MTU, r.MTULock = 0, false
	return true
}

func forwarding6(s *introspect.Snapshot) {
	for i, conf := range s.Netconf6.All() {
		conf.Forwarding = true
		s.Netconf6 = s.Netconf6.With(i, conf)
	}
}

// plainRules6 leaves the rules that every host has.
func plainRules6(s *introspect.Snapshot) {
	for key := range s.Rules6.All() {
		if key.Priority != 0 && key.Priority != 32766 {
			s.Rules6 = s.Rules6.Without(key)
		}
	}
}

func sysctl6(name, value string) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		path := "ipv6/" + name
		s.Sysctls = s.Sysctls.With(introspect.Name(path), introspect.Sysctl{Path: path, Value: value})
	}
}
