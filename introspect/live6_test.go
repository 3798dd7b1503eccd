package introspect

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"golang.org/x/sys/unix"
)

// base6 is what live tests of IPv6 start from, after base.
const base6 = `
	ip addr add fd00:1::1/64 dev r0 nodad
	ip addr add fd00:2::1/64 dev r1 nodad`

const routeCommands6 = base6 + `
	ip -6 route add 2001:db8::/48 via fd00:2::2 metric 7 mtu lock 1300 advmss 1200
	ip -6 route add blackhole 2001:db8:1::/48
	ip -6 route add unreachable 2001:db8:2::/48
	ip -6 route add prohibit 2001:db8:3::/48
	ip -6 route add throw 2001:db8:4::/48 table 77
	ip -6 route add 2001:db8:5::/48 dev r1 src fd00:1::1
	ip -6 route add 2001:db8:6::/48 nexthop via fd00:1::2 weight 3 nexthop via fd00:2::2
	ip -6 route add 2001:db8:7::/48 via fe80::1 dev r1 pref high
	ip -6 route add 2001:db8:8::/48 via fd77::1 dev r1 onlink
	ip -6 route add 2001:db8:9::/48 via fd00:2::2 expires 1000
	ip -6 route add 2001:db8:a::/48 via fd00:2::2
	ip -6 route append 2001:db8:a::/48 via fd00:2::3
	ip -6 route append 2001:db8:a::/48 via fd00:1::4
	ip -6 route add 2001:db8:b::/48 from fd00:1::/64 via fd00:2::2
	ip nexthop add id 21 via fd00:1::2 dev r0
	ip nexthop add id 22 via fe80::2 dev r1
	ip -6 nexthop add id 23 blackhole
	ip nexthop add id 24 group 21/22,5
	ip -6 route add 2001:db8:c::/48 nhid 24
	ip -6 route add 2001:db8:d::/48 nhid 23
	ip -6 rule add pref 100 from fd00:1::/64 iif r0 fwmark 0x3/0xf table 77
	ip -6 rule add pref 100 to fd00:2::/64 not oif r1 tos 0x10 prohibit
	ip -6 rule add pref 200 lookup main suppress_prefixlength 0
	ip -6 rule add pref 201 lookup main suppress_ifgroup 7
	ip -6 rule add pref 202 ipproto udp sport 53 dport 1000-2000 uidrange 5-9 lookup main
	ip -6 rule add pref 203 from all tun_id 77 goto 300
	ip -6 rule add pref 300 from all l3mdev
	ip -6 neigh add fd00:2::2 lladdr 02:00:00:00:00:02 dev r1 nud permanent
	ip -6 neigh add proxy fd00:2::5 dev r1`

const wantRoutes6 = `rule6 action=1 table=255 from=::/0 to=::/0
rule6 pref=100 action=1 table=77 from=fd00:1::/64 to=::/0 iif=r0 mark=0x3 mark-mask=0xf attached
rule6 pref=100 seq=1 action=8 from=::/0 to=fd00:2::/64 oif=r1 tos=16 invert
rule6 pref=200 action=1 table=254 from=::/0 to=::/0 suppress-prefix=0
rule6 pref=201 action=1 table=254 from=::/0 to=::/0 suppress-group=7
rule6 pref=203 action=2 from=::/0 to=::/0 tun-id=77 goto=300
rule6 pref=300 action=1 from=::/0 to=::/0 l3mdev
route6 dst=fd00:1::/64 table=254 metric=256 type=1 proto=2 hop=dev:R0
route6 dst=fd00:1::1/128 table=255 type=2 proto=2 hop=dev:R0
route6 dst=fd00:1::/128 table=255 type=4 proto=2 hop=dev:R0
route6 dst=ff00::/8 table=255 metric=256 seq=1 type=5 proto=2 hop=dev:R0
route6 dst=2001:db8::/48 table=254 metric=7 type=1 proto=3 hop=dev:R1,via:fd00:2::2 mtu=1300 mtu-lock metrics
route6 dst=2001:db8:1::/48 table=254 metric=1024 type=6 proto=3 hop=dev:1
route6 dst=2001:db8:2::/48 table=254 metric=1024 type=7 proto=3 hop=dev:1
route6 dst=2001:db8:3::/48 table=254 metric=1024 type=8 proto=3 hop=dev:1
route6 dst=2001:db8:4::/48 table=77 metric=1024 type=9 proto=3 hop=dev:1
route6 dst=2001:db8:5::/48 table=254 metric=1024 type=1 proto=3 src=fd00:1::1 hop=dev:R1
route6 dst=2001:db8:6::/48 table=254 metric=1024 type=1 proto=3 hop=dev:R0,via:fd00:1::2,weight:2 hop=dev:R1,via:fd00:2::2
route6 dst=2001:db8:7::/48 table=254 metric=1024 type=1 proto=3 hop=dev:R1,via:fe80::1 router-pref=1
route6 dst=2001:db8:8::/48 table=254 metric=1024 type=1 proto=3 flags=0x4 hop=dev:R1,via:fd77::1,flags:0x4
route6 dst=2001:db8:9::/48 table=254 metric=1024 type=1 proto=3 hop=dev:R1,via:fd00:2::2 expires
route6 dst=2001:db8:a::/48 table=254 metric=1024 type=1 proto=3 hop=dev:R1,via:fd00:2::2 hop=dev:R1,via:fd00:2::3 hop=dev:R0,via:fd00:1::4
route6 dst=2001:db8:b::/48 table=254 metric=1024 type=1 proto=3 hop=dev:R1,via:fd00:2::2 unknown=src-len unknown=attribute-2
route6 dst=2001:db8:c::/48 table=254 metric=1024 type=1 proto=3 nhid=24
route6 dst=2001:db8:d::/48 table=254 metric=1024 type=6 proto=3 nhid=23
nexthop id=21 dev=R0 via=fd00:1::2 object=21
nexthop id=22 dev=R1 via=fe80::2 object=22
nexthop id=23 blackhole object=23
nexthop id=24 object=24 member=21*0 member=22*4
addr dev=R0 local=fd00:1::1/64 peer=fd00:1::1 flags=0x82
neigh dev=R1 addr=fd00:2::2 mac=02:00:00:00:00:02 has-mac state=0x80 type=1
`

