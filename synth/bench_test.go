package synth

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"github.com/hone-net/hone/introspect"
)

// fullTable is a configuration with n routes, most of them of 24 bits, by eight neighbours.
func fullTable(t testing.TB, n int) *introspect.Snapshot {
	s := parse(t, router(t))
	w := rand.New(rand.NewPCG(1, 2))
	for i := range 8 {
		k := introspect.NeighKey{Index: 3, Addr: netip.AddrFrom4([4]byte{10, 2, 0, byte(10 + i)})}
		s.Neighs = s.Neighs.With(k, introspect.Neigh{Key: k, HasMAC: true, MAC: introspect.MAC{2, 0, 0, 0, 9, byte(i)}, State: 2})
	}
	for s.Routes4.Len() < n {
		a := w.Uint32N(223<<24-1<<24) + 1<<24
		length := []int{24, 24, 24, 24, 24, 24, 23, 22, 22, 21, 20, 19, 18, 16}[w.IntN(14)]
		if w.IntN(1000) == 0 {
			length = 25 + w.IntN(8)
		}
		p := netip.PrefixFrom(netipAddr(a), length).Masked()
		via := netip.AddrFrom4([4]byte{10, 2, 0, byte(10 + w.IntN(8))})
		key := introspect.RouteKey{Dst: p, Table: tableMain, Priority: 20}
		s.Routes4 = s.Routes4.With(key, introspect.Route{Key: key, Type: 1, Hops: []introspect.Hop{{Index: 3, Via: via}}})
	}
	return s
}

func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1000, 900000} {
		s := fullTable(b, n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				NewFIB(s)
			}
		})
	}
}

// BenchmarkUpdate changes the nexthop of one of many routes.
func BenchmarkUpdate(b *testing.B) {
	s := fullTable(b, 900000)
	f := NewFIB(s)
	var keys []introspect.RouteKey
	for key := range s.Routes4.All() {
		if keys = append(keys, key); len(keys) == 10000 {
			break
		}
	}
	i := 0
	for b.Loop() {
		r, _ := s.Routes4.Get(keys[i%len(keys)])
		r.Hops = []introspect.Hop{{Index: 3, Via: netip.AddrFrom4([4]byte{10, 2, 0, byte(10 + i%8)})}}
		next := *s
		next.Routes4 = s.Routes4.With(r.Key, r)
		s = &next
		if _, reshaped := f.Update(s); reshaped {
			b.Fatal("reshaped")
		}
		i++
	}
}

// BenchmarkBulk takes 100000 routes away and puts them back.
func BenchmarkBulk(b *testing.B) {
	s := fullTable(b, 900000)
	f := NewFIB(s)
	less, n := *s, 0
	for key := range s.Routes4.All() {
		if n++; n%9 == 0 {
			less.Routes4 = less.Routes4.Without(key)
		}
	}
	for b.Loop() {
		for _, next := range []*introspect.Snapshot{&less, s} {
			if _, reshaped := f.Update(next); reshaped {
				b.Log("reshaped")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200000, "ns/route")
}

// BenchmarkDefault changes the default route under a full table.
func BenchmarkDefault(b *testing.B) {
	s := fullTable(b, 900000)
	addRoute(s, "0.0.0.0/0", netip.MustParseAddr("10.2.0.10"))
	other := *s
	addRoute(&other, "0.0.0.0/0", netip.MustParseAddr("10.2.0.11"))
	f := NewFIB(s)
	for b.Loop() {
		f.Update(&other)
		f.Update(s)
	}
}
