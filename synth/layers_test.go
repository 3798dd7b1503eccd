package synth

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// ruled adds rules to a world, and throw routes.
func (w *world) ruled() *world {
	key := func(priority int) introspect.RuleKey { return introspect.RuleKey{Priority: uint32(priority)} }
	for i := range 1 + w.IntN(3) {
		r := introspect.Rule{Key: key(100 + i), Table: uint32(w.oneOf(77, 77, 254, 253))}
		if w.IntN(3) > 0 {
			r.Src = netip.PrefixFrom(w.addr(), 16).Masked()
		}
		if w.IntN(3) == 0 {
			r.SuppressPrefix = int32(w.oneOf(8, 16, 24))
		}
		w.rule(r)
	}
	if w.IntN(3) == 0 {
		r := introspect.Rule{Key: key(40000), Action: 7, SuppressPrefix: introspect.Nothing, SuppressGroup: introspect.Nothing}
		w.addRule(r)
	}
	return w
}

// TestFIBFollowsRules: the views of policy rules follow the configuration, too.
func TestFIBFollowsRules(t *testing.T) {
	kinds := map[slowpath.Reason]int{}
	rounds := 60
	if testing.Short() {
		rounds = 20
	}
	for seed := range uint64(rounds) {
		w := newWorld(1000+seed, seed%3 == 0).ruled()
		w.throws = true
		follow(t, w, kinds)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, r := range []slowpath.Reason{slowpath.None, slowpath.NoRoute, slowpath.Rule, slowpath.Local, slowpath.RouteTOS,
		slowpath.NeighbourMissing, slowpath.RouteType} {
		if kinds[r] == 0 {
			t.Errorf("no answer was %s: %v", r, kinds)
		}
	}
}

// TestLayers: the tables are asked one after the other.
func TestLayers(t *testing.T) {
	s := parse(t, fmt.Sprintln(threeRules, `
rule pref=100 action=1 table=7
link index=2 name=r0 type=1 flags=0x11043 mtu=1500 mac=02:00:00:00:01:01 carrier oper=6 xdp-features=0x7
route dst=10.0.0.0/8 table=7 type=1 hop=dev:2,via:10.0.0.1
route dst=10.1.0.0/16 table=7 type=9
route dst=10.1.2.0/24 table=254 type=6
route dst=10.2.2.0/24 table=254 type=6
route dst=10.1.3.3/32 table=7 type=7
route dst=11.0.0.0/8 table=254 type=6
route dst=0.0.0.0/0 table=253 type=1 hop=dev:2,via:10.0.0.9
route dst=10.1.4.0/24 table=255 type=1 hop=dev:2,via:10.0.0.4`))
	f := NewFIB(s)
	m := remember(f)
	for addr, want := range map[string]slowpath.Reason{
		"10.1.2.1": slowpath.RouteType,        // thrown by 7, found in main
		"10.2.2.2": slowpath.NeighbourMissing, // 7 hides main's
		"10.1.3.3": slowpath.RouteType,
		"10.1.9.9": slowpath.NeighbourMissing, // thrown by 7, past main
		"11.1.1.1": slowpath.RouteType,
		"12.1.1.1": slowpath.NeighbourMissing,
	} {
		got := m.find(netip.MustParseAddr(addr))
		if slowpath.Reason(got.reason) != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}
