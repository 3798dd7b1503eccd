package introspect

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestSeams wants to know where the parts of a dump meet.
func TestSeams(t *testing.T) {
	var b routeBuilder
	show := func(table uint32, prefixes string) {
		for _, p := range strings.Fields(prefixes) {
			b.routes = append(b.routes, seed(RouteKey{Dst: netip.MustParsePrefix(p), Table: table}, &Route{}))
		}
		b.part(false)
	}
	addr := netip.MustParseAddr
	key := func(prefix string, table uint32) RouteKey {
		return RouteKey{Dst: netip.MustParsePrefix(prefix), Table: table}
	}
	show(254, "10.0.0.0/8 10.0.0.0/16")
	show(254, "10.0.0.0/24 10.1.0.0/24")
	show(254, "10.1.2.0/24 10.5.0.0/16")
	show(254, "10.5.1.0/24 10.5.2.0/24")
	b.parts[3]-- // it ends where the one before does
	show(254, "10.7.0.0/24")
	want := seams{[]seam{{addr("10.0.0.0"), addr("10.0.0.0")}, {addr("10.1.0.0"), addr("10.1.2.0")}, {addr("10.5.0.0"), addr("10.5.2.0")}},
		key("10.7.0.0/24", 254)}
	got := b.seams()
	if !slices.Equal(got.between, want.between) || got.after != want.after || got.everywhere() {
		t.Errorf("got %v, want %v", got, want)
	}
	for k, hold := range map[RouteKey]bool{key("10.1.1.0/24", 7): true, key("10.1.2.0/23", 254): true, key("10.0.0.0/8", 254): true, key("10.3.0.0/16", 254): false,
		key("10.8.0.0/16", 254): true, key("10.8.0.0/16", 255): true, key("10.8.0.0/16", 256+254): true, key("10.8.0.0/16", 253): false, key("10.6.0.0/16", 255): false} {
		if got := got.hold(k); got != hold {
			t.Errorf("%v: %v", k, got)
		}
		during := staleRoutes{window: map[RouteKey]bool{k: true}}
		if torn := during.torn(got); torn.any() != hold {
			t.Errorf("a change of %v tears %v", k, torn)
		}
	}
	show(255, "10.3.0.1/32")
	if got := b.seams(); !got.everywhere() || !got.ends() {
		t.Errorf("of two tables: %v", got)
	}
	b.again()
	show(254, "")
	show(254, "10.0.0.0/8")
	if got := b.seams(); !got.everywhere() {
		t.Errorf("after a part of which nothing is read: %v", got)
	}
	b.again()
	b.part(true)
	if got := b.seams(); got.any() || b.pieces != 1 {
		t.Errorf("of one part: %v, %d", got, b.pieces)
	}
}

// TestSeamsOfOthers compares which seams lie at others with a look at each pair.
func TestSeamsOfOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	some := func() (s seams) {
		at := byte(0)
		for range r.IntN(4) {
			from := at + byte(1+r.IntN(9))
			at = from + byte(r.IntN(6))
			s.between = append(s.between, seam{netip.AddrFrom4([4]byte{from}), netip.AddrFrom4([4]byte{at})})
		}
		if r.IntN(3) == 0 {
			s.after = RouteKey{Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(r.IntN(60))}), 8), Table: 255}
		}
		return s
	}
	count := map[bool]int{}
	for range 2000 {
		a, b := some(), some()
		both := a.of(b)
		for _, s := range a.between {
			meets := b.ends() && b.after.Dst.Addr().Compare(s.to) <= 0
			for _, o := range b.between {
				meets = meets || s.from.Compare(o.to) <= 0 && o.from.Compare(s.to) <= 0
			}
			count[meets]++
			if got := slices.Contains(both.between, s); got != meets {
				t.Fatalf("%v of %v: %v", a, b, both)
			}
		}
	}
	if count[true] < 500 || count[false] < 500 {
		t.Errorf("%v", count)
	}
}
