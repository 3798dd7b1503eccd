package synth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// crowd is a router with many more interfaces, with indexes past 65535.
func crowd(t testing.TB, n int, kind string) *introspect.Snapshot {
	s := parse(t, router(t))
	for i := range n {
		index := introspect.Index(60000 + i)
		l := introspect.Link{Index: index, Name: fmt.Sprint("x", i), Type: 1, Flags: 0x11043, Kind: kind, MTU: 1500, PeerNS: -1,
			MAC: introspect.MAC{2, 7, 0, byte(i >> 16), byte(i >> 8), byte(i)}, Carrier: true, XDPFeatures: 7}
		s.Links = s.Links.With(index, l)
		s.Netconf = s.Netconf.With(index, introspect.Netconf{Index: index, Forwarding: true})
	}
	return s
}

// TestManyInterfaces: each of ten thousand interfaces is decided upon without a look at all the others, and those with large
// indexes get their programs.
func TestManyInterfaces(t *testing.T) {
	const n = 10000
	s := crowd(t, n, "")
	const last = 60000 + n - 1
	s.Links = s.Links.With(last+1, introspect.Link{Index: last + 1, Name: "m", Lower: last, Kind: "macvlan", PeerNS: -1})
	s.Routes4 = s.Routes4.With(introspect.RouteKey{Dst: netip.MustParsePrefix("198.51.100.0/24"), Table: 254}, introspect.Route{
		Key:  introspect.RouteKey{Dst: netip.MustParsePrefix("198.51.100.0/24"), Table: 254},
		Type: 1, Hops: []introspect.Hop{{Index: last - 1, Via: netip.MustParseAddr("10.7.0.2")}}})
	key := introspect.NeighKey{Index: last - 1, Addr: netip.MustParseAddr("10.7.0.2")}
	s.Neighs = s.Neighs.With(key, introspect.Neigh{Key: key, MAC: introspect.MAC{2, 1}, HasMAC: true, State: 2})
	begin, accepted := time.Now(), 0
	for i := range s.Links.All() {
		if r, _ := Refuse(s, int(i), tested); r == slowpath.None {
			accepted++
		}
	}
	if took := time.Since(begin); accepted != n+1 || took > 10*time.Second {
		t.Errorf("%d of %d interfaces accepted, in %v", accepted, n, took)
	}
	f := NewFIB(s)
	for _, ingress := range []int{2, last - 1} {
		p, err := Program(s, ingress, tested, f.Shape())
		if err != nil {
			t.Fatal(err)
		}
		link, _ := s.Links.Get(introspect.Index(ingress))
		frame := datagram(to(198, 51, 100, 1), repair)
		copy(frame, link.MAC[:])
		v, err := ir.Eval(p, f.Env(), frame)
		if ingress == 2 && (err != nil || v.Oif != last-1) || ingress != 2 && v.Reason != slowpath.Redirect {
			t.Errorf("by %d: %v %v", ingress, v, err)
		}
	}
}

// TestManyRules: rules without end are left to the kernel, in bounded time.
func TestManyRules(t *testing.T) {
	s := crowd(t, 1000, "")
	for i := range 5000 {
		r := introspect.Rule{Key: introspect.RuleKey{Priority: uint32(100 + i)}, Action: 1, Table: uint32(1000 + i), IIF: fmt.Sprint("x", i),
			SuppressPrefix: introspect.Nothing, SuppressGroup: introspect.Nothing}
		s.Rules4 = s.Rules4.With(r.Key, r)
	}
	begin := time.Now()
	f := NewFIB(s)
	for i := range s.Links.All() {
		if r, _ := Refuse(s, int(i), tested); i != 1 && r != slowpath.Rules {
			t.Fatalf("%d: %v", i, r)
		}
	}
	if took := time.Since(begin); took > 10*time.Second || len(f.Shape().Views) > 2*maxViews {
		t.Errorf("%v, %d views", took, len(f.Shape().Views))
	}
}
