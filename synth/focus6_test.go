package synth

import (
	"net/netip"
	"testing"

	"github.com/hone-net/hone/introspect"
)

// addRoute6 is s with one more route, by the neighbour of router6.
func addRoute6(s *introspect.Snapshot, p netip.Prefix) *introspect.Snapshot {
	next := *s
	key := introspect.RouteKey{Dst: p, Table: tableMain, Priority: 1024}
	hop := introspect.Hop{Index: 3, Via: netip.MustParseAddr("fe80::2")}
	next.Routes6 = s.Routes6.With(key, introspect.Route{Key: key, Type: 1, Hops: []introspect.Hop{hop}})
	return &next
}

func focusOf(f *FIB) netip.Prefix {
	v, _ := f.Shape().view(tableRoute6)
	return v.Focus
}

// TestFocusFollows: as routes under one prefix come, that becomes the focus; not with every one of them.
func TestFocusFollows(t *testing.T) {
	s := parse(t, router6(t))
	f := NewFIB(s)
	reshapes := 0
	for i := range 100 {
		s = addRoute6(s, netip.PrefixFrom(netipAddr6(0x20010db8_8000_0000|uint64(i)<<16, 0), 48))
		if _, reshaped := f.Update(s); reshaped {
			reshapes++
		}
	}
	if want := netip.MustParsePrefix("2001:db8::/32"); focusOf(f) != want || reshapes > 5 {
		t.Errorf("focus %v after %d new tables, want %v", focusOf(f), reshapes, want)
	}
	for i := range 100 {
		s = addRoute6(s, netip.PrefixFrom(netipAddr6(0x2a000001_0000_0000|uint64(i)<<32, 0), 32))
		if _, reshaped := f.Update(s); reshaped {
			reshapes++
		}
	}
	if reshapes > 6 {
		t.Errorf("%d new tables", reshapes)
	}
}

// TestFocusOfLargeTable: there is none.
func TestFocusOfLargeTable(t *testing.T) {
	if f := NewFIB(fullTable6(t, mostFocused+1)); focusOf(f).IsValid() {
		t.Errorf("focus %v", focusOf(f))
	}
}
