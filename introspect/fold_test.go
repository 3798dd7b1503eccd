package introspect

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// follower keeps a Snapshot up to date by nothing but notifications and the effects that Fold tells of.
type follower struct {
	t         testing.TB
	events    *netlink.Conn
	requests  *netlink.Conn
	s         *Snapshot
	reloads   int
	messages  int
	mistaken  bool // folds without the effects, to see that the test notices
	lastBatch []netlink.Message
}

func follow(t testing.TB) *follower {
	t.Helper()
	f := &follower{t: t}
	var err error
	if f.events, err = netlink.Dial(unix.NETLINK_ROUTE, nil); err != nil {
		t.Error(err)
		return nil
	}
	for _, group := range routeGroups {
		if err := f.events.JoinGroup(group); err != nil {
			t.Error(err)
		}
	}
	if f.requests, err = dialRoute(); err != nil {
		t.Error(err)
		return nil
	}
	f.s = announced(t)
	return f
}

// kinds are those that a reader who knows nothing of links has to read anew.
func (e Effect) kinds() Kind {
	if len(e.Over) > 0 {
		e.Resync |= Routes4
	}
	if len(e.Ports) > 0 {
		e.Resync |= Links
	}
	if len(e.Entries) > 0 {
		e.Resync |= FDB
	}
	return e.Resync
}

func (f *follower) close() {
	f.events.Close()
	f.requests.Close()
}

// drain folds what is queued.
func (f *follower) drain() {
	resync, buffer := Kind(0), make([]byte, 1<<17)
	f.lastBatch = nil
	for {
		f.events.SetReadDeadline(time.Now().Add(time.Millisecond))
		b, err := receive(f.events, buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			f.t.Error(err)
			return
		}
		err = splitDatagram(b, func(m netlink.Message) error {
			next, effect, err := f.s.Fold(m)
			f.s, resync, f.messages = next, resync|effect.kinds(), f.messages+1
			m.Data = append([]byte(nil), m.Data...)
			f.lastBatch = append(f.lastBatch, m)
			return err
		})
		if err != nil {
			f.t.Error(err)
		}
	}
	if resync &= Announced; resync != 0 && !f.mistaken {
		f.reloads++
		next, err := f.s.reload(f.requests, resync)
		if err != nil {
			f.t.Error(err)
		}
		f.s = next
	}
}

// converge folds until the Snapshot is what a full dump says, and returns the difference if it does not come to that.
// Carrier changes are announced a moment after the command that causes them.
func (f *follower) converge() string {
	difference := ""
	for deadline := time.Now().Add(lab.Patience(3 * time.Second)); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		f.drain()
		whole, err := new(Snapshot).reload(f.requests, Announced)
		if err != nil {
			return err.Error()
		}
		if difference = Diff(f.s, whole); difference == "" {
			return ""
		}
	}
	return difference
}

// storm makes random commands about a few devices, addresses, prefixes, nexthop objects and rules.
type storm struct{ *rand.Rand }

func (r storm) pick(all ...string) string { return all[r.IntN(len(all))] }

func (r storm) dev() string { return r.pick("r0", "r1", "r2") }

func (r storm) gateway() string {
	return fmt.Sprintf("10.%d.0.%d", 1+r.IntN(3), 2+r.IntN(3))
}

func (r storm) prefix() string {
	return r.pick("192.0.2.0/24", "192.0.2.0/25", "198.51.100.0/24", "0.0.0.0/0", "203.0.113.7/32")
}

func (r storm) hops() string {
	switch r.IntN(6) {
	case 0:
		return "dev " + r.dev()
	case 1:
		return fmt.Sprintf("nexthop via %s weight %d nexthop via %s", r.gateway(), 1+r.IntN(3), r.gateway())
	case 2:
		return fmt.Sprintf("nhid %d", 1+r.IntN(6))
	case 3:
		return fmt.Sprintf("via %s mtu %s%d", r.gateway(), r.pick("", "lock "), 1300+r.IntN(2))
	case 4:
		return fmt.Sprintf("via %s src 10.%d.0.%d", r.gateway(), 1+r.IntN(3), r.pickInt(1, 9))
	}
	return "via " + r.gateway()
}

func (r storm) pickInt(all ...int) int { return all[r.IntN(len(all))] }

func (r storm) route() string {
	if r.IntN(8) == 0 {
		return fmt.Sprintf("route %s %s %s metric %d", r.pick("add", "del", "replace"), r.pick("blackhole", "unreachable"), r.prefix(),
			r.IntN(2))
	}
	return fmt.Sprintf("route %s %s %s metric %d table %s", r.pick("add", "append", "prepend", "replace", "del", "change"), r.prefix(),
		r.hops(), r.IntN(2), r.pick("main", "main", "77"))
}

