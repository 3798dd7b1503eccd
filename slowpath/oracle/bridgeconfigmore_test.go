package oracle

import (
	"fmt"
	"slices"
)

// asked has netfilter asked about bridged packets of IPv4 and IPv6.
var asked = lines("sysctl bridge/bridge-nf-call-iptables=1", "sysctl bridge/bridge-nf-call-ip6tables=1")

var forwardChain = "table inet t { chain f { type filter hook forward priority 0\n udp dport 0-20000 drop\n tcp sport 1-1000 accept\n ip ttl < 100 drop\n }\n}\n"

var netfilterLANs = []lanConfig{
	{config: config{name: "nf-call, no rules", setup: asked}, macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call, no rules, tags", setup: asked}, macs: 20, trims: true, broken: true, tags: []uint16{0, 5}},
	{config: config{name: "nf-call, tags too", setup: append(asked, "sysctl bridge/bridge-nf-filter-vlan-tagged=1")}, macs: 20, trims: true,
		tags: []uint16{0, 5}, broken: true},
	{config: config{name: "nf-call, rules for tags too", setup: append(asked[:1:1], "sysctl bridge/bridge-nf-filter-vlan-tagged=1"), rules: forwardChain}, macs: 20,
		trims: true, tags: []uint16{0, 5}},
	{config: config{name: "nf-call, PPPoE too", setup: append(asked, "sysctl bridge/bridge-nf-filter-pppoe-tagged=1")}, macs: 20, trims: true},
	{config: config{name: "nf-call of ARP", setup: lines("sysctl bridge/bridge-nf-call-arptables=1")}, macs: 20},
	{config: config{name: "nf-call of IPv4 only", setup: lines("sysctl bridge/bridge-nf-call-iptables=1"), rules: forwardChain}, macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call of IPv6 only", setup: lines("sysctl bridge/bridge-nf-call-ip6tables=1"), rules: forwardChain}, macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call by the bridge", rules: forwardChain}, bridge: "nf_call_iptables 1", macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call, forward chain", setup: asked, rules: forwardChain}, macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call, input chain", setup: asked, rules: "table inet t { chain i { type filter hook input priority 0\n udp dport 1 drop\n }\n}\n"},
		macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call, prerouting chain", setup: asked, rules: "table ip t { chain p { type filter hook prerouting priority -300\n udp dport 0-20000 drop\n }\n}\n"},
		macs: 20, trims: true, broken: true},
	{config: config{name: "nf-call, connections", setup: asked, rules: "table inet t { chain f { type filter hook forward priority 0\n ct state invalid drop\n }\n}\n"},
		macs: 20, trims: true},
	{config: config{name: "nf-call, routed", setup: withAddress(asked...)}, macs: 20, trims: true, routed: true},
	{config: config{name: "nf-call, routed, ruleset", setup: withAddress(asked...), rules: forwardChain}, macs: 20, trims: true, routed: true},
	{config: config{name: "no nf-call, a ruleset", rules: forwardChain}, macs: 20},
	{config: config{name: "no nf-call, broken packets"}, macs: 20, broken: true},
}

var refusedLANs = []lanConfig{
	{config: config{name: "bridge family, forward", rules: "table bridge t { chain f { type filter hook forward priority 0\n ether saddr " +
		stationMAC(1).String() + " drop\n }\n}\n"}, macs: 20},
	{config: config{name: "bridge family, input", rules: "table bridge t { chain f { type filter hook input priority 0\n ether type ip drop\n }\n}\n"}, macs: 20},
	{config: config{name: "bridge family, prerouting", rules: "table bridge t { chain f { type filter hook prerouting priority 0\n ether daddr " +
		stationMAC(2).String() + " drop\n }\n}\n"}, macs: 20},
	{config: config{name: "netdev chain at a port", rules: "table netdev t { chain f { type filter hook ingress device r1 priority 0\n udp dport 0-30000 drop\n }\n}\n"}, macs: 20},
	{config: config{name: "inet chain at a port", rules: "table inet t { chain f { type filter hook ingress device r1 priority 0\n udp dport 0-30000 drop\n }\n}\n"}, macs: 20},
	{config: config{name: "tc at the ingress", setup: lines("tc qdisc add dev r1 clsact", "tc filter add dev r1 ingress protocol ip u32 match u8 64 0xff at 8 action drop")}, macs: 20, newer: true},
	{config: config{name: "queue at the egress", setup: lines("tc qdisc add dev r1 root pfifo limit 3000")}, macs: 20},
	{config: config{name: "tap at a port", open: func() error { return tap("r1", 0x0003) }}, macs: 20},
	{config: config{name: "tap at the bridge", open: func() error { return tap("br0", 0x0003) }}, macs: 20},
}

