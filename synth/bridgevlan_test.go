package synth

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// vlanBridge is bridge, which filters VLANs: p0 and p1 are access ports of VLAN 10, p2 of 20, and carries 10 with a tag.
func vlanBridge(t testing.TB) string {
	text := swapped(t, bridge(t), "kind=bridge", "kind=bridge br-vlan-filtering")
	text = strings.ReplaceAll(text, "port=", "vlan=10 port=")
	return with(text, "vlan dev=2 vid=10 pvid untagged state=3", "vlan dev=3 vid=10 pvid untagged state=3", "vlan dev=4 vid=20 pvid untagged state=3",
		"vlan dev=4 vid=10 state=3", "vlan dev=9 vid=10 pvid untagged state=3", "fdb bridge=9 mac=02:00:00:00:01:01 vlan=10 local",
		"fdb bridge=9 mac=02:00:00:00:05:05 vlan=20 port=3", "fdb bridge=9 mac=02:00:00:00:05:06 port=3")
}

// TestBridgeVLANs changes one thing at a time about a bridge that filters VLANs, or a frame.
func TestBridgeVLANs(t *testing.T) {
	text := vlanBridge(t)
	with := func(from, to string) string { return swapped(t, text, from, to) }
	const p0, p1 = "vlan dev=2 vid=10 pvid untagged state=3", "vlan dev=3 vid=10 pvid untagged state=3"
	for _, c := range []struct {
		name    string
		text    string
		reason  slowpath.Reason
		changes []change
	}{
		{"good", text, slowpath.None, nil},
		{"tag", text, slowpath.BridgeTagTaken, []change{put(12, 0x81, 0)}},
		{"tag of somebody unknown", text, slowpath.BridgeTagTaken, []change{put(12, 0x81, 0), source(host(1, 77))}},
		{"another VLAN", text, slowpath.FDBUnknown, []change{dest(introspect.MAC{2, 0, 0, 0, 5, 5})}},
		{"no VLAN", text, slowpath.FDBUnknown, []change{dest(introspect.MAC{2, 0, 0, 0, 5, 6})}},
		{"to zero", text, slowpath.FDBUnknown, []change{dest(introspect.MAC{})}},
		{"out of the VLAN", with(p1, "vlan dev=3 vid=11 pvid untagged state=3"), slowpath.PortVLAN, nil},
		{"blocking", with(p1, "vlan dev=3 vid=10 pvid untagged state=4"), slowpath.PortVLAN, nil},
		{"tunnel", with(p1, "vlan dev=3 vid=10 pvid untagged state=3 tunnel"), slowpath.PortVLAN, nil},
		{"no longer that of untagged frames", with(p1, "vlan dev=3 vid=10 untagged state=3"), slowpath.None, nil},
		{"no learning", with("port-learning port-flood\nlink index=3", "port-flood\nlink index=3"), slowpath.None, []change{source(host(7, 7))}},
		{"no learning, from nobody", with("port-learning port-flood\nlink index=3", "port-flood\nlink index=3"), slowpath.FDBSource, []change{source(introspect.MAC{})}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBed(t, c.text)
			var changes []change
			changes = append(append(changes, dest(host(2, 2)), source(host(1, 2))), c.changes...)
			frame := datagram(changes...)
			v := b.run(t, frame)
			if v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) || !bytes.Equal(v.Packet, frame) {
				t.Errorf("%v, want %v\n%s", v, c.reason, b.program)
			}
		})
	}
	for _, fresh := range []string{"vlan dev=2 vid=10 untagged state=3", "vlan dev=2 vid=10 pvid untagged state=4", "vlan dev=2 vid=10 pvid untagged state=3 unknown=x", ""} {
		if reason, _ := Refuse(parse(t, with(p0, fresh)), 2, bridges); reason != slowpath.BridgeVLAN {
			t.Errorf("%q: %v", fresh, reason)
		}
	}
}

