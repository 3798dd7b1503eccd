package synth

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// stackedBridge is bridgeRouter, of which r0 is VLAN 10 of the bridge b0 (7): p0 takes it without a tag, p1 with one, keeping
// tags.
func stackedBridge(t testing.TB) *introspect.Snapshot {
	text := strings.NewReplacer("master=2", "master=7 keeps-tags", "fdb bridge=2", "fdb bridge=7", ":01 local", ":01 vlan=10 local", " port=", " vlan=10 port=").
		Replace(bridgeRouter(t))
	s := parse(t, with(text, "vlan dev=5 vid=10 pvid untagged state=3", "vlan dev=6 vid=10 state=3", "vlan dev=7 vid=10 state=3"))
	l, _ := s.Links.Get(2)
	below := l
	below.Index, below.Name, below.Bridge.VLANFiltering = 7, "b0", true
	l.Kind, l.Lower, l.Bridge = kindVLAN, 7, introspect.Bridge{}
	l.VLAN = introspect.VLANDevice{ID: 10, Protocol: customerTag, Flags: vlanReorders}
	s.Links = s.Links.With(2, l).With(7, below)
	return s
}

// TestVLANDevicesOnBridges: what is for the bridge comes in by the VLAN device on it, with a tag or without, and what leaves by
// that has a tag where the port carries the VLAN so.
func TestVLANDevicesOnBridges(t *testing.T) {
	s := stackedBridge(t)
	for _, c := range []struct {
		name   string
		port   int
		frame  []byte
		reason slowpath.Reason
		oif    uint32
		sent   []byte // of the frame, from the MACs on
	}{
		{"from an access port", 5, datagram(), slowpath.None, 3, datagram(put(0, 2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1), put(22, 63), repair)},
		{"from a trunk", 6, inVLAN(10)(datagram(put(11, 3))), slowpath.None, 3, datagram(put(0, 2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1), put(22, 63), repair)},
		{"from a trunk, another VLAN", 6, inVLAN(11)(datagram(put(11, 3))), slowpath.FDBSource, 0, nil},
		{"from a trunk, no tag", 6, datagram(put(11, 3)), slowpath.PortVLAN, 0, nil},
		{"to an access port", 3, datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, 2), repair), slowpath.None, 5,
			datagram(put(0, 2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1), from(10, 2, 0, 9), to(10, 1, 0, 2), put(22, 63), repair)},
		{"to a trunk", 3, datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, 3), repair), slowpath.None, 6,
			inVLAN(10)(datagram(put(0, 2, 0, 0, 0, 1, 3, 2, 0, 0, 0, 1, 1), from(10, 2, 0, 9), to(10, 1, 0, 3), put(22, 63), repair))},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &bed{snapshot: s, fib: NewFIB(s)}
			if reason, cause := Refuse(s, c.port, bridges); reason != slowpath.None {
				t.Fatalf("refused: %v, %s", reason, cause)
			}
			var err error
			if b.program, err = Program(s, c.port, bridges, b.fib.Shape()); err != nil {
				t.Fatal(err)
			}
			b.env = b.fib.Env()
			b.freshen()
			v := b.run(t, c.frame)
			if v.Reason != c.reason || c.reason == slowpath.None && (v.Oif != c.oif || !bytes.Equal(v.Packet, c.sent)) {
				t.Errorf("%v, want %v by %d\nsent %x\nwant %x\n%s", v, c.reason, c.oif, v.Packet, c.sent, b.program)
			}
		})
	}
}

// TestProvidersBridges: where tags are of another kind than those of VLAN devices, nothing that is routed comes with one, or gets
// one, though there is such a device elsewhere.
func TestProvidersBridges(t *testing.T) {
	toTrunk := datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, 3), repair)
	fromTrunk := datagram(put(11, 3))
	for _, c := range []struct {
		tag    uint16
		port   int
		frame  []byte
		reason slowpath.Reason
	}{
		{customerTag, 7, inVLAN(20)(toTrunk), slowpath.None},
		{customerTag, 6, inVLAN(10)(fromTrunk), slowpath.None},
		{providerTag, 7, inVLAN(20)(toTrunk), slowpath.BridgeTag},
		{providerTag, 6, put(12, 0x88, 0xa8)(inVLAN(10)(fromTrunk)), slowpath.FDBLocal},
	} {
		b := newBridgeBedAt(t, bridgeAndVLAN(t, c.tag), c.port, bridges)
		if v := b.run(t, c.frame); v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) {
			t.Errorf("%#x, from %d: %v, want %v, sent %x", c.tag, c.port, v, c.reason, v.Packet)
		}
	}
}

