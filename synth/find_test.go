package synth

import (
	"slices"
	"testing"
)

// TestFind: the route of a packet is looked for where the rules lead.
func TestFind(t *testing.T) {
	rules := []string{"rule pref=100 action=1 table=7 from=10.1.0.0/24 tos=16", "rule pref=101 action=1 table=254 suppress-prefix=24",
		"rule pref=102 action=1 table=8 dport=4711-4711", "route dst=192.0.0.0/8 table=8 type=1 nhid=5",
		"nexthop id=5 object=5 member=6*0 member=7*0", "nexthop id=6 dev=3 via=10.2.0.2 object=6", "nexthop id=7 dev=4 via=10.3.0.2 object=7"}
	s := parse(t, ruledRouter(t, rules...))
	for _, c := range []struct {
		name  string
		frame []byte
		table uint32
		hops  int
	}{
		{"port", datagram(), 8, 2},
		{"other port", datagram(put(36, 0x12, 0x68)), 254, 1},
		{"tos", datagram(put(15, 16)), 7, 1},
		{"short", datagram()[:20], 0, 0},
		{"no route", datagram(put(36, 0x12, 0x68), to(8, 8, 8, 8)), 0, 0},
		{"no port that is known", datagram(put(23, 1)), 0, 0},
		{"options", datagram(func(f []byte) []byte { f[14] = 0x46; return slices.Insert(f, 34, 1, 1, 1, 1) }), 8, 2},
		{"a fragment", datagram(put(20, 0x20)), 0, 0},
	} {
		found, ok := Find(s, 2, c.frame)
		if ok != (c.table != 0) || found.Route.Key.Table != c.table || len(found.Hops) != c.hops {
			t.Errorf("%s: %+v %v", c.name, found, ok)
		}
	}
	six := parse(t, with(router6(t), "rule6 pref=100 action=1 table=7 flowlabel=0x23456 flowlabel-mask=0xfffff",
		"route6 dst=::/0 table=7 type=1 hop=dev:3,via:fe80::2"))
	if found, ok := Find(six, 2, datagram6()); !ok || found.Route.Key.Table != 7 {
		t.Errorf("%+v %v", found, ok)
	}
}
