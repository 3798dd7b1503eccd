package synth

import (
	"slices"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestLive6: while routes move, the kernel's lookup of IPv6 is asked, with everything that its answer depends on.
func TestLive6(t *testing.T) {
	b := newBed(t, router6(t), 2)
	b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Route6: 1}
	for _, c := range []struct {
		name    string
		row     []byte
		reason  slowpath.Reason
		changes []change
	}{
		{"good", liveRow(0, 3), slowpath.None, nil},
		{"not forwarded", liveRow(4, 3), slowpath.LiveLookup, nil},
		{"not vetted", liveRow(0, 9), slowpath.LiveDevice, nil},
		{"back", liveRow(0, 2), slowpath.Redirect, nil},
		{"too long", liveRow(0, 3), slowpath.MTU, []change{payload6(1461)}},
		{"echo", liveRow(0, 3), slowpath.None, []change{put(20, 58), put(54, 128)}},
		{"to loopback", liveRow(0, 3), slowpath.DestMartian, []change{to6("::1")}},
		{"to link-local", liveRow(0, 3), slowpath.DestMartian, []change{to6("fe80::9")}},
		{"source unspecified", liveRow(0, 3), slowpath.SourceMartian, []change{from6("::")}}, // the lookup does not mind
	} {
		var asked []uint64
		b.env.FIB6 = func(keys []uint64) []byte {
			asked = slices.Clone(keys)
			return c.row
		}
		frame := datagram6(c.changes...)
		v := b.run(t, frame)
		if v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) {
			t.Errorf("%s: %v, want %v", c.name, v, c.reason)
		}
		want := []uint64{0x20010db8<<32 | 0x10000, 2, 0x20010db8<<32 | 0xf0000, 7, uint64(len(frame) - 14), uint64(frame[20]), 0, 0, 0x123456}
		if asked != nil && !slices.Equal(asked, want) {
			t.Errorf("%s: asked for %x, want %x", c.name, asked, want)
		}
	}
	b.env.Moved[slowpath.Config] = 1
	if v := b.run(t, datagram6()); v.Reason != slowpath.Moved {
		t.Errorf("%v while the configuration moves", v)
	}
}

// TestShapes6: what the live lookup may not be asked about shuts it for IPv6, and only for IPv6.
func TestShapes6(t *testing.T) {
	text := router6(t)
	f := NewFIB(parse(t, text))
	plain := func(table string) bool {
		v, _ := f.Shape().view(table)
		return v.Plain
	}
	for line, want := range map[string]bool{
		"route6 dst=2001:db8:9::/48 table=254 type=1 hop=dev:3,via:fe80::2 mtu=1400":          false,
		"route6 dst=2001:db8:9::/48 table=254 type=1 hop=dev:3,via:fe80::2 mtu=1400 mtu-lock": false,
		"route6 dst=2001:db8:9::/48 table=254 type=1 hop=dev:3,via:fe80::2 unknown=src-len":   false,
		"route6 dst=2001:db8:9::/48 table=254 type=1 hop=dev:3,via:fe80::2 expires":           true,
		"route6 dst=2001:db8:9::/48 table=254 type=7":                                         true,
		"route dst=9.0.0.0/8 table=254 type=1 hop=dev:3,via:10.2.0.2 mtu=1400":                true,
	} {
		f.Update(parse(t, with(text, line)))
		if plain(tableRoute6) != want {
			t.Errorf("plain is %v with %s", !want, line)
		}
		f.Update(parse(t, text))
		if !plain(tableRoute6) || !plain(tableRoute) {
			t.Errorf("not plain without %s", line)
		}
	}
}

// TestChoose6: of several nexthops, and of a route that ends by itself, the live lookup makes the choice.
func TestChoose6(t *testing.T) {
	for _, hops := range []string{"via:fe80::2 expires\n", "via:fe80::2 hop=dev:3,via:2001:db8:2::2\n"} {
		b := newBed(t, swapped(t, router6(t), "via:fe80::2\n", hops), 2)
		b.env.FIB6 = func([]uint64) []byte { return liveRow(0, 3) }
		if v := b.run(t, datagram6()); v.Kind != ir.RedirectExit || b.env.Counts[ir.CountLive] != 1 {
			t.Errorf("%s: %v", hops, v)
		}
	}
}
