package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// lanConfig is a configuration of the bridge br0, whose ports are r0 to r3 unless the lines take some away. r4 leads
// elsewhere, r5 to nowhere. Lines are as in other configurations.
type lanConfig struct {
	config
	bridge   string        // what br0 is made with
	macs     int           // stations
	members  []int         // the ports that they are behind; nil for the first four
	tags     []uint16      // VLANs that frames of stations are tagged with, 0 for none, by turns
	pvids    []uint16      // VLANs of untagged frames of the ports, so that stations mostly talk to such of their own
	provider bool          // half of the tags are those of providers
	routed   bool          // half of the frames go through the bridge's own address
	trims    bool          // the kernel cuts off padding, because netfilter is asked
	broken   bool          // half of the frames have something broken inside
	spanning bool          // the kernel's spanning tree is on
	settles  time.Duration // how long the kernel takes before all is as it will be
	still    bool          // nobody comes or moves while a change is not followed
	ends     []int         // MTUs of the far ends of the first ports, if not lanMTU: longer frames do not come from there
	edges    bool          // half of the frames are about as long as what they meet takes
	offloads bool          // frames leave with their tag beside them, where the kernel lets them, and nobody looks for tags
	newer    bool          // it takes a kernel or a command that is not everywhere
}

// lanConfigs lists every configuration of a bridge.
func lanConfigs() []lanConfig {
	return slices.Concat(plainLANs, portLANs, entryLANs(), statefulLANs, severalLANs, routedLANs, netfilterLANs, refusedLANs, changingLANs(), vlanLANs)
}

// end is the MTU of a port's far end.
func (c lanConfig) end(port int) int {
	if port < len(c.ends) {
		return c.ends[port]
	}
	return lanMTU
}

func lines(all ...string) []string { return all }

var plainLANs = []lanConfig{
	{config: config{name: "two stations"}, macs: 2},
	{config: config{name: "twenty stations"}, macs: 20},
	{config: config{name: "two hundred stations"}, macs: 200},
	{config: config{name: "five thousand stations"}, macs: 5000},
	{config: config{name: "tagged stations"}, macs: 30, tags: []uint16{0, 5, 1, 4095}},
	{config: config{name: "tagged stations, small mtu", setup: lines("ip link set r2 mtu 1400", "ip link set r3 mtu 1496")}, macs: 20, tags: []uint16{5, 4094}},
	{config: config{name: "tagged stations, small far ends", setup: lines("B: ip link set b1 mtu 1400", "B: ip link set b2 mtu 1486")}, macs: 20,
		ends: []int{lanMTU, lanMTU, 1400, 1486}, tags: []uint16{0, 5, 4094}, edges: true, offloads: true},
	{config: config{name: "tagged neighbours", setup: lines("bridge link set dev r1 neigh_suppress on")}, macs: 20, tags: []uint16{5}},
	{config: config{name: "tagged, routed", setup: withAddress()}, macs: 20, routed: true, tags: []uint16{0, 5}},
	vlanDevice("on a port", "ip link add r1.5 link r1 type vlan id 5", "ip link set r1.5 up"),
	vlanDevice("that is down", "ip link add r1.5 link r1 type vlan id 5"),
	vlanDevice("in another namespace", "ip link add r1.5 link r1 netns A type vlan id 5", "A: ip link set r1.5 up"),
	vlanDevice("of a provider", "ip link add r1.5 link r1 netns A type vlan protocol 802.1ad id 5", "A: ip link set r1.5 up"),
	vlanDevice("on the bridge", "ip link add br0.5 link br0 type vlan id 5", "ip link set br0.5 up"),
	{config: config{name: "no snooping"}, macs: 20, bridge: "mcast_snooping 0"},
	{config: config{name: "querier"}, macs: 20, bridge: "mcast_querier 1"},
	{config: config{name: "no learning from reserved addresses"}, macs: 20, bridge: "no_linklocal_learn 1", newer: true},
	{config: config{name: "forwards LLDP"}, macs: 20, bridge: "group_fwd_mask 0x4000"},
	{config: config{name: "long ageing"}, macs: 20, bridge: "ageing_time 100000"},
	{config: config{name: "no ageing: a hub"}, macs: 20, bridge: "ageing_time 0"},
	{config: config{name: "own address of the bridge", setup: lines("ip link set br0 address 02:00:00:00:01:77")}, macs: 20},
	{config: config{name: "partial checksums", partial: true, setup: lines("ethtool -K r0 tx off", "ethtool -K r1 tx off", "ethtool -K r2 tx off",
		"ethtool -K r3 tx off")}, macs: 20},
	{config: config{name: "tags in metadata", tagged: true}, macs: 20},
	{config: config{name: "generic hook", hook: "xdp-generic"}, macs: 20},
	{config: config{name: "six ports", setup: lines("ip addr flush dev r4", "ip addr flush dev r5", "ip link set r4 master br0",
		"ip link set r5 master br0")}, macs: 60, members: []int{0, 1, 2, 3, 4, 5}},
}