// TestTrunks changes one thing at a time about a bridge with trunks, or a tagged frame. p2 carries 10 and 30 with a tag, and p1
// 10; the frame comes in by p2.
func TestTrunks(t *testing.T) {
	const p1, p2 = "vlan dev=3 vid=10 state=3", "vlan dev=4 vid=10 state=3"
	text := with(swapped(t, keepingTags(vlanBridge(t)), "vlan dev=3 vid=10 pvid untagged state=3", p1), "vlan dev=4 vid=30 state=3", "vlan dev=3 vid=30 state=3",
		"fdb bridge=9 mac=02:00:00:00:02:02 vlan=30 port=3", "fdb bridge=9 mac=02:00:00:00:03:02 vlan=30 port=4", "fdb bridge=9 mac=02:00:00:00:02:09 vlan=30 port=3")
	with := func(from, to string) string { return swapped(t, text, from, to) }
	provider := with("br-vlan-protocol=0x8100", "br-vlan-protocol=0x88a8")
	for _, c := range []struct {
		name    string
		text    string
		reason  slowpath.Reason
		changes []change
	}{
		{"good", text, slowpath.None, []change{tag(10)}},
		{"another VLAN", text, slowpath.None, []change{tag(30)}},
		{"priority", text, slowpath.None, []change{tag(0xf00a)}},
		{"somebody of another VLAN", text, slowpath.FDBUnknown, []change{dest(host(2, 9)), tag(10)}},
		{"VLAN that is not there", text, slowpath.FDBSource, []change{tag(31)}},
		{"priority tag", text, slowpath.FDBSource, []change{tag(0xe000)}},
		{"reserved", text, slowpath.FDBSource, []change{tag(4095)}},
		{"tag of providers", text, slowpath.BridgeTag, []change{tag(10), put(12, 0x88, 0xa8)}},
		{"provider's bridge", provider, slowpath.None, []change{tag(10), put(12, 0x88, 0xa8)}},
		{"provider's bridge, tag of customers", provider, slowpath.BridgeTag, []change{tag(10)}},
		{"two tags", text, slowpath.BridgeTag, []change{tag(10), tag(10)}},
		{"arp", text, slowpath.BridgeProtocol, []change{tag(10), put(16, 8, 6)}},
		{"longest", text, slowpath.None, []change{tag(10), pad(1518)}},
		{"long", text, slowpath.MTU, []change{tag(10), pad(1519)}},
		{"longest for the far end", cable(t, text, "peer-ns=4 lower=7 far-mtu=1400"), slowpath.None, []change{tag(10), pad(1418)}},
		{"long for the far end", cable(t, text, "peer-ns=4 lower=7 far-mtu=1400"), slowpath.MTU, []change{tag(10), pad(1419)}},
		{"not carried in", with(p2, "vlan dev=4 vid=11 state=3"), slowpath.FDBSource, []change{tag(10)}},
		{"blocked in", with(p2, "vlan dev=4 vid=10 state=4"), slowpath.FDBSource, []change{tag(10)}},
		{"not carried out", with(p1, "vlan dev=3 vid=11 state=3"), slowpath.PortVLAN, []change{tag(10)}},
		{"blocked out", with(p1, "vlan dev=3 vid=10 state=4"), slowpath.PortVLAN, []change{tag(10)}},
		{"tagged pvid", with("vlan dev=4 vid=20 pvid untagged state=3", "vlan dev=4 vid=20 untagged state=3"), slowpath.None, []change{tag(10)}},
		{"no tag, no pvid", with("vlan dev=4 vid=20 pvid untagged state=3", "vlan dev=4 vid=20 untagged state=3"), slowpath.PortVLAN, nil},
		{"blocked pvid", with("vlan dev=4 vid=20 pvid untagged state=3", "vlan dev=4 vid=20 pvid untagged state=4"), slowpath.None, []change{tag(10)}},
		{"no tag, blocked pvid", with("vlan dev=4 vid=20 pvid untagged state=3", "vlan dev=4 vid=20 pvid untagged state=4"), slowpath.PortVLAN, nil},
		{"no learning", with("port-learning port-flood\nlink index=9", "port-flood\nlink index=9"), slowpath.BridgeTag, []change{tag(10)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBedAt(t, c.text, 4, bridges)
			frame := datagram(append([]change{dest(host(2, 2)), source(host(3, 2))}, c.changes...)...)
			v := b.run(t, frame)
			if v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) || !bytes.Equal(v.Packet, frame) || v.Kind == ir.RedirectExit && v.Oif != 3 {
				t.Errorf("%v, want %v\n%s", v, c.reason, b.program)
			}
		})
	}
	if reason, _ := Refuse(parse(t, strings.ReplaceAll(with("vlan dev=4 vid=20 pvid untagged state=3\n", ""), " keeps-tags", "")), 4, bridges); reason != slowpath.BridgeVLAN {
		t.Errorf("a trunk whose tags somebody may take: %v", reason)
	}
}

