package oracle

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// oddConfigs are what few hosts have, and where what netlink shows is not quite what the kernel goes by.
var oddConfigs = []config{
	{name: "odd: nexthop object of a blackhole route", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1",
		"ip route add blackhole 198.51.100.0/26 nhid 1", "ip route add prohibit 198.51.100.64/26 nhid 1",
		"ip route add unreachable 198.51.100.128/26 nhid 1"},
		targets: []string{"198.51.100.0/24", "198.51.100.0/26", "198.51.100.64/26", "198.51.100.128/26"}},
	{name: "odd: nexthop object of a throw route", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1",
		"ip route add default via 10.3.0.1", "ip route add throw 198.51.100.192/26 nhid 1"}, targets: []string{"198.51.100.0/24", "198.51.100.192/26"}},
	{name: "odd: nexthop object of a local route", setup: []string{"ip nexthop add id 1 dev r1", "ip nexthop add id 2 dev r1",
		"ip route add local 198.51.100.0/25 nhid 1", "ip route add 198.51.100.128/25 nhid 2",
		"ip neigh add 198.51.100.7 lladdr 02:00:00:00:0d:07 nud permanent dev r1",
		"ip neigh add 198.51.100.135 lladdr 02:00:00:00:0d:08 nud permanent dev r1"},
		targets: []string{"198.51.100.0/24", "198.51.100.7/32", "198.51.100.135/32"}},
	{name: "odd: rule of ports and strict filter", setup: []string{"sysctl ipv4/conf/r0/rp_filter=1",
		"ip rule add ipproto udp sport 30000-65000 lookup 100", "ip rule add ipproto tcp dport 1-20000 lookup 101", table100, table101}},
	{name: "odd: rule of ports and loose filter", setup: []string{"sysctl ipv4/conf/r0/rp_filter=2",
		"ip rule add ipproto udp sport 30000-65000 to 100.64.0.0/10 lookup 100", "ip route add unreachable default table 100"}},
	{name: "odd: gateway within a host's scope", setup: []string{"ip route add 10.9.0.0/24 dev r1 scope host",
		"ip neigh add 10.9.0.1 lladdr 02:00:00:00:0d:09 nud permanent dev r1", "ip route add 198.51.100.0/24 via 10.9.0.1 dev r1",
		"ip neigh add 198.51.100.7 lladdr 02:00:00:00:0d:07 nud permanent dev r1"}, targets: []string{"198.51.100.0/24", "198.51.100.7/32"}},
	{name: "odd: gateway that is the host itself", setup: []string{"ip route add 198.51.100.0/24 via 10.2.0.254",
		"ip neigh add 198.51.100.7 lladdr 02:00:00:00:0d:07 nud permanent dev r1"}, targets: []string{"198.51.100.0/24", "198.51.100.7/32"}},
	{name: "odd: rule by a name that is gone", setup: []string{"ip link property add dev r0 altname wan0", "ip rule add iif wan0 lookup 100",
		"ip link property del dev r0 altname wan0", table100}},
	{name: "odd: local prefix that came and went", setup: []string{"ip route add local 198.51.100.0/24 dev lo",
		"ip route del local 198.51.100.0/24 dev lo", "ip route add broadcast 100.64.0.255 dev r0 table local",
		"ip route add 198.51.100.0/24 via 10.2.0.1"}, targets: []string{"198.51.100.0/24"}},
}

// ended waits until routes that end after a second have ended: the kernel passes over them long before it deletes them.
func ended() error {
	time.Sleep(2 * time.Second)
	return nil
}