// vlanDevice has a VLAN device, and stations of its VLAN and of others.
func vlanDevice(name string, lines ...string) lanConfig {
	return lanConfig{config: config{name: "VLAN device " + name, setup: lines}, macs: 24, tags: []uint16{5, 0, 7}, newer: true}
}

// portLAN sets flags of ports.
func portLAN(name string, flags ...string) lanConfig {
	c := lanConfig{config: config{name: name}, macs: 20}
	for _, f := range flags {
		c.setup = append(c.setup, "bridge link set dev "+f)
	}
	return c
}

var portLANs = []lanConfig{
	portLAN("learning off", "r1 learning off"),
	portLAN("learning off everywhere", "r0 learning off", "r1 learning off", "r2 learning off", "r3 learning off"),
	portLAN("flood off", "r1 flood off", "r2 flood off"),
	portLAN("group flood off", "r1 mcast_flood off", "r2 bcast_flood off"),
	portLAN("hairpin", "r0 hairpin on", "r2 hairpin on"),
	portLAN("isolated", "r0 isolated on", "r1 isolated on"),
	portLAN("isolated everywhere", "r0 isolated on", "r1 isolated on", "r2 isolated on", "r3 isolated on"),
	portLAN("isolated, hairpin", "r0 isolated on", "r0 hairpin on", "r1 isolated on"),
	portLAN("locked", "r1 locked on learning off"),
	{config: config{name: "locked, static entries", setup: staticBehind(1, "bridge link set dev r1 locked on learning off")}, macs: 20},
	{config: config{name: "learning off, static entries", setup: staticBehind(1, "bridge link set dev r1 learning off")}, macs: 20},
	portLAN("locked, learning", "r1 locked on"),
	portLAN("guard", "r1 guard on"),
	portLAN("root block", "r1 root_block on"),
	portLAN("neighbour suppression", "r1 neigh_suppress on", "r2 neigh_suppress on"),
	portLAN("multicast to unicast", "r1 mcast_to_unicast on"),
	portLAN("backup port", "r1 backup_port r2"),
	portLAN("fast leave", "r1 fastleave on"),
	{config: config{name: "proxy ARP", setup: lines("ip link set r1 type bridge_slave proxy_arp on")}, macs: 20},
	{config: config{name: "proxy ARP of WiFi", setup: lines("ip link set r1 type bridge_slave proxy_arp_wifi on")}, macs: 20},
	{config: config{name: "forwards BPDUs of a port", setup: lines("ip link set r1 type bridge_slave group_fwd_mask 0x8")}, macs: 20},
	{config: config{name: "cost and priority", setup: lines("bridge link set dev r1 cost 7", "bridge link set dev r1 priority 9")}, macs: 20},
	portLAN("state blocking, which the kernel ends", "r1 state 4"),
	portLAN("state disabled", "r1 state 0"),
	{config: config{name: "state disabled, static entries", setup: staticBehind(1, "bridge link set dev r1 state 0")}, macs: 20},
	{config: config{name: "mtu of a port", setup: lines("ip link set r2 mtu 1400")}, macs: 20},
	{config: config{name: "mtu of all", setup: lines("ip link set r0 mtu 1400", "ip link set r1 mtu 1400", "ip link set r2 mtu 576",
		"ip link set r3 mtu 1400")}, macs: 20},
	{config: config{name: "port down", setup: lines("ip link set r3 down")}, macs: 20},
	{config: config{name: "port without carrier", setup: lines("B: ip link set b2 down")}, macs: 20},
	{config: config{name: "one port left", setup: lines("ip link set r1 nomaster", "ip link set r2 nomaster", "ip link set r3 nomaster")}, macs: 20},
}

