package introspect

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inNamespace runs f on a thread in a fresh network namespace, which goes with the thread.
func inNamespace(t testing.TB, f func(run func(commands string))) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	done := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		problem := "the test ended early"
		defer func() { done <- problem }()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			problem = fmt.Sprintf("unshare: %v", err)
			return
		}
		f(func(commands string) { runCommands(t, commands) })
		problem = ""
	}()
	if problem := <-done; problem != "" {
		t.Fatal(problem)
	}
}

// runCommands runs one command a line in the calling thread's network namespace.
func runCommands(t testing.TB, commands string) {
	t.Helper()
	for line := range strings.Lines(commands) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// announced reads everything but what is silent.
func announced(t testing.TB) *Snapshot {
	t.Helper()
	c, err := dialRoute()
	if err != nil {
		t.Error(err)
		return &Snapshot{}
	}
	defer c.Close()
	s, err := new(Snapshot).reload(c, Announced)
	if err != nil {
		t.Error(err)
	}
	if back, err := ParseSnapshot([]byte(s.String())); err != nil || !back.Equal(s) {
		t.Errorf("a live Snapshot does not round-trip: %v\n%s", err, s)
	}
	return s
}

func linkNamed(t testing.TB, s *Snapshot, name string) Link {
	t.Helper()
	for _, l := range s.Links.All() {
		if l.Name == name {
			return l
		}
	}
	t.Errorf("no link %s in\n%s", name, s)
	return Link{}
}

// base is what most live tests start from.
const base = `
	ip link set lo up
	ip link add r0 type veth peer name a0
	ip link add r1 type veth peer name b0
	ip link set r0 up
	ip link set a0 up
	ip link set r1 up
	ip link set b0 up
	ip addr add 10.1.0.1/24 dev r0
	ip addr add 10.2.0.1/24 dev r1`

func TestLiveLinks(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(base)
		run(`ip link set r0 address 02:00:00:00:00:01 mtu 1400 alias "hone=off please"
			ip link property add dev r0 altname second altname first
			ip link add br0 type bridge
			ip link set a0 master br0
			ip link add mv0 link r1 type macvlan
			ip link add vx0 type vxlan id 7 dstport 4789 dev r1
			ip link set r1 promisc on`)
		s := announced(t)
		r0, a0, r1 := linkNamed(t, s, "r0"), linkNamed(t, s, "a0"), linkNamed(t, s, "r1")
		if r0.MAC.String() != "02:00:00:00:00:01" || r0.MTU != 1400 || r0.Kind != "veth" || r0.Alias != "hone=off please" ||
			strings.Join(r0.AltNames, " ") != "first second" || r0.Lower != a0.Index || !r0.Carrier || r0.OperState != 6 || r0.PeerNS != -1 {
			t.Errorf("r0 is %+v", r0)
		}
		if br := linkNamed(t, s, "br0"); a0.Master != br.Index || a0.SlaveKind != "bridge" || br.Kind != "bridge" {
			t.Errorf("a0 is %+v, br0 %+v", a0, br)
		}
		if mv := linkNamed(t, s, "mv0"); mv.Kind != "macvlan" || mv.Lower != r1.Index || linkNamed(t, s, "vx0").Kind != "vxlan" {
			t.Errorf("mv0 is %+v", mv)
		}
		if r1.Promiscuity != 1 || r1.Flags&unix.IFF_PROMISC == 0 || r1.Type != unix.ARPHRD_ETHER {
			t.Errorf("r1 is %+v", r1)
		}
		for _, l := range s.Links.All() {
			if len(l.Unknown) > 0 {
				t.Errorf("%s has unknown %v", l.Name, l.Unknown)
			}
		}
	})
}

