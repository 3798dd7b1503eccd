package introspect

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// routeMessage is RTM_NEWROUTE as a dump shows a route with one gateway.
func routeMessage(dst netip.Prefix, via netip.Addr, dev uint32) netlink.Message {
	b := make([]byte, unix.SizeofRtMsg, 60)
	b[0], b[1], b[4], b[5], b[7] = unix.AF_INET, byte(dst.Bits()), unix.RT_TABLE_MAIN, unix.RTPROT_BGP, unix.RTN_UNICAST
	if dst.Addr().Is6() {
		b[0] = unix.AF_INET6
	}
	b = attribute(b, unix.RTA_TABLE, native.AppendUint32(nil, unix.RT_TABLE_MAIN))
	b = attribute(b, unix.RTA_DST, dst.Addr().AsSlice())
	b = attribute(b, unix.RTA_PRIORITY, native.AppendUint32(nil, 20))
	b = attribute(b, unix.RTA_GATEWAY, via.AsSlice())
	b = attribute(b, unix.RTA_OIF, native.AppendUint32(nil, dev))
	return netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWROUTE, Flags: netlink.Multi}, Data: b}
}

func attribute(b []byte, kind uint16, data []byte) []byte {
	b = native.AppendUint16(b, uint16(4+len(data)))
	b = append(native.AppendUint16(b, kind), data...)
	return append(b, make([]byte, align4(len(data))-len(data))...)
}

// fullTable makes n routes to /24s by eight gateways, in the order of a dump.
func fullTable(n int) []netlink.Message {
	all := make([]netlink.Message, n)
	for i := range all {
		a := uint32(1<<24 + i<<8)
		dst := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), 0}), 24)
		all[i] = routeMessage(dst, netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i%8)}), uint32(3+i%2))
	}
	return all
}

const fullRoutes = 900_000

// BenchmarkFullTableBuild reads the dump of a full table as a reload does.
func BenchmarkFullTableBuild(b *testing.B) {
	all := fullTable(fullRoutes)
	for b.Loop() {
		before := heap()
		m := build(b, all)
		b.ReportMetric(float64(heap()-before)/fullRoutes, "bytes/route")
		runtime.KeepAlive(m)
	}
}

func build(t testing.TB, all []netlink.Message) Map[RouteKey, Route] {
	var r routeBuilder
	for _, m := range all {
		if err := r.add(m); err != nil {
			t.Fatal(err)
		}
	}
	return r.build()
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFullTableFold folds a full table message by message, as events would bring it.
func BenchmarkFullTableFold(b *testing.B) {
	all := fullTable(fullRoutes)
	for b.Loop() {
		s := &Snapshot{}
		for _, m := range all {
			s, _, _ = s.Fold(m)
		}
	}
}

// BenchmarkEventInFullTable is one route changing its gateway to and fro in a full table.
func BenchmarkEventInFullTable(b *testing.B) {
	all := fullTable(fullRoutes)
	s := &Snapshot{Routes4: build(b, all)}
	dst := netip.MustParsePrefix("5.5.5.0/24")
	var change [2]netlink.Message
	for i := range change {
		change[i] = routeMessage(dst, netip.AddrFrom4([4]byte{10, 9, 9, byte(i)}), 3)
		change[i].Header.Flags = netlink.Replace
	}
	i := 0
	for b.Loop() {
		s, _, _ = s.Fold(change[i%2])
		i++
	}
}

// BenchmarkDiffFullTables compares two full tables that share nothing and say the same.
func BenchmarkDiffFullTables(b *testing.B) {
	all := fullTable(fullRoutes)
	x, y := build(b, all), build(b, all)
	for b.Loop() {
		if y.onto(x) != x {
			b.Fatal("they differ")
		}
	}
}

// BenchmarkRuleset reads a ruleset of 100,000 rules and one of 100,000 elements, and has the Watcher follow an element.
func BenchmarkRuleset(b *testing.B) {
	many := func(n int, line func(i int) string) string {
		var text strings.Builder
		text.WriteString("add table ip t\nadd chain ip t f { type filter hook forward priority 0; }\nadd set ip t s { type ipv4_addr; }\n")
		for i := range n {
			text.WriteString(line(i))
		}
		return text.String()
	}
	rule := func(i int) string {
		return fmt.Sprintf("add rule ip t f ip saddr 10.%d.%d.%d udp dport %d drop\n", i>>16, i>>8&255, i&255, i&0x7fff)
	}
	element := func(i int) string { return fmt.Sprintf("add element ip t s { 10.%d.%d.%d }\n", i>>16, i>>8&255, i&255) }
	for name, text := range map[string]string{"rules": many(100000, rule), "elements": many(100000, element)} {
		b.Run(name, func(b *testing.B) {
			inNamespace(b, func(run func(string)) {
				if problem := loadRuleset(text); problem != "" {
					b.Error(problem)
					return
				}
				for b.Loop() {
					if _, err := readSilent(new(Snapshot)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	b.Run("element", func(b *testing.B) {
		inNamespace(b, func(run func(string)) {
			loadRuleset(many(100000, element))
			w := watchHere(b)
			defer w.Close()
			settle(b, w)
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				loadRuleset(fmt.Sprintf("%s element ip t s { 11.0.0.1 }", []string{"add", "delete"}[i%2]))
				b.StartTimer()
				settle(b, w)
			}
		})
	})
}