// staticBehind makes static entries of the stations behind a port, before the lines.
func staticBehind(port int, lines ...string) (all []string) {
	for i := port; i < 20; i += bridgePorts {
		all = append(all, fmt.Sprintf("bridge fdb add %s dev r%d master static", stationMAC(i), port))
	}
	return append(all, lines...)
}

// entryLANs have entries that nobody learned. Stations move, so that frames from them come in by other ports, too.
func entryLANs() []lanConfig {
	entries := func(name, how string) lanConfig {
		c := lanConfig{config: config{name: name}, macs: 20}
		for i := range 12 {
			c.setup = append(c.setup, fmt.Sprintf("bridge fdb add %s dev r%d %s", stationMAC(i), (i+i/8)%4, how))
		}
		return c
	}
	own := lanConfig{config: config{name: "local entries"}, macs: 20}
	for i := range 5 {
		own.setup = append(own.setup, fmt.Sprintf("bridge fdb add %s dev r%d master local", stationMAC(i), i%4))
	}
	own.setup = append(own.setup, fmt.Sprintf("bridge fdb add %s dev br0 self local", stationMAC(7)))
	return []lanConfig{entries("static entries", "master static"), entries("sticky entries", "master static sticky"),
		entries("entries of an agent", "master dynamic extern_learn"), entries("entries of an administrator", "master dynamic"), own}
}

// slowTree has ports forward after 12 seconds, and the tree at rest as many later: while it changes, entries age in six.
const slowTree = "stp_state 1 forward_delay 600 hello_time 100 max_age 600"

var statefulLANs = []lanConfig{
	{config: config{name: "spanning tree"}, macs: 20, bridge: slowTree, spanning: true, settles: 26 * time.Second},
	{config: config{name: "spanning tree, a loop", setup: lines("ip link add br1 type bridge mcast_snooping 0 "+slowTree, "ip link set br1 up",
		"ip link set r2 master br1", "ip link set r3 master br1",
		"ip link add c0 address 02:00:00:00:01:c0 type veth peer c1 address 02:00:00:00:01:c1", "ip link add d0 address 02:00:00:00:01:d0 type veth peer d1 address 02:00:00:00:01:d1",
		"ip link set c0 master br0 up", "ip link set c1 master br1 up", "ip link set d0 master br0 up", "ip link set d1 master br1 up")},
		macs: 20, bridge: "mcast_snooping 0 " + slowTree, spanning: true, settles: 28 * time.Second},
	{config: config{name: "spanning tree, soon forgets"}, macs: 20, bridge: "stp_state 1 forward_delay 200 hello_time 100 max_age 600", spanning: true,
		settles: 13 * time.Second},
	{config: config{name: "bridge down", setup: lines("ip link set br0 down")}, macs: 20},
	{config: config{name: "bridge is promiscuous", setup: lines("ip link set br0 promisc on")}, macs: 20},
	{config: config{name: "port is promiscuous", setup: lines("ip link set r1 promisc on")}, macs: 20},
}

var severalLANs = []lanConfig{
	{config: config{name: "two bridges", setup: lines("ip link add br1 type bridge", "ip link set br1 up", "ip link set r2 master br1",
		"ip link set r3 master br1")}, macs: 20},
	{config: config{name: "two bridges with a cable", setup: lines("ip link add br1 type bridge mcast_snooping 0", "ip link set br1 up", "ip link set r2 master br1",
		"ip link set r3 master br1", "ip link add c0 address 02:00:00:00:01:c0 type veth peer c1 address 02:00:00:00:01:c1",
		"ip link set c0 master br0 up", "ip link set c1 master br1 up")}, macs: 20, bridge: "mcast_snooping 0"}, // or br1 learns of br0 in its own time
	{config: config{name: "macvlan on the bridge", setup: lines("ip link add m0 link br0 address 02:00:00:00:01:70 type macvlan mode bridge",
		"ip link set m0 up")}, macs: 20},
	{config: config{name: "a tunnel's port", setup: lines("ip link add x0 address 02:00:00:00:01:71 type vxlan id 5 remote 10.5.0.1 dstport 4789 local 10.5.0.254",
		"ip link set x0 master br0 up")}, macs: 20},
}

