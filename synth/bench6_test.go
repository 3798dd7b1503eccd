package synth

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"github.com/hone-net/hone/introspect"
)

// fullTable6 is a configuration with n IPv6 routes, most of them of 48 bits, by eight neighbours.
func fullTable6(t testing.TB, n int) *introspect.Snapshot {
	s := parse(t, router6(t))
	w := rand.New(rand.NewPCG(1, 2))
	for i := range 8 {
		k := introspect.NeighKey{Index: 3, Addr: netipAddr6(0xfe80<<48, uint64(10+i))}
		s.Neighs = s.Neighs.With(k, introspect.Neigh{Key: k, HasMAC: true, MAC: introspect.MAC{2, 0, 0, 0, 9, byte(i)}, State: 2})
	}
	for s.Routes6.Len() < n {
		hi := 0x2000<<48 | uint64(w.IntN(64))<<52 | uint64(w.IntN(3000))<<36 | uint64(w.Uint32N(1<<20))<<16
		length := []int{48, 48, 48, 48, 48, 48, 47, 46, 44, 40, 36, 32, 32, 29}[w.IntN(14)]
		p := netip.PrefixFrom(netipAddr6(hi, 0), length).Masked()
		key := introspect.RouteKey{Dst: p, Table: tableMain, Priority: 1024}
		hop := introspect.Hop{Index: 3, Via: netipAddr6(0xfe80<<48, uint64(10+w.IntN(8)))}
		s.Routes6 = s.Routes6.With(key, introspect.Route{Key: key, Type: 1, Hops: []introspect.Hop{hop}})
	}
	return s
}

func BenchmarkBuild6(b *testing.B) {
	for _, n := range []int{1000, 160000} {
		s := fullTable6(b, n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				NewFIB(s)
			}
		})
	}
}

// BenchmarkUpdate6 changes the nexthop of one of many routes.
func BenchmarkUpdate6(b *testing.B) {
	s := fullTable6(b, 160000)
	f := NewFIB(s)
	var keys []introspect.RouteKey
	for key := range s.Routes6.All() {
		if keys = append(keys, key); len(keys) == 10000 {
			break
		}
	}
	i, reshapes := 0, 0
	for b.Loop() {
		r, _ := s.Routes6.Get(keys[i%len(keys)])
		r.Hops = []introspect.Hop{{Index: 3, Via: netipAddr6(0xfe80<<48, uint64(10+i%8))}}
		next := *s
		next.Routes6 = s.Routes6.With(r.Key, r)
		s = &next
		if _, reshaped := f.Update(s); reshaped {
			reshapes++
		}
		i++
	}
	if reshapes > 1 {
		b.Errorf("%d reshapes", reshapes)
	}
}