func TestLiveRoutes(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(base)
		run(routeCommands)
		s := announced(t)
		text := s.String()
		r0, r1 := linkNamed(t, s, "r0").Index, linkNamed(t, s, "r1").Index
		dev := strings.NewReplacer("dev:R0", fmt.Sprintf("dev:%d", r0), "dev:R1", fmt.Sprintf("dev:%d", r1),
			"dev=R0", fmt.Sprintf("dev=%d", r0), "dev=R1", fmt.Sprintf("dev=%d", r1))
		for line := range strings.Lines(dev.Replace(wantRoutes)) {
			if !strings.Contains(text, line) {
				t.Errorf("missing: %s", line)
			}
		}
		if t.Failed() {
			t.Log(text)
		}
	})
}

const routeCommands = `
	ip route add 192.0.2.0/24 via 10.2.0.2 metric 7 mtu lock 1300 advmss 1200
	ip route add blackhole 198.51.100.0/25
	ip route add unreachable 198.51.100.128/26
	ip route add prohibit 198.51.100.192/26
	ip route add throw 203.0.113.0/24 table 77
	ip route add 10.9.0.0/16 tos 0x10 dev r1 scope link src 10.1.0.1
	ip route add 10.10.0.0/16 nexthop via 10.1.0.2 weight 3 nexthop via 10.2.0.2
	ip route add 10.11.0.0/16 via inet6 fe80::1 dev r1
	ip route add 10.12.0.0/16 via 10.77.0.1 dev r1 onlink
	ip route add 10.14.0.0/16 via 10.2.0.2 realm 5
	ip route add 10.15.0.0/16 via 10.2.0.2
	ip route append 10.15.0.0/16 via 10.2.0.3
	ip route prepend 10.15.0.0/16 via 10.2.0.4
	ip nexthop add id 1 via 10.1.0.2 dev r0
	ip nexthop add id 2 via 10.2.0.2 dev r1
	ip nexthop add id 3 blackhole
	ip nexthop add id 10 group 1,5/2
	ip nexthop add id 11 group 1/2 type resilient buckets 8
	ip route add 10.16.0.0/16 nhid 10
	ip route add 10.17.0.0/16 nhid 3
	ip rule add pref 100 from 10.1.0.0/24 iif r0 fwmark 0x3/0xf table 77
	ip rule add pref 100 to 10.2.0.0/24 not oif r1 tos 0x10 prohibit
	ip rule add pref 200 lookup main suppress_prefixlength 0
	ip rule add pref 201 ipproto tcp lookup main`