func TestLiveRoutes6(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(noDetection + base) // addresses that are usable later have routes later
		run("sysctl -qw net.ipv6.conf.all.forwarding=1")
		run(routeCommands6)
		s := announced(t)
		text := s.String()
		r0, r1 := linkNamed(t, s, "r0").Index, linkNamed(t, s, "r1").Index
		dev := strings.NewReplacer("dev:R0", fmt.Sprintf("dev:%d", r0), "dev:R1", fmt.Sprintf("dev:%d", r1),
			"dev=R0", fmt.Sprintf("dev=%d", r0), "dev=R1", fmt.Sprintf("dev=%d", r1))
		for line := range strings.Lines(dev.Replace(wantRoutes6)) {
			if !strings.Contains(text, line) {
				t.Errorf("missing: %s", line)
			}
		}
		for _, i := range []Index{r0, r1, AllDevices} {
			if n, ok := s.Netconf6.Get(i); !ok || !n.Forwarding || len(n.Unknown) > 0 {
				t.Errorf("netconf of %d is %+v", i, n)
			}
		}
		if _, ok := s.Neighs.Get(NeighKey{Index: r1, Addr: netip.MustParseAddr("fd00:2::5"), Proxy: true}); !ok {
			t.Error("no proxy entry")
		}
		if entries, err := countedEntries(); err != nil || entries != s.entries6() || s.hidden6 {
			t.Errorf("%d entries, the kernel counts %d, %v", s.entries6(), entries, err)
		}
		if t.Failed() {
			t.Log(text)
		}
	})
}

// TestHiddenRoutes makes a route that a dump does not show, for it stands between siblings.
func TestHiddenRoutes(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(base + base6)
		w := watchHere(t)
		defer w.Close()
		for _, commands := range []string{
			"ip -6 route add fd09::/64 via fd00:1::2\nip -6 route append fd09::/64 dev r1\nip -6 route append fd09::/64 via fd00:1::3",
			"ip -6 route append fd0a::/64 via fd00:1::3",
			"ip -6 route del fd09::/64 via fd00:1::3",
			"ip -6 route append fd09::/64 via fd00:1::3",
			"ip -6 route replace fd09::/64 via fd00:1::4",
			"ip -6 route del fd09::/64 dev r1",
		} {
			run(commands)
			same(t, w)
			if hides := strings.HasPrefix(commands, "ip -6 route a") && !strings.Contains(commands, "del"); w.s.hidden6 != hides {
				t.Errorf("%s: hidden routes: %v", commands, w.s.hidden6)
			}
		}
	})
}

// noDetection has addresses usable at once: the end of their probation is announced, and moves everything.
const noDetection = "sysctl -qw net.ipv6.conf.default.accept_dad=0\n"

