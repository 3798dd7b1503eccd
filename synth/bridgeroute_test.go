package synth

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// bridgeRouter is router, where r0 is a bridge with the ports p0 (5) and p1 (6), of which p1 takes shorter packets. The
// host 10.1.0.2 is behind p0, 10.1.0.3 behind p1.
func bridgeRouter(t testing.TB) string {
	text, err := os.ReadFile("testdata/switchrouter.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newBridgeBedAt is newBridgeBed for another interface.
func newBridgeBedAt(t testing.TB, text string, ifindex int, o Options) *bed {
	t.Helper()
	b := &bed{snapshot: parse(t, text)}
	b.fib = NewFIB(b.snapshot)
	if reason, cause := Refuse(b.snapshot, ifindex, o); reason != slowpath.None {
		t.Fatalf("refused: %v, %s", reason, cause)
	}
	var err error
	if b.program, err = Program(b.snapshot, ifindex, o, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
	b.env = b.fib.Env()
	b.freshen()
	return b
}

// TestRoutesFromBridge: what comes in by a port for the bridge's own address is routed as if it came in by the bridge.
func TestRoutesFromBridge(t *testing.T) {
	text := bridgeRouter(t)
	on := "sysctl path=bridge/bridge-nf-call-iptables value=1"
	for _, c := range []struct {
		name    string
		text    string
		reason  slowpath.Reason
		changes []change
	}{
		{"good", text, slowpath.None, nil},
		{"known elsewhere", text, slowpath.FDBSource, []change{put(11, 3)}},
		{"unknown", text, slowpath.FDBSource, []change{put(11, 9)}},
		{"to another port's address", text, slowpath.FDBLocal, []change{put(4, 5)}},
		{"back to the bridge", text, slowpath.Redirect, []change{to(10, 1, 0, 3), repair}},
		{"back to the bridge, redirects off", with(text, "sysctl path=ipv4/conf/all/send_redirects value=0",
			"sysctl path=ipv4/conf/r0/send_redirects value=0"), slowpath.Redirect, []change{to(10, 1, 0, 3), repair}},
		{"ttl", text, slowpath.TTL, []change{put(22, 1), repair}},
		{"martian", text, slowpath.SourceMartian, []change{from(127, 0, 0, 2), repair}},
		{"strict", swapped(t, text, "netconf dev=2", "netconf dev=2 rp-filter=1"), slowpath.None, nil},
		{"strict, from elsewhere", swapped(t, text, "netconf dev=2", "netconf dev=2 rp-filter=1"), slowpath.SourceFilter, []change{from(10, 2, 0, 9), repair}},
		{"no forwarding", swapped(t, text, "netconf dev=2 forwarding", "netconf dev=2"), slowpath.FDBLocal, nil},
		{"no entry for itself", swapped(t, text, "fdb bridge=2 mac=02:00:00:00:01:01 local\n", ""), slowpath.FDBUnknown, nil},
		{"tap of the bridge", with(text, "tap inode=1 dev=2 protocol=2048"), slowpath.FDBLocal, nil},
		{"filter of the bridge", with(text, "filter dev=2 kind=tcx"), slowpath.FDBLocal, nil},
		{"rules", with(text, on, `hook kind=nft name="ip filter INPUT" family=ip`), slowpath.FDBLocal, nil},
		{"nf", with(text, on), slowpath.None, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBedAt(t, c.text, 5, bridges)
			frame := datagram(c.changes...)
			v := b.run(t, frame)
			if v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) || c.reason == slowpath.None && v.Oif != 3 {
				t.Errorf("%v, want %v\n%s", v, c.reason, b.program)
			}
		})
	}
}

// TestNoLiveLookupFromBridge: the live lookup would ask as if the packet had come in by the port.
func TestNoLiveLookupFromBridge(t *testing.T) {
	b := newBridgeBedAt(t, bridgeRouter(t), 5, bridges)
	b.env.FIB = func([]uint64) []byte { panic("asked") }
	b.env.Moved[slowpath.Any], b.env.Moved[slowpath.Route4] = 1, 1
	if v := b.run(t, datagram()); v.Kind != ir.Punt || v.Reason != slowpath.Moved {
		t.Errorf("%v", v)
	}
}

// TestRoutesToBridge: a nexthop on a bridge is behind a port.
func TestRoutesToBridge(t *testing.T) {
	text := bridgeRouter(t)
	const known = "fdb bridge=2 mac=02:00:00:00:01:02 port=5"
	for _, c := range []struct {
		name   string
		text   string
		host   byte
		length int
		port   uint32
		reason slowpath.Reason
	}{
		{"one port", text, 2, 60, 5, slowpath.None},
		{"the other", text, 3, 60, 6, slowpath.None},
		{"longest", text, 2, 1514, 5, slowpath.None},
		{"longest by the other", text, 3, 1414, 6, slowpath.None},
		{"too long for the other", text, 3, 1415, 0, slowpath.MTU},
		{"unknown", text, 4, 60, 0, slowpath.FDBUnknown},
		{"its own", text, 5, 60, 0, slowpath.FDBLocal},
		{"no neighbour", text, 6, 60, 0, slowpath.NeighbourMissing},
		{"locked", swapped(t, text, known, known+" locked"), 2, 60, 0, slowpath.FDBEntry},
		{"blocking", swapped(t, text, "port-state=3", "port-state=4"), 2, 60, 0, slowpath.PortState},
		{"queue of the port", with(text, "qdisc dev=5 parent=0xffffffff kind=tbf"), 2, 60, 0, slowpath.EgressQdisc},
		{"queue of the bridge", with(text, "qdisc dev=2 parent=0xffffffff kind=tbf"), 2, 60, 0, slowpath.EgressQdisc},
		{"VLANs", swapped(t, text, "br-ageing", "br-vlan-filtering br-ageing"), 2, 60, 0, slowpath.PortVLAN},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBedAt(t, c.text, 3, bridges)
			frame := datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, c.host), pad(c.length), put(16, byte((c.length-14)>>8), byte(c.length-14)), repair)
			v := b.run(t, frame)
			if v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) || c.reason == slowpath.None && v.Oif != c.port {
				t.Fatalf("%v, want %v\n%s", v, c.reason, b.program)
			}
			if want := []byte{2, 0, 0, 0, 1, c.host, 2, 0, 0, 0, 1, 1}; c.reason == slowpath.None && !bytes.Equal(v.Packet[:12], want) {
				t.Errorf("sent to %x, want %x", v.Packet[:12], want)
			}
		})
	}
}

