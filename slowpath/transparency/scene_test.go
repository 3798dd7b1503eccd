package transparency

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// scene is something that a user does and what is to be compared of its result. Fast says that with honed and complete
// checksums some of its packets take the fast path.
type scene struct {
	name string
	fast bool
	play func(b *bed) string
}

// host4 and host6 are the receiver.
const host4, host6 = "10.2.0.1", "fd00:2::1"

var scenes = []scene{
	{"ping", false, func(b *bed) string { return pinged(b.run(b.a, "ping -n -c 4 -i 0.1 -W 2 10.2.0.1")) }},
	{"ping ttl 1", false, func(b *bed) string { return pinged(b.run(b.a, "ping -n -c 2 -i 0.1 -W 1 -t 1 10.2.0.1")) }},
	{"ping own address", false, func(b *bed) string { return pinged(b.run(b.a, "ping -n -c 2 -i 0.1 -W 1 10.2.0.254")) }},
	{"ping record route", false, func(b *bed) string { return pinged(b.run(b.a, "ping -n -R -c 1 -W 1 10.2.0.1")) }},
	{"ping no route", false, noRoute},
	{"ping prohibit", false, prohibit},
	{"ping no neighbour", false, func(b *bed) string {
		return pinged(b.run(b.a, "ping -n -c 1 -W 4 10.2.0.77"))
	}},
	{"ping fragments", false, func(b *bed) string { return pinged(b.run(b.a, "ping -n -c 2 -i 0.1 -W 1 -s 4000 10.2.0.1")) }},
	{"traceroute", false, func(b *bed) string {
		return hops(b.run(b.a, "traceroute -n -q 1 -w 1 -m 4 10.2.0.1"))
	}},
	{"path mtu", false, pathMTU},
	{"route get", false, func(b *bed) string {
		return b.run(b.r, "ip route get 10.2.0.1 from 10.0.0.1 iif r0") + b.run(b.r, "ip route get 10.2.0.1")
	}},
	{"udp", true, func(b *bed) string { return iperf(b, host4, "-u -b 4M -l 400 -t 1") }},
	{"tcp", true, func(b *bed) string { return iperf(b, host4, "-n 2M") }},
	{"link counters", true, func(b *bed) string { return linkCounters(b, host4) }},
	{"tcpdump", false, func(b *bed) string { return captured(b, "", host4) }},
	{"tcpdump without promiscuous mode", false, func(b *bed) string { return captured(b, "-p", host4) }},
	{"arping and a moved address", true, movedMAC},
	{"neighbours", true, func(b *bed) string {
		iperf(b, host4, "-u -b 2M -l 500 -t 1")
		return usable(b.run(b.r, "ip neigh show dev r1 10.2.0.1"))
	}},
}

var (
	millis   = regexp.MustCompile(`[0-9.]+ ?ms`)
	rttLine  = regexp.MustCompile(`(?m)^rtt .*$`)
	pipeNote = regexp.MustCompile(`, pipe \d+`)
)

// pinged takes the times out of ping's output.
func pinged(out string) string {
	return strings.TrimSpace(pipeNote.ReplaceAllString(rttLine.ReplaceAllString(millis.ReplaceAllString(out, "T"), ""), ""))
}

// hops takes the times out of traceroute's and tracepath's output.
func hops(out string) string {
	return strings.Join(strings.Fields(millis.ReplaceAllString(out, "T")), " ")
}

// errorCost is longer than the kernel's interval between two ICMP errors to one peer (net.ipv4.route.error_cost).
const errorCost = 1200 * time.Millisecond

func noRoute(b *bed) string {
	time.Sleep(errorCost)
	return pinged(b.run(b.a, "ping -n -c 1 -W 1 192.0.2.9"))
}

func prohibit(b *bed) string {
	b.must(b.r, "ip route add prohibit 198.51.100.0/24")
	defer b.must(b.r, "ip route del prohibit 198.51.100.0/24")
	b.must(b.r, "ip route add unreachable 203.0.113.0/24")
	defer b.must(b.r, "ip route del unreachable 203.0.113.0/24")
	time.Sleep(errorCost)
	first := b.run(b.a, "ping -n -c 1 -W 1 198.51.100.9")
	time.Sleep(errorCost)
	return pinged(first + b.run(b.a, "ping -n -c 1 -W 1 203.0.113.9"))
}