var oddConfigs6 = []config{
	{name: "odd: ip6 nexthop object of a blackhole route", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1",
		"ip -6 route add blackhole 2001:db8:5100::/50 nhid 1", "ip -6 route add prohibit 2001:db8:5100:4000::/50 nhid 1",
		"ip -6 route add unreachable 2001:db8:5100:8000::/50 nhid 1", "ip -6 route add throw 2001:db8:5100:c000::/50 nhid 1"}, targets: subject6},
	{name: "odd: ip6 nexthop object of a local route", setup: []string{"ip nexthop add id 1 via 2001:db8:2::1 dev r1",
		"ip -6 route add local 2001:db8:5100::/49 nhid 1"}, targets: subject6},
	{name: "odd: ip6 same subnet on r0", setup: []string{"ip -6 addr add 2001:db8::fd/64 dev r1 nodad",
		"ip -6 neigh add 2001:db8::77 lladdr 02:00:00:00:0d:61 nud permanent dev r1", "ip -6 neigh add 2001:db8::77 lladdr 02:00:00:00:0d:62 nud permanent dev r0"},
		targets: []string{"2001:db8::77/128"}},
	{name: "odd: ip6 suppressed default that has ended, before an unreachable one", open: ended, setup: []string{
		"ip -6 rule add pref 100 lookup main suppress_prefixlength 0", "ip -6 rule add pref 101 lookup 100",
		"ip -6 route add default via 2001:db8:4::1 table 100", "ip -6 route add unreachable default metric 2000",
		"ip -6 route add default via 2001:db8:2::1 metric 10 expires 1"}, targets: []string{"::/0", "2001:db8:5100::/48"}},
	{name: "odd: ip6 throw that has ended", open: ended, setup: []string{"ip -6 rule add pref 100 lookup 100",
		"ip -6 route add 2001:db8:5100::/48 via 2001:db8:4::1 table 100", "ip -6 route add 2001:db8:5100::/48 via 2001:db8:2::1",
		"ip -6 route add throw 2001:db8:5100::/49 table 100 expires 1"}, targets: []string{"2001:db8:5100::/48", "2001:db8:5100::/49"}},
}

var oddChanges = []config{
	{name: "odd: change: blackhole becomes a nexthop", setup: []string{"ip nexthop add id 1 blackhole", "ip route add 198.51.100.0/24 nhid 1",
		"ip route add blackhole 198.51.101.0/24 nhid 1"}, alter: []string{"ip nexthop replace id 1 via 10.2.0.1 dev r1"},
		targets: []string{"198.51.100.0/24", "198.51.101.0/24"}},
	{name: "odd: change: nexthop becomes a blackhole and back", setup: []string{"ip nexthop add id 1 via 10.2.0.1 dev r1", "ip route add 198.51.100.0/24 nhid 1",
		"ip route add blackhole 198.51.101.0/24 nhid 1"}, alter: []string{"ip nexthop replace id 1 blackhole", "ip nexthop replace id 1 via 10.3.0.1 dev r2"},
		targets: []string{"198.51.100.0/24", "198.51.101.0/24"}},
	{name: "odd: change: name of a rule goes", setup: []string{"ip link property add dev r0 altname wan0", "ip rule add iif wan0 lookup 100", table100},
		alter: []string{"ip link property del dev r0 altname wan0"}},
}

// TestEchoesOfRules has the kernel choose a way for echoes with flow labels while a rule makes it parse packets.
func TestEchoesOfRules(t *testing.T) {
	needRoot(t)
	needTags(t)
	c := of6(config{name: "echoes", setup: []string{"ip -6 rule add ipproto tcp to 2001:db8:7700::/40 lookup 100",
		"ip -6 route add 2001:db8:5100::/48 nexthop via 2001:db8:2::1 nexthop via 2001:db8:3::1"}, targets: subject6})
	b := start(t, c)
	g := b.generator(c, seed()).(*generator6)
	var frames [][]byte
	for len(frames) < batchSize {
		if f := g.valid(); f[lab.Off6Next] == unix.IPPROTO_ICMPV6 && f[lab.OffIP+2] != 0 {
			frames = append(frames, f)
		}
	}
	o, err := b.judge(c, fault{}, frames, nil)
	if err != nil || o.refused != slowpath.None {
		t.Fatalf("refused for %s: %v", o.refused, err)
	}
	for _, f := range o.findings {
		t.Error(f)
	}
}