const wantRoutes = `rule action=1 table=255 from=0.0.0.0/0 to=0.0.0.0/0
rule pref=100 action=1 table=77 from=10.1.0.0/24 to=0.0.0.0/0 iif=r0 mark=0x3 mark-mask=0xf attached
rule pref=100 seq=1 action=8 from=0.0.0.0/0 to=10.2.0.0/24 oif=r1 tos=16 invert
rule pref=200 action=1 table=254 from=0.0.0.0/0 to=0.0.0.0/0 suppress-prefix=0
rule pref=201 action=1 table=254 from=0.0.0.0/0 to=0.0.0.0/0 ipproto=6
route dst=10.1.0.0/24 table=254 type=1 scope=253 proto=2 src=10.1.0.1 hop=dev:R0
route dst=10.1.0.1/32 table=255 type=2 scope=254 proto=2 src=10.1.0.1 hop=dev:R0
route dst=10.1.0.255/32 table=255 type=3 scope=253 proto=2 src=10.1.0.1 hop=dev:R0
route dst=10.9.0.0/16 table=254 tos=16 type=1 scope=253 proto=3 src=10.1.0.1 hop=dev:R1
route dst=10.10.0.0/16 table=254 type=1 proto=3 hop=dev:R0,via:10.1.0.2,weight:2 hop=dev:R1,via:10.2.0.2
route dst=10.11.0.0/16 table=254 type=1 proto=3 hop=dev:R1,via:fe80::1
route dst=10.12.0.0/16 table=254 type=1 proto=3 flags=0x4 hop=dev:R1,via:10.77.0.1,flags:0x4
route dst=10.14.0.0/16 table=254 type=1 proto=3 hop=dev:R1,via:10.2.0.2 realm=5
route dst=10.15.0.0/16 table=254 type=1 proto=3 hop=dev:R1,via:10.2.0.4
route dst=10.15.0.0/16 table=254 seq=1 type=1 proto=3 hop=dev:R1,via:10.2.0.2
route dst=10.15.0.0/16 table=254 seq=2 type=1 proto=3 hop=dev:R1,via:10.2.0.3
route dst=10.16.0.0/16 table=254 type=1 proto=3 nhid=10
route dst=10.17.0.0/16 table=254 type=6 proto=3 nhid=3
route dst=127.0.0.1/32 table=255 type=2 scope=254 proto=2 src=127.0.0.1 hop=dev:1
route dst=192.0.2.0/24 table=254 metric=7 type=1 proto=3 hop=dev:R1,via:10.2.0.2 mtu=1300 mtu-lock metrics
route dst=198.51.100.0/25 table=254 type=6 proto=3
route dst=198.51.100.128/26 table=254 type=7 proto=3
route dst=198.51.100.192/26 table=254 type=8 proto=3
route dst=203.0.113.0/24 table=77 type=9 proto=3
nexthop id=1 dev=R0 via=10.1.0.2 object=1
nexthop id=2 dev=R1 via=10.2.0.2 object=2
nexthop id=3 blackhole object=3
nexthop id=10 object=10 member=1*4 member=2*0
nexthop id=11 object=11 member=1*0 member=2*0 resilient
`

func TestLiveOthers(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(base)
		run(`ip addr add 10.3.0.1 peer 10.3.0.2/32 dev r0
			ip neigh add 10.2.0.2 lladdr 02:00:00:00:00:02 dev r1 nud permanent
			ip neigh add 10.2.0.3 lladdr 02:00:00:00:00:03 dev r1 nud stale
			ip neigh add 10.2.0.4 dev r1 nud failed
			ip neigh add fe80::1 lladdr 02:00:00:00:00:04 dev r1 nud permanent
			ip neigh add proxy 10.2.0.5 dev r1
			sysctl -qw net.ipv4.ip_forward=1
			sysctl -qw net.ipv4.conf.r0.rp_filter=2
			tc qdisc add dev r0 clsact
			tc qdisc add dev r1 root handle 1: htb
			tc filter add dev r0 ingress protocol ip prio 1 u32 match u32 0 0 flowid 1:1
			tc filter add dev r0 egress protocol ip prio 1 u32 match u32 0 0 flowid 1:1
			tc filter add dev r1 parent 1: protocol ip prio 1 u32 match u32 0 0 flowid 1:1`)
		s := announced(t)
		r0, r1 := linkNamed(t, s, "r0").Index, linkNamed(t, s, "r1").Index
		if n, ok := s.Netconf.Get(r0); !ok || !n.Forwarding || n.RPFilter != 2 || len(n.Unknown) > 0 {
			t.Errorf("netconf of r0 is %+v", n)
		}
		if n, ok := s.Netconf.Get(AllDevices); !ok || !n.Forwarding {
			t.Errorf("netconf of all is %+v", n)
		}
		n, ok := s.Neighs.Get(NeighKey{Index: r1, Addr: netip.MustParseAddr("10.2.0.2")})
		if !ok || n.State != unix.NUD_PERMANENT || !n.HasMAC || n.MAC[5] != 2 || len(n.Unknown) > 0 {
			t.Errorf("neighbour is %+v", n)
		}
		for _, k := range []FilterKey{{r0, classIngress, "u32"}, {r0, classEgress, "u32"}, {r1, 0x10000, "u32"}} {
			if _, ok := s.Filters.Get(k); !ok {
				t.Errorf("no filter %+v", k)
			}
		}
	})
}