// changingLAN changes under its programs.
func changingLAN(name string, alter ...string) lanConfig {
	return lanConfig{config: config{name: "change: " + name, alter: alter}, macs: 20}
}

func changingLANs() []lanConfig {
	var moves, gone []string
	for i := range 16 {
		moves = append(moves, fmt.Sprintf("bridge fdb replace %s dev r%d master static", stationMAC(i), (i+1)%4))
		gone = append(gone, fmt.Sprintf("perhaps bridge fdb del %s dev r%d master", stationMAC(i), i%4))
	}
	routed := changingLAN("routed, stations move", moves...)
	routed.setup, routed.routed = withAddress(), true
	device := vlanDevice("that comes, in another namespace")
	device.alter = lines("ip link add r1.5 link r1 netns A type vlan id 5", "A: ip link set r1.5 up")
	route := func(name string, alter ...string) lanConfig {
		c := changingLAN("routed, "+name, alter...)
		c.setup, c.routed, c.still = withAddress(), true, true
		return c
	}
	six := route("a route of IPv6", fmt.Sprintf("ip -6 route add 2001:db8:1600::/117 via 2001:db8:99::%x", 0x102))
	six.setup, six.six = withAddress(sixOnBridge()...), true
	rules := changingLAN("nf-call", asked...)
	far := changingLAN("smaller far end", "B: ip link set b1 mtu 1400", "B: ip link set b2 mtu 1400")
	far.tags, far.ends, far.edges, far.offloads = []uint16{5, 4094}, []int{lanMTU, lanMTU, 1400, 1400}, true, true
	rules.trims, rules.rules = true, forwardChain
	return []lanConfig{
		changingLAN("stations move", moves...),
		{config: config{name: "change: stations are forgotten", alter: gone}, macs: 16},
		changingLAN("all is forgotten", "ip link set br0 type bridge fdb_flush"),
		changingLAN("a port is", "ip link set r1 type bridge_slave fdb_flush"),
		changingLAN("port leaves", "ip link set r2 nomaster"),
		changingLAN("port comes", "ip addr flush dev r5", "ip link set r5 master br0"),
		changingLAN("port goes down", "ip link set r2 down"),
		changingLAN("port is gone", "ip link del r2"),
		changingLAN("port is disabled", "bridge link set dev r1 state 0"),
		{config: config{name: "change: port forwards", setup: lines("bridge link set dev r1 state 0"), alter: lines("bridge link set dev r1 state 3")}, macs: 20},
		changingLAN("port is isolated", "bridge link set dev r1 isolated on", "bridge link set dev r2 isolated on"),
		changingLAN("port is locked", "bridge link set dev r1 locked on"),
		changingLAN("hairpin", "bridge link set dev r0 hairpin on"),
		changingLAN("learning", "bridge link set dev r1 learning off"),
		changingLAN("smaller mtu", "ip link set r2 mtu 1300"),
		changingLAN("bridge has another address", "ip link set br0 address 02:00:00:00:01:78"),
		changingLAN("bridge has an address", withAddress()...),
		changingLAN("bridge goes down", "ip link set br0 down"),
		changingLAN("port goes to another bridge", "ip link add br1 type bridge", "ip link set br1 up", "ip link set r2 master br1", "ip link set r3 master br1"),
		changingLAN("bridge is gone", "ip link del br0"),
		changingLAN("ageing", "ip link set br0 type bridge ageing_time 500"),
		changingLAN("local entry", fmt.Sprintf("bridge fdb add %s dev r1 master local", stationMAC(30)), fmt.Sprintf("bridge fdb replace %s dev r1 master local", stationMAC(1))),
		rules, routed, device, far,
		// What is bridged goes on, and what is routed does not: the database does not move.
		route("a route", fmt.Sprintf("ip route add 172.16.0.0/17 via %s", stationAddr(2))),
		route("no route", "ip route del 172.16.0.0/16"),
		route("a route to stations", "ip route add 10.99.0.0/20 via 10.5.0.1"),
		route("a neighbour", fmt.Sprintf("ip neigh replace %s lladdr %s nud permanent dev br0", stationAddr(1), stationMAC(2))),
		six,
	}
}