func (r storm) address() string {
	n := 1 + r.IntN(3)
	return fmt.Sprintf("addr %s 10.%d.0.%d/24 dev r%d", r.pick("add", "add", "del", "replace"), n, r.pickInt(1, 9), n-1)
}

// rare are the commands that change much at once.
func (r storm) rare() string {
	return r.pick("link set x0 name x2", "link set x2 name x0", "link add m0 link r1 type macvlan", "link set m0 up", "link del m0",
		"addr add 10.8.0.1/24 dev m0", "route add 198.51.100.0/24 via 10.8.0.2", "link set r1 mtu 60", "link set r1 mtu 1500",
		"addr add 10.2.0.1/24 dev r1", "addr add 10.1.0.77/24 dev r0 noprefixroute", "addr change 10.1.0.1/24 dev r0 metric 5",
		"!sysctl -qw net.ipv4.conf.all.promote_secondaries=1", "!sysctl -qw net.ipv4.nexthop_compat_mode=0",
		"!sysctl -qw net.ipv4.nexthop_compat_mode=1", "neigh replace 10.1.0.3 lladdr 02:00:00:00:01:09 dev r0 nud stale",
		"neigh add 10.1.0.4 dev r0 nud failed",
		"neigh add proxy 10.1.0.5 dev r0", "neigh flush all", "route flush table 77",
		"route flush cache", "rule flush", "addr flush dev r2", "nexthop flush", "link set r2 multicast off", "link set r2 arp off",
		"link set r2 arp on", "link set r0 txqueuelen 100", "link set r0 type veth", "link add v0 type vxlan id 3 dstport 4789 dev r0",
		"link set v0 up", "link del v0", "link add x0 type veth peer name x1",
		"route add local 10.5.0.0/24 dev lo", "route add broadcast 10.5.1.255 dev r0 table local", "route replace 192.0.2.0/24 via inet6 fe80::1 dev r1",
		"route add 192.0.2.0/24 tos 0x10 via 10.1.0.2", "route del 192.0.2.0/24 tos 0x10", "nexthop bucket list")
}

func (r storm) link() string {
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("link set %s mtu %d", r.dev(), 1400+r.IntN(3))
	case 1:
		return fmt.Sprintf("link set p%d %s", r.IntN(3), r.pick("up", "down", "up"))
	case 2:
		return fmt.Sprintf("link set %s promisc %s", r.dev(), r.pick("on", "off"))
	case 3:
		return fmt.Sprintf("link set %s address 02:00:00:00:00:%02x", r.dev(), 1+r.IntN(3))
	case 4:
		return fmt.Sprintf("link set p%d %s", r.IntN(3), r.pick("master br0", "nomaster"))
	case 5:
		return r.pick("link add x0 type veth peer name x1", "link del x0", "link set x0 up", "link set x1 up", "addr add 10.7.0.1/24 dev x0",
			"route add 192.0.2.128/25 via 10.7.0.2", "nexthop replace id 7 via 10.7.0.2 dev x0")
	}
	return fmt.Sprintf("link set %s %s", r.dev(), r.pick("up", "up", "down"))
}

func (r storm) nexthop() string {
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("nexthop del id %d", 1+r.IntN(6))
	case 1:
		return fmt.Sprintf("nexthop replace id %d group %d/%d", 4+r.IntN(3), 1+r.IntN(3), 1+r.IntN(3))
	case 2:
		return fmt.Sprintf("nexthop replace id %d blackhole", 1+r.IntN(3))
	}
	n := 1 + r.IntN(3)
	return fmt.Sprintf("nexthop replace id %d via 10.%d.0.2 dev r%d", 1+r.IntN(3), n, n-1)
}

func (r storm) rule() string {
	return fmt.Sprintf("rule %s pref %d %s lookup %s", r.pick("add", "add", "del"), 100+r.IntN(2), r.pick("from 10.1.0.0/24", "iif r0",
		"to 10.2.0.0/24 fwmark 3", "not from 10.3.0.0/24"), r.pick("77", "main"))
}

func (r storm) neighbour() string {
	n := 1 + r.IntN(3)
	return fmt.Sprintf("neigh %s 10.%d.0.%d lladdr 02:00:00:00:01:%02x dev r%d nud permanent", r.pick("add", "replace", "del"), n,
		2+r.IntN(3), r.IntN(3), n-1)
}