// TestTagsComeAndGo sends frames between access ports and trunks.
func TestTagsComeAndGo(t *testing.T) {
	text := keepingTags(vlanBridge(t))
	provider := swapped(t, text, "br-vlan-protocol=0x8100", "br-vlan-protocol=0x88a8")
	far := swapped(t, text, "name=p2 type=1 flags=0x11043 slave=bridge master=9", "name=p2 type=1 flags=0x11043 kind=veth slave=bridge master=9 peer-ns=4 lower=7 far-mtu=1300")
	for _, c := range []struct {
		name     string
		text     string
		from, to introspect.MAC
		in, out  []change
		port     uint32
		reason   slowpath.Reason
	}{
		{"comes", text, host(1, 2), host(3, 2), nil, []change{tag(10)}, 4, slowpath.None},
		{"goes", text, host(3, 2), host(1, 2), []change{tag(10)}, nil, 2, slowpath.None},
		{"goes with its priority", text, host(3, 2), host(1, 2), []change{tag(0xe00a)}, nil, 2, slowpath.None},
		{"provider's comes", provider, host(1, 2), host(3, 2), nil, []change{tag(10), put(12, 0x88, 0xa8)}, 4, slowpath.None},
		{"provider's goes", provider, host(3, 2), host(1, 2), []change{tag(10), put(12, 0x88, 0xa8)}, nil, 2, slowpath.None},
		{"longest comes, far end", far, host(1, 2), host(3, 2), []change{pad(1314)}, []change{pad(1314), tag(10)}, 4, slowpath.None},
		{"long comes, far end", far, host(1, 2), host(3, 2), []change{pad(1315)}, []change{pad(1315)}, 0, slowpath.MTU},
		{"longest goes, far end", far, host(3, 2), host(1, 2), []change{pad(1514), tag(10)}, []change{pad(1514)}, 2, slowpath.None},
		{"longest comes", text, host(1, 2), host(3, 2), []change{pad(1414)}, []change{pad(1414), tag(10)}, 4, slowpath.None},
		{"long comes", text, host(1, 2), host(3, 2), []change{pad(1415)}, []change{pad(1415)}, 0, slowpath.MTU},
		{"longest goes", text, host(3, 2), host(1, 2), []change{pad(1514), tag(10)}, []change{pad(1514)}, 2, slowpath.None},
		{"long goes", text, host(3, 2), host(1, 2), []change{pad(1515), tag(10)}, []change{pad(1515), tag(10)}, 0, slowpath.MTU},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBedAt(t, c.text, int(c.from[4])+1, bridges)
			macs := []change{dest(c.to), source(c.from)}
			v, want := b.run(t, datagram(append(slices.Clip(macs), c.in...)...)), datagram(append(slices.Clip(macs), c.out...)...)
			if v.Reason != c.reason || v.Oif != c.port || !bytes.Equal(v.Packet, want) {
				t.Errorf("%v, sent %x\nwant %x\n%s", v, v.Packet, want, b.program)
			}
		})
	}
}

// TestBridgeVLANsFollow changes what ports carry, and compares the table with a fresh one.
func TestBridgeVLANsFollow(t *testing.T) {
	s := parse(t, vlanBridge(t))
	fib := NewFIB(s)
	for _, state := range []uint8{introspect.PortBlocking, introspect.PortForwarding} {
		key := introspect.VLANKey{Index: 3, VID: 10}
		v, _ := s.VLANs.Get(key)
		v.State = state
		next := *s
		next.VLANs = s.VLANs.With(key, v)
		s = &next
		writes, _ := fib.Update(s)
		if len(writes) == 0 || !fib.Settles() || !bytes.Equal(fib.fdbs.tables[9].image().Data, newFDB(s, 9, "fresh").image().Data) {
			t.Errorf("state %d: %d writes, settles %v", state, len(writes), fib.Settles())
		}
	}
}

// vlanRouter is bridgeRouter, whose bridge filters VLANs and is itself in VLAN 7 without a tag.
func vlanRouter(t testing.TB) string {
	text := swapped(t, bridgeRouter(t), "kind=bridge", "kind=bridge br-vlan-filtering")
	text = strings.ReplaceAll(strings.ReplaceAll(text, " port=", " vlan=7 port="), "01:01 local", "01:01 vlan=7 local")
	return with(text, "vlan dev=2 vid=7 pvid untagged state=3", "vlan dev=5 vid=7 pvid untagged state=3", "vlan dev=6 vid=7 pvid untagged state=3")
}

// TestRoutesByVLAN routes from a bridge that filters VLANs and to it.
func TestRoutesByVLAN(t *testing.T) {
	text := vlanRouter(t)
	for _, c := range []struct {
		name       string
		text       string
		from, back slowpath.Reason
	}{
		{"good", text, slowpath.None, slowpath.None},
		{"tagged to the bridge", swapped(t, text, "dev=2 vid=7 pvid untagged", "dev=2 vid=7 pvid"), slowpath.FDBLocal, slowpath.None},
		{"not to the bridge", swapped(t, text, "vlan dev=2 vid=7 pvid untagged state=3\n", ""), slowpath.FDBLocal, slowpath.PortVLAN},
		{"another VLAN of the bridge", swapped(t, text, "dev=2 vid=7 pvid", "dev=2 vid=8 pvid"), slowpath.FDBLocal, slowpath.FDBUnknown},
		{"tagged to the host", swapped(t, text, "dev=5 vid=7 pvid untagged", "dev=5 vid=7 pvid"), slowpath.None, slowpath.BridgeTag},
		{"no such entry", swapped(t, text, "01:01 vlan=7 local", "01:01 local"), slowpath.FDBUnknown, slowpath.None},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBedAt(t, c.text, 5, bridges)
			if v := b.run(t, datagram()); v.Reason != c.from || (v.Kind == ir.RedirectExit) != (c.from == slowpath.None) {
				t.Errorf("from the bridge: %v, want %v\n%s", v, c.from, b.program)
			}
			b = newBridgeBedAt(t, c.text, 3, bridges)
			frame := datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, 2), repair)
			if v := b.run(t, frame); v.Reason != c.back || (v.Kind == ir.RedirectExit) != (c.back == slowpath.None) {
				t.Errorf("to the bridge: %v, want %v\n%s", v, c.back, b.program)
			}
		})
	}
}