// TestFirstBridge adds the first bridge to a host: its rows come to name ports, in place, and programs to read them.
func TestFirstBridge(t *testing.T) {
	s := parse(t, bridgeRouter(t))
	before := *s
	before.Links, before.FDB = s.Links.Without(2).Without(5).Without(6), introspect.Map[introspect.FDBKey, introspect.FDBEntry]{}
	fib := NewFIB(&before)
	env := fib.Env()
	writes, reshaped := fib.Update(s)
	if reshaped || !fib.Shape().Ported {
		t.Fatalf("new tables: %v, %+v", reshaped, fib.Shape())
	}
	for _, w := range writes {
		if w.Table == tableNexthop {
			copy(env.Tables[w.Table][w.Offset:], w.Data)
		}
	}
	if !bytes.Equal(fib.rows.image(), env.Tables[tableNexthop][:len(fib.rows.image())]) {
		t.Error("the rows are others")
	}
	if _, reshaped := fib.Update(&before); reshaped || !fib.Shape().Ported {
		t.Errorf("without the bridge: new tables: %v", reshaped)
	}
}

// TestBridgeRowsFollow lets hosts move between ports, and compares the rows with fresh ones.
func TestBridgeRowsFollow(t *testing.T) {
	seed := rand.Uint64()
	w := rand.New(rand.NewPCG(seed, 9))
	s := parse(t, bridgeRouter(t))
	fib := NewFIB(s)
	env := fib.Env()
	p, err := Program(s, 3, bridges, fib.Shape())
	if err != nil {
		t.Fatal(err)
	}
	for round := range 300 {
		next := *s
		key := introspect.FDBKey{Bridge: 2, MAC: host(1, byte(2+w.IntN(4)))}
		switch port := introspect.Index(5 + w.IntN(3)); {
		case w.IntN(10) == 0:
			p0, _ := s.Links.Get(5)
			p0.MTU, p0.Port.State = uint32(1400+w.IntN(2)*100), uint8(3+w.IntN(2))
			next.Links = s.Links.With(5, p0)
		case port == 7:
			next.FDB = s.FDB.Without(key)
		default:
			next.FDB = s.FDB.With(key, introspect.FDBEntry{Key: key, Port: port})
		}
		s = &next
		writes, reshaped := fib.Update(s)
		for _, w := range writes {
			if w.Table != tableDevice {
				copy(env.Tables[w.Table][w.Offset:], w.Data)
			}
		}
		fresh := NewFIB(s).Env()
		for n := byte(2); n < 7; n++ {
			frame := datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, n), repair)
			got, err := ir.Eval(p, env, frame)
			want, err2 := ir.Eval(p, fresh, frame)
			if err != nil || err2 != nil || reshaped || got.String() != want.String() || !bytes.Equal(got.Packet, want.Packet) {
				t.Fatalf("seed %d, round %d: host %d: %v, want %v (%v, %v, new tables: %v)", seed, round, n, got, want, err, err2, reshaped)
			}
		}
	}
}

// TestBridgeAgreesWithForwarder breaks good packets at random that come in by a port.
func TestBridgeAgreesWithForwarder(t *testing.T) {
	text := swapped(t, bridgeRouter(t), "port-learning port-flood", "port-flood")
	text = swapped(t, text, "fdb bridge=2 mac=02:00:00:00:01:03 port=6\n", "") // nobody that a broken destination may name
	b := newBridgeBedAt(t, text, 5, bridges)
	seed, sent := rand.Uint64(), 0
	w := rand.New(rand.NewPCG(seed, 3))
	for range 30000 {
		frame := randomFrame(w)
		want := refilled(forwarder(frame, false), true, 0)
		if len(frame) > 6 && frame[6]&1 != 0 {
			want = nil // the bridge drops what comes from a group
		}
		v := b.run(t, frame)
		if (v.Kind == ir.RedirectExit) != (want != nil) || want != nil && !bytes.Equal(v.Packet, want) {
			t.Fatalf("seed %d: %v of %x\nsent %x\nwant %x", seed, v, frame, v.Packet, want)
		}
		if want != nil {
			sent++
		}
	}
	if sent < 3000 {
		t.Errorf("%d packets were forwarded", sent)
	}
}
