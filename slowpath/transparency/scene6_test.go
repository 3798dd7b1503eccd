package transparency

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// scenes6 are those of IPv6.
var scenes6 = []scene{
	{"ping6", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 4 -i 0.1 -W 2 fd00:2::1")) }},
	{"ping6 hop limit 1", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 2 -i 0.1 -W 1 -t 1 fd00:2::1")) }},
	{"ping6 own address", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 2 -i 0.1 -W 1 fd00:2::fe")) }},
	{"ping6 anycast address of the subnet", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 2 -i 0.1 -W 1 fd00:2::")) }},
	{"ping6 no route", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 1 -W 1 fd00:9::9")) }},
	{"ping6 prohibit", false, prohibit6},
	{"ping6 no neighbour", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 1 -W 4 fd00:2::77")) }},
	{"ping6 fragments", false, func(b *bed) string { return pinged(b.run(b.a, "ping -6 -n -c 2 -i 0.1 -W 1 -s 4000 fd00:2::1")) }},
	{"ping6 from a link-local address", false, func(b *bed) string {
		return pinged(b.run(b.a, "ping -6 -n -c 1 -W 1 -I fe80::a%a0 fd00:2::1"))
	}},
	{"traceroute6", false, func(b *bed) string { return hops(b.run(b.a, "traceroute -6 -n -q 1 -w 1 -m 4 fd00:2::1")) }},
	{"path mtu of ip6", false, pathMTU6},
	{"route get of ip6", false, func(b *bed) string {
		return b.run(b.r, "ip -6 route get fd00:2::1 from fd00::1 iif r0") + b.run(b.r, "ip -6 route get fd00:2::1")
	}},
	{"udp of ip6", true, func(b *bed) string { return iperf(b, host6, "-u -b 4M -l 400 -t 1") }},
	{"tcp of ip6", true, func(b *bed) string { return iperf(b, host6, "-n 2M") }},
	{"link counters of ip6", true, func(b *bed) string { return linkCounters(b, host6) }},
	{"tcpdump of ip6", false, func(b *bed) string { return captured(b, "", host6) }},
	{"unsolicited advertisement and a moved address", true, movedMAC6},
	{"neighbours of ip6", true, func(b *bed) string {
		iperf(b, host6, "-u -b 2M -l 500 -t 1")
		return usable(b.run(b.r, "ip -6 neigh show dev r1 fd00:2::1"))
	}},
}

// usable gives one name to the states that come and go while a neighbour is in use.
func usable(out string) string {
	return regexp.MustCompile(`\b(REACHABLE|STALE|DELAY|PROBE)\b`).ReplaceAllString(out, "usable")
}

func prohibit6(b *bed) string {
	text := ""
	for _, kind := range []string{"prohibit", "unreachable", "blackhole"} {
		b.must(b.r, "ip -6 route add "+kind+" fd00:8::/64")
		text += b.run(b.a, "ping -6 -n -c 1 -W 1 fd00:8::9")
		b.must(b.r, "ip -6 route del "+kind+" fd00:8::/64")
	}
	return pinged(text)
}

func pathMTU6(b *bed) string {
	b.must(b.r, "ip link set r1 mtu 1400")
	b.must(b.b, "ip link set b0 mtu 1400")
	defer func() {
		b.must(b.r, "ip link set r1 mtu 1500")
		b.must(b.b, "ip link set b0 mtu 1500")
		b.must(b.a, "ip -6 route flush cache")
		b.settle()
	}()
	b.settle()
	big := pinged(b.run(b.a, "ping -6 -n -M do -c 1 -W 1 -s 1430 fd00:2::1"))
	b.must(b.a, "ip -6 route flush cache")
	_, found, _ := strings.Cut(hops(b.run(b.a, "tracepath -6 -n -m 4 fd00:2::1")), "Resume:")
	return big + "\n" + found
}

// movedMAC6 lets the receiver take another MAC, which its kernel announces, and looks whether traffic follows.
func movedMAC6(b *bed) string {
	text := pinged(b.run(b.a, "ping -6 -n -c 1 -W 1 fd00:2::1"))
	b.must(b.b, "sysctl -qw net.ipv6.conf.b0.ndisc_notify=1")
	b.must(b.b, "ip link set b0 address 02:00:00:00:0b:98")
	defer func() {
		b.must(b.b, "ip link set b0 address 02:00:00:00:0b:00")
		b.must(b.b, "sysctl -qw net.ipv6.conf.b0.ndisc_notify=0")
		time.Sleep(200 * time.Millisecond)
		b.run(b.a, "ping -6 -n -c 1 -W 1 fd00:2::1")
	}()
	time.Sleep(200 * time.Millisecond)
	text += iperf(b, host6, "-u -b 2M -l 400 -t 1")
	words := strings.Fields(b.run(b.r, "ip -6 neigh show dev r1 fd00:2::1"))
	return text + fmt.Sprint(words[:min(3, len(words))])
}

// captured listens on both of the router's interfaces while five packets pass.
func captured(b *bed, option, host string) string {
	b.run(b.a, "ping -n -c 1 -W 1 "+host)
	before := listeners(b.run(b.r, "cat /proc/net/packet"))
	var stop []func(syscall.Signal) string
	for _, dev := range []string{"r0", "r1"} {
		stop = append(stop, b.background(b.r, "tcpdump "+option+" -n -l --immediate-mode -i "+dev+" udp port 7777"))
	}
	for range 100 {
		if listeners(b.run(b.r, "cat /proc/net/packet")) >= before+len(stop) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond) // an unannounced packet socket is noticed
	for range 5 {
		b.run(b.a, `bash -c echo>/dev/udp/`+host+`/7777`)
	}
	time.Sleep(100 * time.Millisecond)
	text := ""
	for _, s := range stop {
		text += fmt.Sprintf("%d packets ", strings.Count(s(syscall.SIGINT), host+".7777: UDP"))
	}
	b.settle()
	return text
}

// listeners counts the packet sockets that hear everything from an interface.
func listeners(sockets string) (n int) {
	const everything = "0003"
	for line := range strings.Lines(sockets) {
		if f := strings.Fields(line); len(f) > 5 && f[3] == everything && f[4] != "0" && f[5] == "1" {
			n++
		}
	}
	return n
}
