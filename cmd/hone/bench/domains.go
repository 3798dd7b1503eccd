package bench

// domain is a kind of configuration change with two states between which it goes back and forth. A frame that arrives
// shows under which state it was forwarded: by the last bytes of its MACs, or by arriving at all.
type domain struct {
	name  string
	lines [2]string // the command that leads to state 0, to state 1
	keys  [2]int    // what arrives in the states; -1: nothing does
	setup []string  // leads to state 0 at the start
	undo  []string  // puts back what setup changed
}

// The frames of the states: by the receiver 0 (b0) or 2 (an alias on the same link), from r1.
var (
	byFirst  = sinkKey(0, 1)
	bySecond = sinkKey(2, 1)
	byThird  = sinkKey(5, 1)
)

// A setting is a lab with the domains that are changed in it, and its share of the time.
type setting struct {
	build   func() (*rig, error)
	domains []domain
	share   float64
}

var settings = []setting{
	{func() (*rig, error) { return newRouter(1, secondReceiver) }, domains4, 0.72},
	{func() (*rig, error) { return newRouter6(1, 0) }, domains6, 0.1},
	{func() (*rig, error) { return newBridge(lan{stations: 2, netfilter: "0"}) }, domainsLAN, 0.18},
}

var domains4 = []domain{
	{name: "route", keys: [2]int{byFirst, bySecond},
		lines: [2]string{"ip route replace 10.128.0.0/24 via 10.2.0.1", "ip route replace 10.128.0.0/24 via 10.2.0.2"}},
	{name: "neigh", keys: [2]int{byFirst, byThird},
		lines: [2]string{"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:00 dev r1 nud permanent",
			"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:05 dev r1 nud permanent"}},
	{name: "nexthop", keys: [2]int{byFirst, bySecond},
		setup: []string{"ip nexthop add id 7 via 10.2.0.1 dev r1", "ip route replace 10.128.0.0/24 nhid 7"},
		lines: [2]string{"ip nexthop replace id 7 via 10.2.0.1 dev r1", "ip nexthop replace id 7 via 10.2.0.2 dev r1"},
		undo:  []string{"ip route replace 10.128.0.0/24 via 10.2.0.1", "ip nexthop del id 7"}},
	{name: "link", keys: [2]int{byFirst, -1}, // another MAC: the frames are for another host then
		lines: [2]string{"ip link set r0 address 02:00:00:00:01:00", "ip link set r0 address 02:00:00:00:01:77"}},
	{name: "address", keys: [2]int{byFirst, -1},
		lines: [2]string{"ip address del 10.128.0.9/32 dev lo", "ip address add 10.128.0.9/32 dev lo"}},
	{name: "rule", keys: [2]int{byFirst, -1},
		lines: [2]string{"ip rule del to 10.128.0.0/24 blackhole", "ip rule add to 10.128.0.0/24 blackhole"}},
	{name: "netconf", keys: [2]int{byFirst, -1},
		lines: [2]string{"sysctl -qw net.ipv4.conf.r0.forwarding=1", "sysctl -qw net.ipv4.conf.r0.forwarding=0"}},
	{name: "nft", keys: [2]int{byFirst, -1},
		lines: [2]string{"nft delete table ip t",
			"nft add table ip t ; add chain ip t c { type filter hook forward priority 0 ; policy drop ; }"}},
	{name: "nftrule", keys: [2]int{byFirst, -1},
		setup: []string{"nft add table ip t ; add chain ip t c { type filter hook forward priority 0 ; }"},
		lines: [2]string{"nft flush chain ip t c", "nft add rule ip t c ip daddr 10.128.0.0/24 drop"},
		undo:  []string{"nft delete table ip t"}},
	{name: "element", keys: [2]int{byFirst, -1},
		setup: []string{"nft add table ip t ; add set ip t s { type ipv4_addr ; flags interval ; } ;" +
			" add chain ip t c { type filter hook forward priority 0 ; } ; add rule ip t c ip daddr @s drop"},
		lines: [2]string{"nft delete element ip t s { 10.128.0.0/24 }", "nft add element ip t s { 10.128.0.0/24 }"},
		undo:  []string{"nft delete table ip t"}},
	{name: "host", keys: [2]int{byFirst, -1}, // among so many that the table of the set changes in place
		setup: []string{"nft add table ip t ; add set ip t s { type ipv4_addr ; elements = { 192.0.2.1 , 192.0.2.2 , 192.0.2.3 , 192.0.2.4 ," +
			" 192.0.2.5 , 192.0.2.6 , 192.0.2.7 , 192.0.2.8 } ; } ;" +
			" add chain ip t c { type filter hook forward priority 0 ; } ; add rule ip t c ip daddr @s drop"},
		lines: [2]string{"nft delete element ip t s { 10.128.0.9 }", "nft add element ip t s { 10.128.0.9 }"},
		undo:  []string{"nft delete table ip t"}},
	{name: "prefix", keys: [2]int{byFirst, -1}, // likewise, in a set of intervals
		setup: []string{"nft add table ip t ; add set ip t s { type ipv4_addr ; flags interval ; elements = { 192.0.2.0/30 , 192.0.2.8/29 , 192.0.2.32/28 ," +
			" 198.51.100.0/30 , 198.51.100.8/29 , 198.51.100.32/28 , 203.0.113.0/30 , 203.0.113.8/29 } ; } ;" +
			" add chain ip t c { type filter hook forward priority 0 ; } ; add rule ip t c ip daddr @s drop"},
		lines: [2]string{"nft delete element ip t s { 10.128.0.0/24 }", "nft add element ip t s { 10.128.0.0/24 }"},
		undo:  []string{"nft delete table ip t"}},
	{name: "tc", keys: [2]int{byFirst, -1},
		lines: [2]string{"tc qdisc del dev r1 root", "tc qdisc add dev r1 root tbf rate 8bit burst 10 limit 10"}},
	{name: "xfrm", keys: [2]int{byFirst, -1},
		lines: [2]string{"ip xfrm policy delete dir fwd src 10.0.0.0/24 dst 10.128.0.0/24",
			"ip xfrm policy add dir fwd src 10.0.0.0/24 dst 10.128.0.0/24 action block"}},
}

// The gateways of IPv6 have MACs of their own from the beginning.
var domains6 = []domain{
	{name: "route6", keys: [2]int{byFirst, sinkKey(1, 1)},
		lines: [2]string{"ip route replace 2001:db8:8000::/48 via 2001:db8:2::1", "ip route replace 2001:db8:8000::/48 via 2001:db8:2::2"}},
	{name: "neigh6", keys: [2]int{byFirst, byThird},
		lines: [2]string{"ip neigh replace 2001:db8:2::1 lladdr 02:00:00:00:0b:00 dev r1 nud permanent",
			"ip neigh replace 2001:db8:2::1 lladdr 02:00:00:00:0b:05 dev r1 nud permanent"}},
}

// Behind r1 is the second station of the bridge, to which the first one sends. A port that is disabled stays so without a spanning
// tree, other than one that is blocked.
var domainsLAN = []domain{
	{name: "fdb", keys: [2]int{sinkKey(0, 0), -1},
		lines: [2]string{"bridge fdb replace 52:54:00:00:01:00 dev r1 master static", "bridge fdb replace 52:54:00:00:01:00 dev r0 master static"}},
	{name: "port", keys: [2]int{sinkKey(0, 0), -1},
		lines: [2]string{"bridge link set dev r1 state 3", "bridge link set dev r1 state 0"}},
}