// bridgeAndVLAN is bridgeRouter, whose bridge carries VLANs of a kind: p0 takes VLAN 10 without a tag, p1 with one. In the place
// of r1 is a VLAN device on a card (7).
func bridgeAndVLAN(t testing.TB, kind uint16) string {
	filters := fmt.Sprintf("br-vlan-filtering br-vlan-protocol=%#x br-ageing", kind)
	text := strings.NewReplacer("br-ageing", filters, "master=2", "master=2 keeps-tags", ":01 local", ":01 vlan=10 local", " port=", " vlan=10 port=",
		"index=3 name=r1 ", "index=7 name=c1 ").Replace(bridgeRouter(t))
	return with(text, "vlan dev=5 vid=10 pvid untagged state=3", "vlan dev=6 vid=10 state=3", "vlan dev=2 vid=10 pvid untagged state=3",
		"link index=3 name=r1 type=1 flags=0x11043 kind=vlan lower=7 peer-ns=-1 vlan-id=20 vlan-protocol=0x8100 vlan-flags=0x1 mtu=1500 mac=02:00:00:00:02:01 carrier oper=6",
		"netconf dev=7 forwarding")
}

// TestFarEndsOfPorts: what is announced of far ends stops frames that get a tag from a bridge without VLAN devices, too.
func TestFarEndsOfPorts(t *testing.T) {
	frame := inVLAN(20)(datagram(put(4, 2), from(10, 2, 0, 9), to(10, 1, 0, 3), repair))
	for far, want := range map[string]slowpath.Reason{"kind=veth peer-ns=4 far-mtu=1500 ": slowpath.Moved, "": slowpath.None} {
		b := newBridgeBedAt(t, swapped(t, bridgeAndVLAN(t, customerTag), "name=p1 type=1 ", "name=p1 type=1 "+far), 7, bridges)
		if v := b.run(t, frame); v.Kind != ir.RedirectExit || v.Oif != 6 {
			t.Errorf("%q: %v", far, v)
		}
		b.env.Moved[slowpath.FDB] = 1
		if v := b.run(t, frame); v.Reason != want {
			t.Errorf("%q: %v, want %v", far, v, want)
		}
	}
}

// TestFarEndsConcernAll: where frames with a tag come to leave by a cable, all programs look out for far ends from then on.
func TestFarEndsConcernAll(t *testing.T) {
	s := parse(t, with(stickRouter(t), "link index=7 name=b0 type=1 flags=0x11043 kind=bridge br-ageing=30000 mtu=1500 mac=02:00:00:00:07:01 carrier oper=6",
		"link index=8 name=p0 type=1 flags=0x11043 kind=veth peer-ns=1 slave=bridge master=7 mtu=1500 mac=02:00:00:00:08:01 carrier oper=6",
		"link index=9 name=r2 type=1 flags=0x11043 kind=vlan lower=7 peer-ns=-1 vlan-id=20 vlan-protocol=0x8100 vlan-flags=0x1 mtu=1500 mac=02:00:00:00:09:01 carrier oper=6"))
	l, _ := s.Links.Get(7)
	l.Bridge.VLANFiltering = true
	next := *s
	next.Links = s.Links.With(7, l)
	fib := NewFIB(s)
	before := sayOf(t, s, 5, fib.Shape())
	if _, reshaped := fib.Update(&next); reshaped {
		t.Fatal("tables were made anew")
	}
	if now := sayOf(t, &next, 5, fib.Shape()); now.program == before.program {
		t.Fatal("the program is the same")
	}
	if links, all := Concerned(s, &next); !all && !links[5] {
		t.Errorf("the card is not among %v", links)
	}
}

// TestReceivedBy: what is for a bridge comes in by the VLAN device of the frame's tag, or of the port's untagged frames.
func TestReceivedBy(t *testing.T) {
	s := stackedBridge(t)
	bridge, _ := s.Links.Get(7)
	for _, c := range []struct {
		port, by introspect.Index
		tag      uint16
	}{{5, 2, 0}, {6, 2, 10}, {6, 7, 0}, {6, 7, 11}} {
		port, _ := s.Links.Get(c.port)
		if l := ReceivedBy(s, bridge, port, c.tag); l.Index != c.by {
			t.Errorf("port %d, tag %d: %s", c.port, c.tag, l.Name)
		}
	}
}
