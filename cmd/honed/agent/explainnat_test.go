package agent

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/lab"
)

// natCase is a ruleset, and packets that the kernel forwards, or else says why explain has to say something.
type natCase struct {
	name, rules string
	tool        string // that reads the rules; nft if it is empty
	setup       []string
	packets     []string // behind "iif r0"
	wants       string   // the explanation of each has this in a visit, the route or what it says of tracking
	unknown     bool     // explain does not know where they go, or by which address
	lost        bool     // the kernel sends them nowhere
}

// natCases are compared with what the kernel does. Destinations are 10.2.0.1 behind r1 and 10.3.0.1 behind r2.
var natCases = []natCase{
	{name: "no rule", rules: nat("", "oifname none masquerade"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"}, wants: "policy accept"},
	{name: "dnat", rules: nat("ip daddr 192.0.2.1 dnat to 10.2.0.1", ""), packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp", "ip 10.0.0.1 > 192.0.2.1 icmp"},
		wants: "dnat to 10.2.0.1"},
	{name: "dnat with a port", rules: nat("tcp dport 80 dnat to 10.3.0.1:8080", "oifname r2 masquerade"),
		packets: []string{"ip 10.0.0.1 > 10.0.0.254 tcp dport 80", "ip 10.0.0.1 > 10.2.0.1 tcp dport 80", "ip 10.0.0.1 > 10.2.0.1 tcp dport 81"}},
	{name: "dnat of the port only", rules: nat("udp dport 80 dnat to :53", ""), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp dport 80"}, wants: "dnat to 10.2.0.1:53"},
	{name: "dnat to ports", rules: nat("udp dport 80 dnat to 10.2.0.1:53-60", ""), packets: []string{"ip 10.0.0.1 > 10.3.0.1 udp dport 80"},
		wants: "dnat to 10.2.0.1:53-60, of which the kernel chooses one"},
	{name: "dnat to addresses", rules: nat("dnat to 10.2.0.1-10.2.0.2", ""), setup: []string{"ip neigh replace 10.2.0.2 lladdr 02:00:00:00:0b:00 dev r1"},
		packets: []string{"ip 10.0.0.1 > 10.3.0.1 udp dport 80"}, wants: "not known: chains of type nat may give it another", unknown: true},
	{name: "dnat of a prefix", rules: nat("dnat ip prefix to ip daddr map { 192.0.2.0/24 : 10.2.0.0/24 }", ""), packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp", "ip 10.0.0.1 > 10.3.0.1 udp"}},
	{name: "a map of addresses", rules: nat("dnat to udp dport map { 7 : 10.2.0.1, 8 : 10.3.0.1 }", ""),
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 7", "ip 10.0.0.1 > 192.0.2.1 udp dport 8", "ip 10.0.0.1 > 10.2.0.1 udp dport 9"}},
	{name: "a named map with ports", rules: "table ip m { map w { type ipv4_addr . inet_service : ipv4_addr . inet_service; elements = { 192.0.2.1 . 80 : 10.3.0.1 . 8080 } }\n" +
		"chain d { type nat hook prerouting priority dstnat; dnat to ip daddr . tcp dport map @w; }; }\n",
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 tcp dport 80", "ip 10.0.0.1 > 10.2.0.1 tcp dport 81"}},
	{name: "a map of intervals", rules: nat("dnat to udp dport map { 1-79 : 10.2.0.1, 80-65535 : 10.3.0.1 }", ""),
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 79", "ip 10.0.0.1 > 192.0.2.1 udp dport 80"}},
	{name: "a default", rules: nat("dnat to udp dport map { 7 : 10.2.0.1, * : 10.3.0.1 }", ""), packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 7", "ip 10.0.0.1 > 192.0.2.1 udp dport 80"}},
	{name: "the packet's own bytes", rules: nat("dnat to ip saddr & 255.255.255.249 | 0.3.0.0", ""), packets: []string{"ip 10.0.0.7 > 192.0.2.1 udp dport 7"}},
	{name: "snat", rules: nat("", "snat to 10.2.0.7"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp", "ip 10.0.0.1 > 10.3.0.1 icmp"}, wants: "it leaves from 10.2.0.7"},
	{name: "snat with a port", rules: nat("", "udp dport 7 snat to 10.2.0.7:99"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp dport 7"}, wants: "it leaves from 10.2.0.7:99"},
	{name: "snat to addresses", rules: nat("", "snat to 10.2.0.7-10.2.0.9 persistent"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"},
		wants: "snat to 10.2.0.7-10.2.0.9 persistent, of which the kernel chooses one", unknown: true},
	{name: "snat of a prefix", rules: nat("", "snat ip prefix to ip saddr map { 10.0.0.0/24 : 192.0.2.0/24 }"), packets: []string{"ip 10.0.0.7 > 10.2.0.1 udp"}, wants: "snat to 192.0.2.7"},
	{name: "masquerade", rules: nat("", "masquerade random"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp", "ip 10.0.0.1 > 10.3.0.1 tcp"}, wants: "random"},
	{name: "masquerade by the gateway", setup: []string{"ip addr add 192.0.2.9/24 dev r1", "ip addr add 192.0.2.10/24 dev r1", "ip route add 198.51.100.0/24 via 192.0.2.1",
		"ip neigh replace 192.0.2.1 lladdr 02:00:00:00:0b:00 dev r1"}, rules: nat("", "masquerade"), packets: []string{"ip 10.0.0.1 > 198.51.100.1 udp"}, wants: "masquerade to 192.0.2.9"},
	{name: "masquerade by one of several", setup: []string{"ip addr add 192.0.2.9/24 dev r1", "ip route add 198.51.100.0/24 dev r1",
		"ip neigh replace 198.51.100.1 lladdr 02:00:00:00:0b:00 dev r1"}, rules: nat("", "masquerade"), packets: []string{"ip 10.0.0.1 > 198.51.100.1 udp"},
		wants: "masquerade to an address of r1", unknown: true},
	{name: "a log", rules: nat(`log prefix "x" dnat to 10.3.0.1`, "log group 5\nmasquerade"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"}, wants: "logs"},
	{name: "masquerade by one of several gateways", setup: []string{"ip addr add 192.0.2.9/24 dev r1", "ip neigh replace 192.0.2.1 lladdr 02:00:00:00:0b:00 dev r1",
		"ip route add 198.51.100.0/24 nexthop via 192.0.2.1 dev r1 nexthop via 10.2.0.1 dev r1"}, rules: nat("", "masquerade"), packets: []string{"ip 10.0.0.1 > 198.51.100.1 udp"},
		wants: "masquerade to an address of r1", unknown: true},
	{name: "asked for an address of the kernel's choice", rules: nat("", "snat to 10.2.0.7-10.2.0.9") + behind("ip saddr 10.0.0.1 drop"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"},
		wants: "asks for what is not known", unknown: true},
	{name: "asked for a port of the kernel's choice", rules: nat("", "snat to 10.2.0.7") + behind("udp sport 5 drop"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"},
		wants: "asks for what is not known", unknown: true},
	{name: "asked for a status that is not known", rules: nat("", "snat to 10.0.0.1-10.0.0.2") + behind("ct status != snat accept"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"},
		wants: "asks for what is not known", unknown: true},
	{name: "redirect", rules: nat("udp dport 53 redirect to :5353", "masquerade"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp dport 53"}, wants: "redirect to 10.0.0.254:5353", lost: true},
	{name: "redirect to the nearest", setup: []string{"ip addr add 192.0.2.9/24 dev r0 scope link"}, rules: nat("redirect", ""), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp"},
		wants: "it goes to 192.0.2.9", lost: true},
	{name: "redirect to one of several", setup: []string{"ip addr add 192.0.2.9/24 dev r0"}, rules: nat("redirect", ""), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp dport 53"},
		wants: "local by an address of r0", lost: true, unknown: true},
	{name: "drop", rules: nat("udp dport 53 drop", "tcp dport 53 drop\nmasquerade"), packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp dport 53", "ip 10.0.0.1 > 10.2.0.1 tcp dport 53"}, wants: "drop", lost: true},
	{name: "what local addresses are", rules: nat("fib daddr type local udp dport { 7, 8 } dnat to 10.3.0.1\nfib daddr type != unicast dnat to 10.2.0.1", ""),
		packets: []string{"ip 10.0.0.1 > 10.0.0.254 udp dport 8", "ip 10.0.0.1 > 10.2.0.254 udp dport 9", "ip 10.0.0.1 > 10.2.0.1 udp dport 7"}},
	{name: "chains of several priorities", rules: nat("udp dport 7 accept\nudp dport 8 dnat to 10.2.0.1", "") +
		"table inet o { chain a { type nat hook prerouting priority -120; udp dport 8 dnat ip to 10.3.0.1; }; chain b { type nat hook prerouting priority 50; udp dport 7 dnat ip to 10.3.0.1; }; }\n",
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 7", "ip 10.0.0.1 > 192.0.2.1 udp dport 8"}, wants: "dnat to 10.3.0.1"},
	{name: "chains of one priority", rules: nat("udp dport 8 dnat to 10.2.0.1\nudp dport 7 dnat to 10.2.0.1", "") + "table inet o { chain a { type nat hook prerouting priority dstnat; udp dport 8 dnat ip6 to fe80::1; udp dport 7 drop; }; }\n",
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 8"}, wants: "dnat to 10.2.0.1"},
	{name: "chains that know what has been translated", rules: nat("udp dport 8 dnat to 10.2.0.1:9", "ct status dnat masquerade") +
		"table inet f { chain early { type filter hook prerouting priority -150; ip daddr 10.2.0.1 udp dport 9 drop; }; chain p { type filter hook prerouting priority 0; udp dport 8 drop; };\n" +
		"chain f { type filter hook forward priority 0; policy drop; ct status dnat ip daddr 10.2.0.1 udp dport 9 accept; }; chain s { type filter hook postrouting priority 110; ip saddr 10.0.0.1 drop; ct status snat accept; drop; }; }\n",
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 8"}, wants: "accepted"},
	{name: "jumps", rules: "table ip n { chain x { udp dport 8 dnat to 10.3.0.1; }; chain d { type nat hook prerouting priority dstnat; jump x; dnat to 10.2.0.1; }; }\n",
		packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 8", "ip 10.0.0.1 > 192.0.2.1 udp dport 9"}},
	{name: "what nobody can follow", rules: nat("numgen random mod 2 1 dnat to 10.3.0.1\ndnat to 10.2.0.1", ""), packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 9"},
		wants: "numgen", unknown: true},
	{name: "the mark of a map", rules: nat("meta mark set 7 dnat to 10.2.0.1", ""), packets: []string{"ip 10.0.0.1 > 192.0.2.1 udp dport 9"}, wants: "not known", unknown: true},
	{name: "iptables", tool: "iptables-nft-restore", rules: "*nat\n:D - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j D\n-A PREROUTING -d 192.0.2.0/24 -j NETMAP --to 10.2.0.0/24\n" +
		"-A D -p udp --dport 8 -j DNAT --to-destination 10.3.0.1:80\n-A D -p tcp --dport 8 -j DNAT --to-destination 10.2.0.1\n-A POSTROUTING ! -o r2 -j MASQUERADE\n" +
		"-A POSTROUTING -p udp -j SNAT --to-source 10.3.0.7:99\nCOMMIT\n",
		packets: []string{"ip 10.0.0.1 > 10.0.0.254 udp dport 8", "ip 10.0.0.1 > 10.3.0.254 tcp dport 8", "ip 10.0.0.1 > 192.0.2.1 udp dport 8", "ip 10.0.0.1 > 10.2.0.1 udp"}},
	{name: "iptables redirects", tool: "iptables-nft-restore", rules: "*nat\n-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353\nCOMMIT\n",
		packets: []string{"ip 10.0.0.1 > 10.2.0.1 udp dport 53"}, wants: "redirect to 10.0.0.254:5353", lost: true},
	{name: "iptables shifts ports", tool: "iptables-nft-restore", rules: "*nat\n-A PREROUTING -p udp -j DNAT --to-destination 10.2.0.1:100-200/50\nCOMMIT\n",
		packets: []string{"ip 10.0.0.1 > 10.3.0.1 udp dport 53"}, wants: "dnat to 10.2.0.1:100-200, of which the kernel chooses one"},
	{name: "IPv6", rules: "table inet n { chain d { type nat hook prerouting priority dstnat; dnat ip to 10.2.0.1; tcp dport 80 dnat ip6 to [2001:db8:3::1]:8080; }\n" +
		"chain s { type nat hook postrouting priority srcnat; oifname r1 snat ip6 to 2001:db8:2::7; masquerade; }; }\n",
		packets: []string{"ip6 2001:db8::1 > 2001:db8:2::1 udp", "ip6 2001:db8::1 > 2001:db8:2::1 tcp dport 80"}},
	{name: "IPv6 redirected", rules: "table ip6 n { chain d { type nat hook prerouting priority dstnat; fib daddr type local udp dport 8 dnat to 2001:db8:2::1; udp dport 9 redirect; }; }\n",
		packets: []string{"ip6 2001:db8::1 > 2001:db8::254 udp dport 8"}},
	{name: "iptables of IPv6", tool: "ip6tables-nft-restore", rules: "*nat\n-A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 80 -j DNAT --to-destination [2001:db8:2::1]:81\n" +
		"-A PREROUTING -d 2001:db8:f::/64 -j NETMAP --to 2001:db8:3::/64\n-A POSTROUTING -o r1 -j MASQUERADE\n-A POSTROUTING -j SNAT --to-source 2001:db8:3::7\nCOMMIT\n",
		packets: []string{"ip6 2001:db8::1 > 2001:db8::254 tcp dport 80", "ip6 2001:db8::1 > 2001:db8:f::1 udp", "ip6 2001:db8::1 > 2001:db8:2::1 icmp"}},
}

// nat is a table with a chain of some rules before the route is known, and one behind.
func nat(dest, source string) string {
	return fmt.Sprintf("table ip n {\nchain d {\ntype nat hook prerouting priority dstnat\n%s\n}\nchain s {\ntype nat hook postrouting priority srcnat\n%s\n}\n}\n", dest, source)
}

// behind is a table with a chain behind the translation of the source.
func behind(rule string) string {
	return "table ip f { chain s { type filter hook postrouting priority 110; " + rule + "; }; }\n"
}

// TestExplainNAT sends packets through chains that translate addresses, and compares what comes out with what was explained.
func TestExplainNAT(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, c := range natCases {
		t.Run(c.name, func(t *testing.T) {
			b := newNATBed(t)
			if c.tool == "" {
				c.tool = "nft -f -"
			}
			if err := b.R.Run(c.setup...); err != nil {
				t.Fatal(err)
			}
			if err := b.R.Feed(c.tool, c.rules); err != nil {
				t.Skip(err)
			}
			for i, p := range c.packets {
				b.compare(c, fmt.Sprintf("iif r0 %s sport %d", p, 3000+i))
			}
		})
	}
}

// natBed is a router with three ports, and what arrives behind two of them.
type natBed struct {
	*lab.Network
	t       *testing.T
	sender  *lab.Sender
	capture *lab.Capture
}

func newNATBed(t *testing.T) *natBed {
	t.Helper()
	n, err := lab.NewNetwork(lab.Layout{Ports: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	b := &natBed{Network: n, t: t}
	lines := []string{"sysctl -qw net.ipv6.conf.all.disable_ipv6=0", "sysctl -qw net.ipv6.conf.all.forwarding=1"}
	for i, p := range n.Ports {
		net := []string{"2001:db8::", "2001:db8:2::", "2001:db8:3::"}[i]
		lines = append(lines, fmt.Sprintf("ip addr add %s254/64 dev %s nodad", net, p.Name),
			fmt.Sprintf("ip neigh replace %s1 lladdr %s dev %s", net, p.Peer.MAC, p.Name))
	}
	if err := n.R.Run(lines...); err != nil {
		t.Fatal(err)
	}
	if b.capture, err = lab.NewCapture(1 << 16); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.capture.Close() })
	for i, p := range n.Ports[1:] {
		if err := b.capture.Add(n.B, p.Peer.Index, uint32(i+1), true); err != nil {
			t.Fatal(err)
		}
	}
	if b.sender, err = lab.NewSender(n.A, n.Ports[0].Peer.Index); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.sender.Close() })
	return b
}

// compare explains a packet, sends it, and compares.
func (b *natBed) compare(c natCase, description string) {
	b.t.Helper()
	var x control.Explanation
	err := b.R.Do(func() error {
		s, err := introspect.Read(context.Background())
		if err == nil {
			x, err = Explain(s, newBed(b.t).options, description)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	p, err := packet.Parse(description)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.sender.Send(p.Frame(packet.MAC(b.Ports[0].MAC))); err != nil {
		b.t.Fatal(err)
	}
	got := b.next(p)
	said := fmt.Sprintf("%s: it was %v, but route %q, ruleset %q, tracking %q, %+v", description, got, x.Route, x.Ruleset, x.Tracking, x.Rules)
	all := x.Route + x.Tracking + x.Ruleset
	for _, v := range x.Rules {
		all += v.Outcome + "\n"
	}
	switch {
	case !strings.Contains(all, c.wants):
		b.t.Errorf("no %q: %s", c.wants, said)
	case (got.port == "") != c.lost:
		b.t.Errorf("lost: %s", said)
	case c.unknown:
	case c.lost:
		if x.Ruleset != "dropped" && (x.Ruleset != "accepted, and not forwarded" || !told(x.Tracking, "it goes to ", p.IP.Dst, b.answers(p))) {
			b.t.Error(said)
		}
	case !strings.Contains(x.Route, "dev "+got.port), x.Ruleset != "accepted",
		!told(x.Tracking, "it goes to ", p.IP.Dst, got.dest), !told(x.Tracking, "it leaves from ", p.IP.Src, got.source):
		b.t.Error(said)
	}
}

// answers is who answers a packet, as the kernel's table of connections has it.
func (b *natBed) answers(p *packet.Packet) netip.AddrPort {
	all, err := b.R.Connections(unix.AF_INET)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range all {
		if c.Source == netip.AddrPortFrom(p.IP.Src, p.IP.Sport) {
			return c.Reply[0]
		}
	}
	return netip.AddrPort{}
}

// told tells whether an explanation says what an address has become, and the port, if it names one.
func told(tracking, words string, before netip.Addr, is netip.AddrPort) bool {
	_, text, said := strings.Cut(tracking, words)
	text, _, _ = strings.Cut(text, ";")
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at == is
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a == is.Addr()
	}
	address, ports, ranged := strings.Cut(text, ":")
	return !said && before == is.Addr() || ranged && address == is.Addr().String() && strings.Contains(ports, "-")
}

// arrived is a packet that has arrived behind a port of the router.
type arrived struct {
	port         string
	source, dest netip.AddrPort
}

// next is the packet that arrives, if one does that is of the protocol of another one.
func (b *natBed) next(of *packet.Packet) (got arrived) {
	for wait := 300 * time.Millisecond; ; wait = 0 {
		c, ok, err := b.capture.Next(lab.Patience(wait))
		if err != nil {
			b.t.Fatal(err)
		}
		if !ok {
			return got
		}
		f := c.Frame
		four := len(f) >= 38 && binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_IP && f[23] == of.IP.Protocol
		six := len(f) >= 58 && binary.BigEndian.Uint16(f[12:]) == unix.ETH_P_IPV6 && f[20] == of.IP.Protocol
		source, dest, end := f[26:30], f[30:34], 34
		if six && of.IP.Src.Is6() {
			source, dest, end = f[22:38], f[38:54], 54
		} else if !four {
			continue
		}
		at := func(a []byte, port int) netip.AddrPort {
			addr, _ := netip.AddrFromSlice(a)
			return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(f[port:]))
		}
		if got = (arrived{fmt.Sprintf("r%d", c.Tag), at(source, end), at(dest, end+2)}); of.IP.Protocol != unix.IPPROTO_ICMPV6 || f[54] == 128 {
			return got
		}
		got = arrived{}
	}
}