// filtering begins the names of bridges with VLAN filtering. Not every kernel has it, and so their shares are compared with the
// golden ones on each that has.
const filtering = "vlan: "

// vlanLAN has VLAN filtering: stations are behind ports in VLANs 10 and 20.
func vlanLAN(name string, setup ...string) lanConfig {
	return lanConfig{config: config{name: filtering + name, setup: setup}, macs: 30, bridge: "vlan_filtering 1", newer: true}
}

var vlanLANs = vlanConfigs()

func vlanConfigs() []lanConfig {
	access := lines("bridge vlan add dev r0 vid 10 pvid untagged", "bridge vlan add dev r1 vid 10 pvid untagged",
		"bridge vlan add dev r2 vid 20 pvid untagged", "bridge vlan del dev r0 vid 1", "bridge vlan del dev r1 vid 1", "bridge vlan del dev r2 vid 1")
	trunk := slices.Clip(append(access, "bridge vlan add dev r3 vid 10", "bridge vlan add dev r3 vid 20"))
	with := func(c lanConfig, f func(*lanConfig)) lanConfig { f(&c); return c }
	tags := func(t ...uint16) func(*lanConfig) {
		return func(c *lanConfig) {
			if c.tags, c.pvids = t, []uint16{1, 1, 1, 1}; slices.Contains(c.setup, access[0]) && slices.Contains(c.setup, access[2]) {
				c.pvids = []uint16{10, 10, 20, 1}
			}
		}
	}
	routed := vlanLAN("routed", append(trunk, "bridge vlan add dev br0 vid 10 self", "ip link add br0.10 link br0 type vlan id 10", "ip link set br0.10 up",
		"ip addr add 10.99.0.254/16 dev br0.10", "ip route add 172.16.0.0/16 via 10.5.0.1")...)
	for i := range 24 {
		routed.after = append(routed.after, fmt.Sprintf("ip neigh add %s lladdr %s nud permanent dev br0.10", stationAddr(i), stationMAC(i)))
	}
	routed.routed = true
	bare := vlanLAN("routed, without tags", withAddress(append(access[:3:3], "bridge vlan add dev r2 vid 10 pvid untagged",
		"bridge vlan add dev r3 vid 10", "bridge vlan add dev br0 vid 10 pvid untagged self")...)...)
	bare.routed = true
	return []lanConfig{
		vlanLAN("as it comes"),
		vlanLAN("access ports", access...),
		with(vlanLAN("trunk and access ports", trunk...), tags(0, 0, 10, 20)),
		with(vlanLAN("trunks", "bridge vlan add dev r0 vid 10-30", "bridge vlan add dev r1 vid 10-30", "bridge vlan add dev r2 vid 10-20",
			"bridge vlan add dev r3 vid 4094"), tags(10, 20, 25, 4094)),
		with(vlanLAN("tagged pvid", "bridge vlan add dev r0 vid 10 pvid", "bridge vlan add dev r1 vid 10 pvid untagged", "bridge vlan add dev r2 vid 10"), tags(0, 10)),
		with(vlanLAN("untagged, no pvid", "bridge vlan add dev r1 vid 10 untagged", "bridge vlan add dev r0 vid 10", "bridge vlan del dev r2 vid 1"), tags(0, 10)),
		with(vlanLAN("state of a VLAN", append(trunk, "bridge fdb add "+stationMAC(11).String()+" dev r3 master static vlan 10",
			"bridge vlan set vid 10 dev r3 state blocking")...), tags(0, 0, 10, 20)),
		with(vlanLAN("static entries", append(trunk, "bridge fdb add "+stationMAC(1).String()+" dev r3 master static vlan 10",
			"bridge fdb add "+stationMAC(5).String()+" dev r3 master static sticky vlan 20")...), tags(0, 10, 20)),
		with(vlanLAN("static entries of VLANs that are not carried", append(trunk, "bridge vlan add dev r1 vid 20",
			"bridge fdb add "+stationMAC(9).String()+" dev r1 master static vlan 20", "bridge fdb add "+stationMAC(7).String()+" dev r3 master static vlan 10", "bridge vlan del dev r3 vid 10",
			"bridge vlan del dev r1 vid 20")...), tags(0, 10, 20)),
		with(vlanLAN("two VLANs of a port", "bridge vlan add dev r0 vid 10 pvid untagged", "bridge vlan add dev r0 vid 20 untagged",
			"bridge vlan add dev r1 vid 10 pvid untagged", "bridge vlan add dev r1 vid 20 untagged", "bridge vlan add dev r3 vid 10-20"), tags(0, 10, 20)),
		with(vlanLAN("trunks without a pvid", append(trunk, "bridge vlan del dev r3 vid 1", "bridge vlan add dev r1 vid 20",
			"bridge vlan add dev r2 vid 10")...), tags(10, 20, 0)),
		with(vlanLAN("trunks, small mtu", append(trunk, "ip link set r3 mtu 1400", "ip link set r1 mtu 1496")...), tags(0, 10, 20)),
		with(vlanLAN("trunks that do not learn", append(trunk, "bridge link set dev r3 learning off")...), tags(0, 10, 20)),
		with(vlanLAN("VLAN device in another namespace", append(trunk, "ip link add r3.10 link r3 netns A type vlan id 10", "A: ip link set r3.10 up")...), tags(0, 10, 20)),
		with(vlanLAN("isolated", append(trunk, "bridge link set dev r0 isolated on", "bridge link set dev r1 isolated on")...), tags(0, 0, 10)),
		with(vlanLAN("802.1ad", "ip link set br0 type bridge vlan_protocol 802.1ad", "bridge vlan add dev r0 vid 10", "bridge vlan add dev r1 vid 10"),
			func(c *lanConfig) { c.tags, c.provider = []uint16{0, 10}, true }),
		with(vlanLAN("nf-call", append(trunk, asked...)...), func(c *lanConfig) { c.tags, c.trims = []uint16{0, 10, 20}, true }),
		with(vlanLAN("trunks, small far ends", append(trunk, "A: ip link set a0 mtu 1400", "B: ip link set b2 mtu 1400")...), func(c *lanConfig) {
			tags(0, 10, 20)(c)
			c.ends, c.edges, c.offloads = []int{1400, lanMTU, lanMTU, 1400}, true, true
		}),
		routed,
		bare,
		with(vlanLAN("change: another pvid", trunk...), func(c *lanConfig) {
			c.tags, c.alter = []uint16{0, 10, 20}, lines("bridge vlan add dev r1 vid 20 pvid untagged", "bridge vlan del dev r1 vid 10")
		}),
		with(vlanLAN("change: VLAN of a trunk", trunk...), func(c *lanConfig) {
			c.tags, c.alter = []uint16{0, 10, 20}, lines("bridge vlan del dev r3 vid 10")
		}),
		with(vlanLAN("change: no filtering", trunk...), func(c *lanConfig) {
			c.tags, c.alter = []uint16{0, 10, 20}, lines("ip link set br0 type bridge vlan_filtering 0")
		}),
		with(vlanLAN("change: filtering"), func(c *lanConfig) {
			c.bridge, c.tags, c.alter = "", []uint16{0, 10, 1}, lines("ip link set br0 type bridge vlan_filtering 1")
		}),
		vlanLAN("no default pvid", "ip link set br0 type bridge vlan_default_pvid 0"),
	}
}
