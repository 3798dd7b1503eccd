package oracle

import (
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// red puts r0 and r1 into a VRF. That takes them down for a moment, so that what the kernel forgets then is told again.
var red = []string{
	"ip link add red type vrf table 10", "ip link set red up", "ip link set r0 master red", "ip link set r1 master red",
	"ip neigh replace 10.0.0.1 lladdr 02:00:00:00:0a:00 nud permanent dev r0",
	"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:00 nud permanent dev r1",
	"ip route add 100.64.0.0/10 via 10.0.0.1 table 10", "ip route add 172.16.0.0/17 via 10.2.0.1 table 10",
	"ip route add 172.16.5.0/24 via 10.3.0.1 dev r2 onlink table 10",
	"ip route add unreachable default metric 4278198272 table 10",
}

// red6 is red for IPv6.
var red6 = append([]string{"sysctl ipv6/conf/r0/keep_addr_on_down=1", "sysctl ipv6/conf/r1/keep_addr_on_down=1",
	"sysctl ipv6/conf/default/disable_ipv6=0"},
	append(red[:len(red):len(red)], "ip neigh replace 2001:db8::1 lladdr 02:00:00:00:0a:00 nud permanent dev r0",
		"ip neigh replace 2001:db8:2::1 lladdr 02:00:00:00:0b:00 nud permanent dev r1",
		"ip -6 route add 2001:db8:6400::/40 via 2001:db8::1 dev r0 table 10",
		"ip -6 route add 2001:db8:1600::/41 via 2001:db8:2::1 dev r1 table 10",
		"ip -6 route add 2001:db8:1680::/41 via 2001:db8:3::1 dev r2 onlink table 10")...)

// vrfConfigs have a VRF. They are apart from the others, since a kernel may be without.
var vrfConfigs = []config{
	{name: "vrf", setup: red},
	{name: "vrf ip6", six: true, setup: red6},
	{name: "vrf ip6 and rules", six: true, setup: append([]string{"ip -6 rule add to 2001:db8:1605::/48 lookup 100",
		"ip -6 route add default via 2001:db8:3::1 table 100"}, red6...)},
	{name: "vrf of the others", setup: []string{"ip link add red type vrf table 10", "ip link set red up", "ip link set r3 master red",
		"ip neigh replace 10.4.0.1 lladdr 02:00:00:00:0b:02 nud permanent dev r3"}},
	{name: "vrf and rules", setup: append([]string{"ip rule add to 172.16.9.0/24 lookup 100", "ip rule add pref 2000 from 100.64.0.0/11 lookup 101",
		"ip route add default via 10.3.0.1 table 100", "ip route add 172.16.0.0/16 via 10.3.0.1 table 101"}, red...)},
	{name: "vrf before local", setup: append([]string{"ip rule add pref 32765 lookup local", "ip rule del pref 0"}, red...)},
	{name: "vrf that leaks to main", setup: append(red[:len(red)-1:len(red)-1], "ip route add throw default table 10")},
	{name: "vrf and a ruleset", setup: red, yields: true, rules: chainOf("ip", "prerouting priority 0", "accept", "iifname \"red\" udp dport 53 counter drop") +
		chainOf("inet", "forward priority 0", "drop", "iifname \"red\" tcp dport 22 counter drop", "iifname \"r0\" counter accept",
			"iifname \"red\" ip daddr 172.16.5.0/24 counter accept")},
	{name: "change: route of a vrf", setup: red, alter: []string{"ip route replace 172.16.0.0/17 via 10.3.0.1 dev r2 onlink table 10",
		"ip route add blackhole 172.16.9.0/24 table 10"}},
}

// TestVRF compares hone with the kernel where there are VRFs.
func TestVRF(t *testing.T) {
	needRoot(t)
	needTags(t)
	for _, c := range vrfConfigs {
		t.Run(c.name, func(t *testing.T) {
			b, err := newBed(c)
			if err != nil && strings.Contains(err.Error(), "Unknown device type") {
				t.Skipf("the kernel has no VRF: %v", err)
			} else if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { release(); b.close() })
			g := b.generator(c, seed())
			o, err := b.judge(c, fault{}, g.frames(500), g.frames(500))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed(), f)
			}
			if o.refused == slowpath.VLANHidden {
				t.Skipf("the kernel has no fast path on veth: %s", o.cause)
			}
			if c.rules != "" && o.refused == slowpath.VRF {
				return // its chains see the packets as the VRF's
			}
			if o.refused != slowpath.None || o.packets == 0 {
				t.Errorf("%s: %s", o.refused, o.cause)
			}
			t.Logf("%s; left to the kernel: %s", &o, o.left("fast"))
		})
	}
}