func (r storm) other() string {
	value, dev := r.pick("0", "1", "2"), r.pick("all", "default", "r0", "r1")
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("!sysctl -qw net.ipv4.conf.%s.%s=%s", dev, r.pick("rp_filter", "forwarding", "proxy_arp",
			"ignore_routes_with_linkdown"), value)
	case 1:
		return "!sysctl -qw net.ipv4.ip_forward=" + r.pick("0", "1")
	case 2:
		return fmt.Sprintf("!tc qdisc %s dev %s %s", r.pick("add", "del"), r.dev(), r.pick("clsact", "root handle 1: htb",
			"root handle 2: tbf rate 1gbit burst 100k latency 1ms", "ingress"))
	}
	return fmt.Sprintf("!tc filter %s dev %s %s protocol ip prio %d u32 match u32 0 0 flowid 1:1", r.pick("add", "add", "del"), r.dev(),
		r.pick("ingress", "egress", "parent 1:", "parent ffff:"), 1+r.IntN(2))
}

func (r storm) command() string {
	makers := []func() string{r.route6, r.route6, r.route6, r.other6, r.route, r.route, r.route, r.address, r.link, r.nexthop, r.rule, r.neighbour, r.other, r.other, r.rare, r.rare}
	return makers[r.IntN(len(makers))]()
}

// perform runs a command, many of which fail, as they should: what a failure leaves behind has to be right as well.
func perform(command string) {
	name, rest := "ip", command
	if strings.HasPrefix(command, "!") {
		name, rest, _ = strings.Cut(command[1:], " ")
	}
	_ = exec.Command(name, strings.Fields(rest)...).Run()
}

const stormBase = `
	ip link set lo up
	ip link add br0 type bridge
	ip link add r0 type veth peer name p0
	ip link add r1 type veth peer name p1
	ip link add r2 type veth peer name p2
	for i in r0 r1 r2 p0 p1 p2; do ip link set $i up; done
	for i in 1 2 3; do ip addr add 10.$i.0.1/24 dev r$((i-1)); ip addr add fd00:$i::1/64 dev r$((i-1)) nodad; done`

// TestStorm compares a follower with full dumps after each of many random commands. HONE_SEED and HONE_STEPS choose others.
func TestStorm(t *testing.T) {
	seed, steps := fromEnvironment("HONE_SEED", uint64(time.Now().UnixNano())), fromEnvironment("HONE_STEPS", 150)
	t.Logf("HONE_SEED=%d", seed)
	inNamespace(t, func(run func(string)) {
		run(stormBase)
		f := follow(t)
		if f == nil {
			return
		}
		defer f.close()
		r, history := storm{rand.New(rand.NewPCG(seed, 0))}, []string{}
		for range steps {
			command := r.command()
			history = append(history, command)
			perform(command)
			if difference := f.converge(); difference != "" {
				t.Errorf("after %s\n%s", strings.Join(history[max(0, len(history)-12):], "\n"), difference)
				return
			}
		}
		t.Logf("%d messages folded, %d reloads", f.messages, f.reloads)
	})
}

func fromEnvironment(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// TestStormNoticesMissingEffects plants the fault that TestStorm is there to find.
func TestStormNoticesMissingEffects(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(stormBase)
		f := follow(t)
		if f == nil {
			return
		}
		defer f.close()
		f.mistaken = true
		run("ip route add 192.0.2.0/24 via 10.1.0.2\nip link set r0 down")
		if f.converge() == "" {
			t.Error("routes that went with their device were not missed")
		}
	})
}

// TestUsesAreCounted compares the counts that folding keeps with a search of the routes.
func TestUsesAreCounted(t *testing.T) {
	all, s := fullTable(50), &Snapshot{}
	r := rand.New(rand.NewPCG(1, 2))
	for step := range 500 {
		m := all[r.IntN(len(all))]
		m.Header.Flags = []netlink.HeaderFlags{netlink.Replace, netlink.Append, 0}[r.IntN(3)]
		if r.IntN(2) == 0 {
			m.Header.Type = unix.RTM_DELROUTE
		}
		var err error
		if s, _, err = s.Fold(m); err != nil {
			t.Fatal(err)
		}
		if s.uses4.of.root != s.Routes4.root {
			t.Fatalf("step %d: the uses are of other routes", step)
		}
		if whole := (uses{}).after(s.Routes4, false); !whole.counts.Equal(s.uses4.counts) {
			t.Fatalf("step %d: the counts are off", step)
		}
	}
	if s.usedBy(use{id: 3}) != Routes4 || s.usedBy(use{object: true, id: 3})|s.usedBy(use{id: 5}) != 0 {
		t.Error("the uses are wrong")
	}
	parsed, err := ParseSnapshot([]byte("route dst=10.0.0.0/8 hop=dev:7"))
	if err != nil || parsed.usedBy(use{id: 7}) != Routes4 {
		t.Errorf("a parsed route is not counted: %v", err)
	}
}
