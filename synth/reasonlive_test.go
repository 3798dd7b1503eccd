package synth

import (
	"bytes"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestLive: while routes and neighbours move, and between several nexthops, the live lookup decides.
func TestLive(t *testing.T) {
	b := newBed(t, router(t), 2)
	var asked []uint64
	answer := liveRow(0, 3)
	b.env.FIB = func(args []uint64) []byte { asked = args; return answer }
	b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Route4: 1}
	v := b.run(t, datagram())
	if v.Kind != ir.RedirectExit || v.Oif != 3 || b.env.Counts[ir.CountLive] != 1 {
		t.Fatal(v)
	}
	want := datagram(put(0, 2, 0, 0, 0, 2, 9, 2, 0, 0, 0, 2, 1), put(22, 63), repair)
	if !bytes.Equal(v.Packet, want) {
		t.Errorf("sent %x\nwant %x", v.Packet, want)
	}
	if len(asked) != 7 || asked[0] != 0x0a010002 || asked[1] != 0xc0000207 || asked[2] != 46 || asked[3] != 17 {
		t.Errorf("asked for %x", asked)
	}
	for _, c := range []struct {
		reason  slowpath.Reason
		answer  []byte
		changes []change
	}{
		{slowpath.LiveLookup, liveRow(7, 3), nil},
		{slowpath.LiveDevice, liveRow(0, 1), nil},
		{slowpath.Redirect, liveRow(0, 2), nil},
		{slowpath.MTU, liveRow(0, 3), []change{pad(1515), put(16, 5, 221), repair}},
		{slowpath.LiveLookup, liveRow(0, 3), []change{put(23, 1), repair}},
		{slowpath.DestMartian, liveRow(0, 3), []change{to(240, 0, 0, 1), repair}},
		{slowpath.DestMartian, liveRow(0, 3), []change{to(127, 0, 0, 1), repair}},
		{slowpath.SourceOwn, liveRow(0, 3), []change{from(10, 2, 0, 1), repair}},
		{slowpath.HeaderChecksum, liveRow(0, 3), []change{put(25, 9)}},
	} {
		answer = c.answer
		if v := b.run(t, datagram(c.changes...)); v.Reason != c.reason {
			t.Errorf("%v, want %v", v, c.reason)
		}
	}
	answer = liveRow(0, 3)
	rows := b.env.Hash[tableDevice]
	own := rows[3]
	rows[3] = rows[2] // its memory, used for the row of another interface while the program looks at it
	if v := b.run(t, datagram()); v.Reason != slowpath.LiveDevice {
		t.Errorf("by the row of another interface: %v", v)
	}
	rows[3] = bytes8(3<<deviceIndex | 1500<<deviceMTU6)
	if v := b.run(t, datagram()); v.Reason != slowpath.LiveDevice {
		t.Errorf("to an interface for IPv6 only: %v", v)
	}
	rows[3] = own
	b.env.Moved[slowpath.Config] = 1
	if v := b.run(t, datagram()); v.Reason != slowpath.Moved {
		t.Error(v)
	}
}

// liveRow is an answer of the live lookup.
func liveRow(ret, oif uint32) []byte {
	d := rowData{dmac: introspect.MAC{2, 0, 0, 0, 2, 9}, smac: introspect.MAC{2, 0, 0, 0, 2, 1}}
	row := append(bytes4(ret), bytes4(oif)...)
	row = append(row, d.bytes()[:12]...)
	return append(row, 0xdc, 5, 0, 0)
}

// TestGroups: of several nexthops the live lookup chooses, if it chooses as the kernel does.
func TestGroups(t *testing.T) {
	group := swapped(t, router(t), "hop=dev:3,via:10.2.0.2", "hop=dev:3,via:10.2.0.2 hop=dev:3,via:10.2.0.3")
	stale := with(group, "neigh dev=3 addr=10.2.0.3 mac=02:00:00:00:02:03 has-mac state=0x04 type=1")
	resilient := with(swapped(t, router(t), "hop=dev:3,via:10.2.0.2", "nhid=8"), "nexthop id=8 object=8 member=9*0 resilient",
		"nexthop id=9 dev=3 via=10.2.0.2 object=9")
	equal := with(router(t), "route dst=192.0.2.0/24 table=254 seq=1 type=1 proto=3 hop=dev:3,via:10.2.0.3")
	for _, c := range []struct {
		name, text string
		reason     slowpath.Reason
		marks      int
	}{
		{"group", group, slowpath.None, 0},
		{"stale", stale, slowpath.None, 1},
		{"equal", equal, slowpath.None, 0},
		{"by ports", swapped(t, group, "hash_policy value=0", "hash_policy value=1"), slowpath.Multipath, 0},
		{"equal, by ports", swapped(t, equal, "hash_policy value=0", "hash_policy value=1"), slowpath.None, 0},
		{"mtu", swapped(t, group, "via:10.2.0.3\n", "via:10.2.0.3 mtu=1400\n"), slowpath.Multipath, 0},
		{"resilient", resilient, slowpath.None, 0},
		{"resilient, by ports", swapped(t, resilient, "hash_policy value=0", "hash_policy value=1"), slowpath.Multipath, 0},
		{"equal, one a blackhole", with(router(t), "route dst=192.0.2.0/24 table=254 seq=1 type=6"), slowpath.RouteEqual, 0},
	} {
		b := newBed(t, c.text, 2)
		b.env.FIB = func([]uint64) []byte { return liveRow(0, 3) }
		v := b.run(t, datagram())
		if c.reason == slowpath.None && (v.Kind != ir.RedirectExit || b.env.Counts[ir.CountLive] != 1) || v.Reason != c.reason {
			t.Errorf("%s: %v", c.name, v)
		}
		if len(b.env.Marks) != c.marks {
			t.Errorf("%s: marks %v", c.name, b.env.Marks)
		}
	}
}

// TestUsed: the use of neighbours that are not settled is noticed, once.
func TestUsed(t *testing.T) {
	b := newBed(t, swapped(t, router(t), "02:02 has-mac state=0x02", "02:02 has-mac state=0x04"), 2)
	b.run(t, datagram())
	m := remember(b.fib)
	for _, mark := range b.env.Marks {
		m.write(ir.Write{Table: mark.Table, Offset: int(mark.Row)*nexthopBytes + atUsed, Data: bytes4(1)})
	}
	read := func(table string, at, n int) ([]byte, error) { return m.bytes[table][at : at+n], nil }
	used, clear := b.fib.Used(read)
	if len(used) != 1 || used[0].Index != 3 || used[0].Addr.String() != "10.2.0.2" {
		t.Errorf("used %v", used)
	}
	for _, w := range clear {
		m.write(w)
	}
	if used, clear := b.fib.Used(read); len(used)+len(clear) != 0 {
		t.Errorf("used again: %v", used)
	}
}