// withAddress gives the bridge an address, and its stations to the kernel as neighbours.
func withAddress(lines ...string) []string {
	batch := []string{"batch", "addr add 10.99.0.254/16 dev br0", "route add 172.16.0.0/16 via 10.5.0.1"}
	for i := range 24 {
		batch = append(batch, fmt.Sprintf("neigh add %s lladdr %s nud permanent dev br0", stationAddr(i), stationMAC(i)))
	}
	return append([]string{strings.Join(batch, "\n")}, lines...)
}

var routedLANs = []lanConfig{
	{config: config{name: "routed", setup: withAddress()}, macs: 20, routed: true},
	{config: config{name: "routed, own address", setup: withAddress("ip link set br0 address 02:00:00:00:01:00")}, macs: 20, routed: true},
	{config: config{name: "routed, five thousand stations", setup: withAddress()}, macs: 5000, routed: true},
	{config: config{name: "routed, rp_filter", setup: withAddress("sysctl ipv4/conf/br0/rp_filter=1", "sysctl ipv4/conf/r4/rp_filter=1")}, macs: 20, routed: true},
	{config: config{name: "routed, small mtu", setup: withAddress("ip link set r2 mtu 1400", "ip link set r4 mtu 1300")}, macs: 20, routed: true},
	{config: config{name: "routed, no forwarding", setup: withAddress("sysctl ipv4/conf/br0/forwarding=0")}, macs: 20, routed: true},
	{config: config{name: "routed, isolated and blocking", setup: withAddress("bridge link set dev r0 isolated on", "bridge link set dev r1 isolated on",
		"bridge link set dev r2 state 4", "bridge link set dev r3 flood off")}, macs: 20, routed: true},
	{config: config{name: "routed, locked", setup: withAddress("bridge link set dev r1 locked on")}, macs: 20, routed: true},
	{config: config{name: "routed, hairpin", setup: withAddress("bridge link set dev r0 hairpin on")}, macs: 20, routed: true},
	{config: config{name: "routed, a device elsewhere", setup: withAddress("ip link add m0 link br0 type macvlan mode passthru nopromisc"),
		open: func() error { return away("m0") }}, macs: 20, routed: true},
	{config: config{name: "routed, rules", setup: withAddress("ip rule add iif br0 lookup 7", "ip route add 172.16.8.0/21 via 10.5.0.1 table 7",
		"ip route add blackhole 172.16.16.0/21 table 7")}, macs: 20, routed: true},
	{config: config{name: "routed, ruleset", setup: withAddress(), rules: "table inet t { chain f { type filter hook forward priority 0\n" +
		" iifname br0 udp dport 0-9999 drop\n oifname br0 tcp dport 10000-30000 drop\n iifname r0 drop\n }\n}\n"}, macs: 20, routed: true},
	{config: config{name: "routed between two bridges", setup: withAddress("ip addr flush dev r4", "ip link add br1 address 02:00:00:00:01:04 type bridge",
		"ip link set r4 master br1", "ip link set br1 up", "ip addr add 10.5.0.254/24 dev br1",
		"ip neigh add 10.5.0.1 lladdr 02:00:00:00:0b:03 nud permanent dev br1", "ip route replace 172.16.0.0/16 via 10.5.0.1")}, macs: 20, routed: true},
	{config: config{name: "routed ip6", six: true, setup: withAddress(sixOnBridge()...)}, macs: 20, routed: true},
}

// sixOnBridge gives the bridge an address of IPv6, too.
func sixOnBridge() []string {
	all := lines("sysctl ipv6/conf/all/disable_ipv6=0", "sysctl ipv6/conf/br0/disable_ipv6=0", "sysctl ipv6/conf/br0/accept_dad=0", "sysctl ipv6/conf/r4/disable_ipv6=0",
		"sysctl ipv6/conf/r4/accept_dad=0", "sysctl ipv6/conf/all/forwarding=1", "ip -6 addr add 2001:db8:99::fe/64 dev br0 nodad", "ip -6 addr add 2001:db8:5::fe/64 dev r4 nodad",
		"ip -6 neigh add 2001:db8:5::1 lladdr 02:00:00:00:0b:03 nud permanent dev r4", "ip -6 route add 2001:db8:1600::/40 via 2001:db8:5::1")
	for i := range 24 {
		all = append(all, fmt.Sprintf("ip -6 neigh add 2001:db8:99::%x lladdr %s nud permanent dev br0", 0x100+i, stationMAC(i)))
	}
	return all
}
