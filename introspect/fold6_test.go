package introspect

import "fmt"

// The commands of a storm that are about IPv6.

func (r storm) gateway6() string {
	return fmt.Sprintf("fd00:%d::%d", 1+r.IntN(3), 2+r.IntN(3))
}

func (r storm) prefix6() string {
	return r.pick("2001:db8::/32", "2001:db8::/33", "2001:db8:1::/48", "::/0", "2001:db8::7/128")
}

func (r storm) hops6() string {
	switch r.IntN(8) {
	case 0:
		return "dev " + r.dev()
	case 1:
		return fmt.Sprintf("nexthop via %s weight %d nexthop via %s", r.gateway6(), 1+r.IntN(3), r.gateway6())
	case 2:
		return fmt.Sprintf("nhid %d", 11+r.IntN(4))
	case 3:
		return fmt.Sprintf("via %s mtu %s%d", r.gateway6(), r.pick("", "lock "), 1300+r.IntN(2))
	case 4:
		return fmt.Sprintf("via %s src fd00:%d::%d", r.gateway6(), 1+r.IntN(3), r.pickInt(1, 9))
	case 5:
		return fmt.Sprintf("via %s expires %d", r.gateway6(), 1+r.IntN(100))
	case 6:
		return fmt.Sprintf("via fe80::%d dev %s pref %s", 1+r.IntN(3), r.dev(), r.pick("low", "high"))
	}
	return "via " + r.gateway6()
}

func (r storm) route6() string {
	if r.IntN(8) == 0 {
		return fmt.Sprintf("-6 route %s %s %s metric %d", r.pick("add", "del", "replace"), r.pick("blackhole", "unreachable"), r.prefix6(),
			1+r.IntN(2))
	}
	return fmt.Sprintf("-6 route %s %s %s metric %d table %s", r.pick("add", "append", "append", "prepend", "replace", "del", "change"),
		r.prefix6(), r.hops6(), 1+r.IntN(2), r.pick("main", "main", "77"))
}

func (r storm) other6() string {
	n := 1 + r.IntN(3)
	switch r.IntN(9) {
	case 0:
		return fmt.Sprintf("addr %s fd00:%d::%d/64 dev r%d %s", r.pick("add", "add", "del", "replace"), n, r.pickInt(1, 9), n-1,
			r.pick("", "nodad", "noprefixroute", "valid_lft 100 preferred_lft 50"))
	case 1:
		return fmt.Sprintf("nexthop replace id %d via fd00:%d::2 dev r%d", 11+r.IntN(2), n, n-1)
	case 2:
		return fmt.Sprintf("nexthop replace id 13 group 11/%d", 12)
	case 3:
		return r.pick("-6 nexthop replace id 14 blackhole", "nexthop del id 11", "nexthop del id 12", "nexthop del id 13")
	case 4:
		return fmt.Sprintf("-6 rule %s pref %d %s lookup %s", r.pick("add", "add", "del"), 100+r.IntN(2), r.pick("from fd00:1::/64",
			"iif r0", "to fd00:2::/64 fwmark 3", "not from fd00:3::/64 dport 80"), r.pick("77", "main"))
	case 5:
		return fmt.Sprintf("neigh %s fd00:%d::%d lladdr 02:00:00:00:01:%02x dev r%d nud permanent", r.pick("add", "replace", "del"),
			n, 2+r.IntN(3), r.IntN(3), n-1)
	case 6:
		name, dev := r.pick("forwarding", "proxy_ndp", "ignore_routes_with_linkdown", "disable_ipv6"), r.pick("r0", "r1", "all", "default")
		if name == "ignore_routes_with_linkdown" && dev != "default" {
			dev = "all" // of one device IPv6 does not announce it (addrconf_fixup_linkdown)
		}
		return fmt.Sprintf("!sysctl -qw net.ipv6.conf.%s.%s=%s", dev, name, r.pick("0", "0", "1"))
	case 7:
		return r.pick("link set r0 addrgenmode none", "link set r0 addrgenmode eui64", "addr flush dev r1 scope link",
			"-6 route flush table 77", "-6 route flush cache", "!sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1",
			"!sysctl -qw net.ipv6.conf.all.keep_addr_on_down=0", "!sysctl -qw net.ipv6.route.skip_notify_on_dev_down=1",
			"!sysctl -qw net.ipv6.route.skip_notify_on_dev_down=0", "-6 route add 2001:db8:1::/48 from fd00:9::/64 via fd00:1::2",
			"-6 route add 2001:db8:3::/48 via inet6 fd00:1::2", "-6 route add local 2001:db8:2::/48 dev lo",
			"-6 route add anycast 2001:db8::9 dev r0")
	}
	return fmt.Sprintf("addr add fd00:9::%d peer fd00:9::9 dev %s", 1+r.IntN(2), r.dev())
}