// TestOddRoutesMoveConfig6 is TestOddRoutesMoveConfig of IPv6.
func TestOddRoutesMoveConfig6(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(noDetection + base + base6)
		w := watchHere(t)
		defer w.Close()
		for _, c := range []struct {
			command string
			odd     bool
		}{
			{"ip -6 route add fd02::/64 via fd00:1::2", false},
			{"ip -6 route add default via fd00:1::2 metric 5 src fd00:1::1", false},
			{"ip -6 route replace fd02::/64 via fd00:1::3", false},
			{"ip -6 route add fd08::/64 via fd00:1::3 expires 100 pref high", false},
			{"ip -6 route del fd02::/64", false},
			{"ip -6 route add fd03::/64 via fd00:1::2 mtu 1400", true},
			{"ip -6 route add fd03::/64 from fd04::/64 via fd00:1::2", true},
			{"ip -6 route add local fd04::/64 dev lo", true},
			{"ip -6 route add blackhole fd05::/64", true},
			{"ip -6 route add fd07::/64 nexthop via fd00:1::2 nexthop via fd00:1::3", true},
		} {
			before, after := moves(t, w, func() { run(c.command) })
			if moved := after[slowpath.Config] != before[slowpath.Config]; moved != c.odd {
				t.Errorf("%s: config moved: %v", c.command, moved)
			}
			if after[slowpath.Route6] == before[slowpath.Route6] || after[slowpath.Route4] != before[slowpath.Route4] {
				t.Errorf("%s: moved from %v to %v", c.command, before, after)
			}
		}
	})
}

// TestNewerSelectors decodes what the kernel has and its tool may not: DSCP, flow label and ports under masks.
func TestNewerSelectors(t *testing.T) {
	rule := func(family byte, attributes ...[]byte) []byte {
		b := header(sizeofRuleHdr, family)
		b[7] = unix.FR_ACT_TO_TBL
		for _, a := range attributes {
			b = append(b, a...)
		}
		return b
	}
	attribute := func(kind uint16, data ...byte) []byte {
		b := native.AppendUint16(nil, uint16(unix.SizeofNlAttr+len(data)))
		b = append(native.AppendUint16(b, kind), data...)
		return append(b, make([]byte, align4(len(data))-len(data))...)
	}
	port := native.AppendUint16(native.AppendUint16(nil, 80), 80)
	mask := native.AppendUint16(nil, 0xfff0)
	for want, b := range map[string][]byte{
		"action=1 from=0.0.0.0/0 to=0.0.0.0/0 dscp-mask=0x3f":        rule(unix.AF_INET, attribute(fraDSCP, 0)),
		"action=1 from=0.0.0.0/0 to=0.0.0.0/0 dscp=8 dscp-mask=0x38": rule(unix.AF_INET, attribute(fraDSCP, 8), attribute(fraDSCPMask, 0x38)),
		"action=1 from=::/0 to=::/0 flowlabel=0x12 flowlabel-mask=0xff": rule(unix.AF_INET6, attribute(fraFlowLabel, 0, 0, 0, 0x12),
			attribute(fraFlowMask, 0, 0, 0, 0xff)),
		"action=1 from=::/0 to=::/0 flowlabel=0x12 unknown=flowlabel": rule(unix.AF_INET6, attribute(fraFlowLabel, 0, 0, 0, 0x12)),
		"action=1 from=::/0 to=::/0 sport=80-80 sport-mask=0xfff0": rule(unix.AF_INET6, attribute(unix.FRA_SPORT_RANGE, port...),
			attribute(fraSPortMask, mask...)),
		"action=1 from=::/0 to=::/0 unknown=attribute-31": rule(unix.AF_INET6, attribute(31, 1)),
	} {
		r, ok, err := decodeRule(b)
		if got := string(formatOf("rule", &blankRule).appendTo(nil, &r, ' ', '=')); got != want || !ok || err != nil {
			t.Errorf("%q, %v, %v, want %q", got, ok, err, want)
		}
	}
}

// TestDisabledInSilence takes IPv6 off a device that has no address, where the kernel is told not to announce what it flushes.
func TestDisabledInSilence(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(noDetection + base + base6)
		run("sysctl -qw net.ipv6.route.skip_notify_on_dev_down=1\nip link set b0 addrgenmode none\nip -6 addr flush dev b0")
		run("ip -6 route add fd09::/64 dev b0")
		w := watchHere(t)
		defer w.Close()
		if w.sysctls == nil {
			t.Skip("no program watches sysctls here")
		}
		settle(t, w)
		run("sysctl -qw net.ipv6.conf.b0.disable_ipv6=1")
		if _, ok := settle(t, w).Routes6.Get(RouteKey{Dst: netip.MustParsePrefix("fd09::/64"), Table: 254, Priority: 1024}); ok {
			t.Error("a route of a device without IPv6 is left")
		}
		same(t, w)
	})
}