func pathMTU(b *bed) string {
	b.must(b.r, "ip link set r1 mtu 1400")
	b.must(b.b, "ip link set b0 mtu 1400")
	defer func() {
		b.must(b.r, "ip link set r1 mtu 1500")
		b.must(b.b, "ip link set b0 mtu 1500")
		b.must(b.a, "ip route flush cache")
		b.settle()
	}()
	b.settle()
	big := pinged(b.run(b.a, "ping -n -M do -c 1 -W 1 -s 1450 10.2.0.1"))
	b.must(b.a, "ip route flush cache")
	_, found, _ := strings.Cut(hops(b.run(b.a, "tracepath -n -m 4 10.2.0.1")), "Resume:")
	return big + "\n" + found
}

var transferred = regexp.MustCompile(`"(lost_packets|bytes)":\s*(\d+)`)

// iperf runs a transfer and says whether it was whole: the bytes and losses at its end, or the error. A loss counts when
// it happens twice: a receiver that the machine lets wait loses packets, too.
func iperf(b *bed, host, options string) string {
	result := transfer(b, host, options)
	if strings.HasPrefix(result, "moved true") && !strings.HasSuffix(result, "lost 0") {
		return transfer(b, host, options)
	}
	return result
}

func transfer(b *bed, host, options string) string {
	server := b.background(b.b, "iperf3 -s -1")
	defer server(syscall.SIGTERM)
	var out string
	for range 20 { // until the server listens
		out = b.run(b.a, "iperf3 -J -c "+host+" "+options)
		if !strings.Contains(out, "Connection refused") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	_, end, found := strings.Cut(out, `"end":`)
	if !found || strings.Contains(out, `"error"`) {
		return "iperf3: " + out
	}
	moved, lost := false, 0
	for _, m := range transferred.FindAllStringSubmatch(end, -1) {
		n, _ := strconv.Atoi(m[2])
		moved = moved || m[1] == "bytes" && n > 100_000
		if m[1] == "lost_packets" {
			lost = max(lost, n)
		}
	}
	return fmt.Sprintf("moved %v lost %d", moved, lost)
}

// linkCounters sends a known number of packets and gives the difference of the router's packet counters, leaving out
// the few that address resolution adds.
func linkCounters(b *bed, host string) string {
	b.run(b.a, "ping -n -c 1 -W 1 "+host)
	before := counters(b)
	if out := b.run(b.a, "ping -n -q -c 1 -W 1 "+host); !strings.Contains(out, " 0% packet loss") {
		return out
	}
	result := iperf(b, host, "-u -b 4M -l 400 -k 300")
	after := counters(b)
	for i := range after {
		n := after[i] - before[i]
		if i == 0 || i == 3 { // the data's way: in by r0, out by r1
			result += fmt.Sprintf(" data %v", n >= 300 && n < 360)
		} else {
			result += fmt.Sprintf(" back %v", n > 0 && n < 60)
		}
	}
	return result
}

var packetLine = regexp.MustCompile(`(?m)^ +\d+ +(\d+) `)

// counters gives received and sent packets of r0 and r1.
func counters(b *bed) (n [4]int) {
	for i, dev := range []string{"r0", "r1"} {
		for j, m := range packetLine.FindAllStringSubmatch(b.run(b.r, "ip -s link show dev "+dev), 2) {
			n[2*i+j], _ = strconv.Atoi(m[1])
		}
	}
	return n
}

// movedMAC lets the receiver take another MAC and announce it, and looks whether traffic follows.
func movedMAC(b *bed) string {
	text := pinged(b.run(b.a, "ping -n -c 1 -W 1 10.2.0.1"))
	b.must(b.b, "ip link set b0 address 02:00:00:00:0b:99")
	defer func() {
		b.must(b.b, "ip link set b0 address 02:00:00:00:0b:00")
		b.run(b.b, "arping -c 1 -U -I b0 10.2.0.1")
		b.run(b.a, "ping -n -c 1 -W 1 10.2.0.1")
	}()
	b.must(b.b, "ip route replace default via 10.2.0.254")
	b.run(b.b, "arping -c 2 -w 2 -U -I b0 10.2.0.1")
	text += iperf(b, host4, "-u -b 2M -l 400 -t 1")
	text += strings.Join(strings.Fields(b.run(b.r, "ip neigh show dev r1 10.2.0.1"))[:3], " ")
	answer := b.run(b.b, "arping -c 1 -w 2 -I b0 10.2.0.254")
	return text + fmt.Sprint(" answered ", strings.Contains(answer, "Unicast reply from 10.2.0.254") || strings.Contains(answer, "bytes from"))
}
