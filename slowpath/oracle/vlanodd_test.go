package oracle

import (
	"slices"

	"github.com/hone-net/hone/slowpath"
)

// bridgedVLAN puts a VLAN device into a bridge that has taken its place.
func bridgedVLAN(port int, device, kind string) []string {
	return slices.Concat([]string{"ip link add br0 type bridge", "ip link add " + device + " link r" + string(rune('0'+port)) + " " + kind,
		"ip link set " + device + " master br0", "ip link set " + device + " up"},
		[]string{"ip link set br0 address 02:00:00:00:01:0" + string(rune('0'+port)), "ip link set br0 up", handed(port, "br0", commonLines)})
}

// vlanOddities are VLAN devices that are not as usual, or have something upon them.
var vlanOddities = []vlanRouter{
	{config: config{name: "headers not reordered", setup: over(0, "r0.10", "type vlan id 10 reorder_hdr off")}, in: []int{10, 10, 0}, least: 12},
	{config: config{name: "headers not reordered on the way out", setup: over(1, "r1.20", "type vlan id 20 reorder_hdr off")}, in: inBare,
		left: slowpath.EgressKind, least: 19},
	{config: config{name: "ingress priorities", setup: slices.Concat(over(0, "r0.10", "type vlan id 10 ingress-qos-map 1:5 3:2 7:0"),
		over(1, "r1.20", "type vlan id 20 egress-qos-map 5:1 2:6"))}, in: inTagged},
	{config: config{name: "egress priorities", setup: over(1, "r1.20", "type vlan id 20 egress-qos-map 0:3 2:5 4:7 6:1")}, in: inBare,
		left: slowpath.EgressKind, least: 18},
	{config: config{name: "egress priorities of every class", setup: over(1, "r1.20",
		"type vlan id 20 egress-qos-map 0:1 1:2 2:3 3:4 4:5 5:6 6:7 7:7")}, in: inBare, least: 18},
	{config: config{name: "priorities that map to nothing", setup: slices.Concat(over(0, "r0.10", "type vlan id 10 ingress-qos-map 0:0"),
		over(1, "r1.20", "type vlan id 20 egress-qos-map 0:0"))}, in: inTagged, least: 39},
	{config: config{name: "802.1ad", setup: over(0, "r0.10", "type vlan proto 802.1ad id 10")}, in: []int{10, 10, 0}, ad: true, least: 15},
	{config: config{name: "802.1ad on the way out", setup: over(1, "r1.20", "type vlan proto 802.1ad id 20")}, in: inBare, left: slowpath.EgressKind, least: 17},
	{config: config{name: "802.1ad beside 802.1q", setup: slices.Concat(in10, beside("r0.s", "link r0 type vlan proto 802.1ad id 10", 30))}, in: inTagged, least: 40},
	{config: config{name: "802.1ad beside 802.1q, its frames", setup: slices.Concat(in10, beside("r0.s", "link r0 type vlan proto 802.1ad id 10", 30))},
		in: []int{10, 10, 0}, ad: true, least: 12},
	{config: config{name: "vlan 0", setup: slices.Concat(beside("r0.0", "link r0 type vlan id 0", 30), out20)}, in: []int{0, 0, 10}, least: 25},
	{config: config{name: "vlan 0 and another", setup: slices.Concat(beside("r0.0", "link r0 type vlan id 0", 30), in10)}, in: inTagged, least: 39},
	{config: config{name: "egress priority tag", setup: over(1, "r1.0", "type vlan id 0")}, in: inBare, least: 18},
	{config: config{name: "vlan on vlan", setup: also(in10, beside("q7", "link r0.10 type vlan id 7", 30)...)}, in: inTagged, least: 38},
	{config: config{name: "egress vlan on vlan", setup: also(across, beside("q7", "link r1.20 type vlan id 7", 30, "172.16.0.0/16")...)}, in: inTagged,
		left: slowpath.EgressKind, least: 35},
	{config: config{name: "macvlan on a vlan", setup: also(across, "ip link add m0 link r0.10 address 02:00:00:00:07:30 type macvlan mode bridge",
		"ip link set m0 up")}, in: inTagged, refused: slowpath.Promiscuous},
	{config: config{name: "macvlan on a vlan, its frames", setup: also(across, "ip link add m0 link r0.10 address 02:00:00:00:07:30 type macvlan mode bridge",
		"ip link set m0 up")}, in: inTagged, mac: "02:00:00:00:07:30", refused: slowpath.Promiscuous},
	{config: config{name: "macvlan on a vlan, elsewhere", setup: also(across, "ip link add m0 link r0.10 type macvlan mode passthru nopromisc"),
		open: func() error { return away("m0") }}, in: []int{10, 10, 0}, least: 14},
	{config: config{name: "egress priorities by ioctl", setup: also(across, "vconfig set_egress_map r1.20 0 3", "vconfig set_ingress_map r0.10 5 2")},
		in: inTagged},
	{config: config{name: "egress macvlan on a vlan", setup: also(across, beside("m0", "link r1.20 address 02:00:00:00:07:31 type macvlan mode bridge",
		30, "172.16.0.0/16")...)}, in: inTagged, least: 37},
	{config: config{name: "macvlan on the parent", setup: also(across, "ip link add m0 link r0 type macvlan mode bridge", "ip link set m0 up")}, in: inTagged,
		refused: slowpath.Kind},
	{config: config{name: "egress vlan on a macvlan", setup: also(in10, append([]string{"ip link add m0 link r1 type macvlan mode bridge", "ip link set m0 up"},
		beside("m0.20", "link m0 type vlan id 20", 30, "172.16.0.0/16")...)...)}, in: inTagged, least: 37},
	{config: config{name: "vlan in a bridge", setup: bridgedVLAN(0, "r0.10", "type vlan id 10")}, in: []int{10, 10, 10, 0}, refused: slowpath.Promiscuous},
	{config: config{name: "egress vlan in a bridge", setup: also(in10, bridgedVLAN(1, "r1.20", "type vlan id 20")...)}, in: inTagged, least: 18},
	{config: config{name: "egress vlan of a port of a bridge", setup: also(across, "ip link add br0 type bridge", "ip link set br0 up",
		"ip link set r1 master br0")}, in: inTagged, least: 20},
	{config: config{name: "vlan with bridge binding", setup: slices.Concat([]string{"perhaps ip link set r0.10 type vlan bridge_binding on"}, across)},
		in: inTagged, least: 38},
	{config: config{name: "vlan in a vrf", setup: also(across, "ip link add red type vrf table 10", "ip link set red up", "ip link set r0.10 master red",
		"ip link set r1.20 master red", "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:0a:00 nud permanent dev r0.10",
		"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:00 nud permanent dev r1.20", "ip route add 100.64.0.0/10 via 10.0.0.1 table 10",
		"ip route add 172.16.0.0/17 via 10.2.0.1 table 10", "ip route add unreachable default metric 4278198272 table 10")}, in: []int{10, 10, 10, 0}, least: 15},
	{config: config{name: "parent in a vrf, vlan not", setup: also(across, "ip link add red type vrf table 10", "ip link set red up",
		"ip link set r0 master red", "ip link set r1 master red")}, in: []int{10, 10, 10, 0}, least: 6},
	{config: config{name: "vlan elsewhere", setup: also(out20, "ip link add r0.10 link r0 type vlan id 10"), open: func() error { return away("r0.10") }}, in: []int{10, 0, 0}, least: 25},
	{config: config{name: "tags beside the frame", tagged: true, setup: slices.Concat(in10, beside("r0.5", "link r0 type vlan id 5", 15))},
		in: []int{10, 0}, left: slowpath.VLANTag, least: 32},
	{config: config{name: "tags beside the frame, of the same", tagged: true, setup: over(0, "r0.5", "type vlan id 5")}, in: []int{5, 0, 0},
		left: slowpath.VLANTag, least: 34},
	{config: config{name: "offloads", setup: across}, offloads: true, in: inTagged, least: 37},
	{config: config{name: "offloads, mtu of the far end", setup: also(across, "B: ip link set b0 mtu 1400")}, offloads: true, in: inTagged, least: 40},
	{config: config{name: "offloads, on a stick", setup: also(in10, vlan20r0...)}, offloads: true, in: []int{10, 20}, least: 33},
	{config: config{name: "alias off", setup: also(across, "ip link set r0.10 alias hone=off")}, in: []int{10, 10, 0}, least: 13},
	{config: config{name: "alias off on the way out", setup: also(across, "ip link set r1.20 alias hone=off")}, in: inTagged, least: 42},
	{config: config{name: "vlan without an address", setup: slices.Concat([]string{"ip link add r0.10 link r0 type vlan id 10", "ip link set r0.10 up"}, out20)},
		in: []int{10, 10, 0}, least: 39},
}
