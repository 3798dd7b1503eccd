package synth

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// stickRouter is router, of which r0 is VLAN 10 of c0 (5), and r1 VLAN 20 of the same.
func stickRouter(t testing.TB) string {
	text := strings.NewReplacer("name=r0 ", "name=r0 kind=vlan lower=5 peer-ns=-1 vlan-id=10 vlan-protocol=0x8100 vlan-flags=0x1 ",
		"name=r1 ", "name=r1 kind=vlan lower=5 peer-ns=-1 vlan-id=20 vlan-protocol=0x8100 vlan-flags=0x1 ").Replace(router(t))
	return with(text, "link index=5 name=c0 type=1 flags=0x11043 mtu=1500 mac=02:00:00:00:01:01 carrier oper=6 xdp-features=0x7", "netconf dev=5 forwarding")
}

// stacked is router, of which r0 is VLAN 10 of c0 (5), or r1 VLAN 20 of c1 (6), or both.
func stacked(s *introspect.Snapshot, in, out bool) *introspect.Snapshot {
	n := *s
	for i, on := range []bool{in, out} {
		if !on {
			continue
		}
		upper, lower := introspect.Index(2+i), introspect.Index(5+i)
		l, _ := n.Links.Get(upper)
		card := l
		card.Index, card.Name = lower, fmt.Sprint("c", i)
		if card.Kind == kindVeth {
			card.PeerNS, card.FarMTU = 0, 1500
		}
		l.Kind, l.Lower, l.PeerNS, l.XDPFeatures = kindVLAN, lower, -1, 0
		l.VLAN = introspect.VLANDevice{ID: uint16(10 * (i + 1)), Protocol: customerTag, Flags: vlanReorders}
		n.Links = n.Links.With(upper, l).With(lower, card)
		n.Netconf = n.Netconf.With(lower, introspect.Netconf{Index: lower, Forwarding: true})
		n.Netconf6 = n.Netconf6.With(lower, introspect.Netconf{Index: lower, Forwarding: true})
	}
	return &n
}

// stackedBed is the program that takes the frames of r0.
func stackedBed(t testing.TB, s *introspect.Snapshot, in bool) *bed {
	t.Helper()
	port := 2
	if in {
		port = 5
	}
	if reason, cause := Refuse(s, port, tested); reason != slowpath.None {
		t.Fatalf("refused: %v, %s", reason, cause)
	}
	b := &bed{snapshot: s, fib: NewFIB(s)}
	var err error
	if b.program, err = Program(s, port, tested, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
	b.env = b.fib.Env()
	return b
}

// inVLAN puts a tag in front of the ethertype.
func inVLAN(tci uint16) change {
	return func(f []byte) []byte {
		if len(f) < 12 {
			return f
		}
		return slices.Insert(bytes.Clone(f), 12, 0x81, 0, byte(tci>>8), byte(tci))
	}
}

// TestAgreesWithForwarderInVLANs breaks good packets at random, whose frames have a tag, or get one, or another one.
func TestAgreesWithForwarderInVLANs(t *testing.T) {
	rounds := 50000
	if testing.Short() {
		rounds /= 5
	}
	for _, c := range []struct{ in, out, six, soft bool }{{in: true}, {out: true}, {in: true, out: true}, {in: true, out: true, soft: true},
		{in: true, six: true}, {out: true, six: true, soft: true}, {in: true, out: true, six: true}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			text, random, forward := router(t), randomFrame, forwarder
			if c.six {
				text, random, forward = router6(t), randomFrame6, forwarder6
			}
			if c.soft {
				text = veth(text)
			}
			b := stackedBed(t, stacked(parse(t, text), c.in, c.out), c.in)
			seed := rand.Uint64()
			w := rand.New(rand.NewPCG(seed, 3))
			sent := 0
			for range rounds {
				frame := random(w)
				want := forward(frame, c.soft)
				if c.in {
					frame = inVLAN(10 | uint16(w.IntN(16))<<12)(frame)
				}
				if want != nil && c.out {
					want = inVLAN(20)(want)
				}
				v := b.run(t, frame)
				if (v.Kind == ir.RedirectExit) != (want != nil) || want != nil && !bytes.Equal(v.Packet, want) {
					t.Fatalf("seed %d: %v of %x\nsent %x\nwant %x", seed, v, frame, v.Packet, want)
				}
				if v.Kind == ir.Punt && (v.Reason == slowpath.None || !bytes.Equal(v.Packet, frame)) {
					t.Fatalf("seed %d: %v changed %x", seed, v, frame)
				}
				if by := map[bool]uint32{false: 3, true: 6}[c.out]; want != nil && v.Oif != by {
					t.Fatalf("seed %d: sent by %d, want %d", seed, v.Oif, by)
				}
				if want != nil {
					sent++
				}
			}
			if sent < rounds/10 || sent > rounds*9/10 {
				t.Errorf("%d of %d packets were forwarded", sent, rounds)
			}
		})
	}
}

// TestVLANDevices: what becomes of a good packet in VLAN 10 that is to leave by VLAN 20.
func TestVLANDevices(t *testing.T) {
	set := func(i introspect.Index, f func(*introspect.Link)) func(*introspect.Snapshot) {
		return func(s *introspect.Snapshot) {
			l, _ := s.Links.Get(i)
			f(&l)
			s.Links = s.Links.With(i, l)
		}
	}
	qdisc := func(i introspect.Index) func(*introspect.Snapshot) {
		return func(s *introspect.Snapshot) {
			k := introspect.QdiscKey{Index: i, Parent: ^uint32(0)}
			s.Qdiscs = s.Qdiscs.With(k, introspect.Qdisc{Key: k, Kind: "tbf"})
		}
	}
	for name, c := range map[string]struct {
		change func(*introspect.Snapshot)
		reason slowpath.Reason
		frame  change
	}{
		"good":               {nil, slowpath.None, inVLAN(10)},
		"priority":           {nil, slowpath.None, inVLAN(7<<13 | 10)},
		"another VLAN":       {nil, slowpath.VLANOther, inVLAN(11)},
		"no VLAN":            {nil, slowpath.VLANOther, inVLAN(0)},
		"two tags":           {nil, slowpath.NotIP, func(f []byte) []byte { return inVLAN(10)(inVLAN(10)(f)) }},
		"to another station": {nil, slowpath.OtherHost, func(f []byte) []byte { return inVLAN(10)(put(5, 9)(f)) }},
		"strict": {func(s *introspect.Snapshot) {
			s.Netconf = s.Netconf.With(2, introspect.Netconf{Index: 2, Forwarding: true, RPFilter: 1})
		}, slowpath.None, inVLAN(10)},
		"no forwarding":          {func(s *introspect.Snapshot) { s.Netconf = s.Netconf.With(2, introspect.Netconf{Index: 2}) }, slowpath.NotIP, inVLAN(10)},
		"device down":            {set(2, func(l *introspect.Link) { l.Flags &^= 1 }), slowpath.NotIP, inVLAN(10)},
		"headers not reordered":  {set(2, func(l *introspect.Link) { l.VLAN.Flags = 0 }), slowpath.NotIP, inVLAN(10)},
		"priorities mapped":      {set(2, func(l *introspect.Link) { l.VLAN.Mapped = true }), slowpath.NotIP, inVLAN(10)},
		"unknown":                {set(2, func(l *introspect.Link) { l.VLAN.Unknown = []string{"attribute-9"} }), slowpath.NotIP, inVLAN(10)},
		"provider's":             {set(2, func(l *introspect.Link) { l.VLAN.Protocol = providerTag }), slowpath.NotIP, inVLAN(10)},
		"of another namespace":   {set(2, func(l *introspect.Link) { l.PeerNS = 1 }), slowpath.NotIP, inVLAN(10)},
		"a port":                 {set(2, func(l *introspect.Link) { l.Master = 9 }), slowpath.NotIP, inVLAN(10)},
		"taken":                  {set(2, func(l *introspect.Link) { l.Taken = true }), slowpath.NotIP, inVLAN(10)},
		"off":                    {set(2, func(l *introspect.Link) { l.Alias = "hone=off" }), slowpath.NotIP, inVLAN(10)},
		"out: device down":       {set(3, func(l *introspect.Link) { l.Carrier = false }), slowpath.EgressDown, inVLAN(10)},
		"out: card down":         {set(6, func(l *introspect.Link) { l.Flags &^= 0x40 }), slowpath.EgressDown, inVLAN(10)},
		"out: card not ready":    {set(6, func(l *introspect.Link) { l.XDPFeatures = 3 }), slowpath.EgressNotReady, inVLAN(10)},
		"out: card a port":       {set(6, func(l *introspect.Link) { l.Master = 9 }), slowpath.EgressKind, inVLAN(10)},
		"out: queue":             {qdisc(3), slowpath.EgressQdisc, inVLAN(10)},
		"out: card's queue":      {qdisc(6), slowpath.EgressQdisc, inVLAN(10)},
		"out: mapped":            {set(3, func(l *introspect.Link) { l.VLAN.Mapped = true }), slowpath.EgressKind, inVLAN(10)},
		"out: card's MTU":        {set(6, func(l *introspect.Link) { l.MTU = 200 }), slowpath.MTU, func(f []byte) []byte { return inVLAN(10)(long(201)(f)) }},
		"out: card's MTU is met": {set(6, func(l *introspect.Link) { l.MTU = 200 }), slowpath.None, func(f []byte) []byte { return inVLAN(10)(long(200)(f)) }},
		"out: far end":           {set(6, func(l *introspect.Link) { l.Kind, l.PeerNS, l.FarMTU = kindVeth, 0, 200 }), slowpath.MTU, func(f []byte) []byte { return inVLAN(10)(long(201)(f)) }},
		"out: far end not known": {set(6, func(l *introspect.Link) { l.Kind, l.PeerNS, l.FarMTU = kindVeth, 0, 0 }), slowpath.EgressNotReady, inVLAN(10)},
		"out: same device":       {func(s *introspect.Snapshot) { reroute(s, 2) }, slowpath.Redirect, inVLAN(10)},
	} {
		t.Run(name, func(t *testing.T) {
			s := stacked(parse(t, router(t)), true, true)
			if c.change != nil {
				n := *s
				c.change(&n)
				s = &n
			}
			v := stackedBed(t, s, true).run(t, c.frame(datagram()))
			if v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) {
				t.Errorf("%v, want %v", v, c.reason)
			}
		})
	}
}

// long makes an IPv4 packet of a length.
func long(n int) change {
	return func(f []byte) []byte {
		f = pad(n + 14)(f)
		f[16], f[17] = byte(n>>8), byte(n)
		return repair(f)
	}
}

// reroute sends 192.0.2.0/24 out by another interface.
func reroute(s *introspect.Snapshot, by introspect.Index) {
	for key, r := range s.Routes4.All() {
		if key.Dst.String() == "192.0.2.0/24" {
			r.Hops = []introspect.Hop{{Index: by, Via: netipAddr(10<<24 | 1<<16 | 2)}}
			s.Routes4 = s.Routes4.With(key, r)
		}
	}
}

// TestRowsOfVLANs: a row says the tag for as long as anybody may read it, and follows what becomes of the devices.
func TestRowsOfVLANs(t *testing.T) {
	s := stacked(parse(t, router(t)), true, true)
	b := stackedBed(t, s, true)
	for i, step := range []struct {
		f      func(*introspect.Snapshot)
		reason slowpath.Reason
	}{
		{func(s *introspect.Snapshot) {
			k := introspect.NeighKey{Index: 3, Addr: netipAddr(10<<24 | 2<<16 | 2)}
			n, _ := s.Neighs.Get(k)
			n.MAC[5] = 9
			s.Neighs = s.Neighs.With(k, n)
		}, slowpath.None},
		{func(s *introspect.Snapshot) {
			l, _ := s.Links.Get(3)
			l.Carrier = false
			s.Links = s.Links.With(3, l)
		}, slowpath.EgressDown},
		{func(s *introspect.Snapshot) {
			l, _ := s.Links.Get(3)
			l.Carrier = true
			s.Links = s.Links.With(3, l)
		}, slowpath.None},
	} {
		n := *b.snapshot
		step.f(&n)
		b.snapshot = &n
		b.fib.Update(b.snapshot)
		b.env = b.fib.Env()
		v := b.run(t, inVLAN(10)(datagram()))
		if v.Reason != step.reason || v.Kind == ir.RedirectExit && !bytes.Equal(v.Packet[12:16], []byte{0x81, 0, 0, 20}) {
			t.Errorf("step %d: %v, %x", i, v, v.Packet)
		}
	}
}

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
		filters := fmt.Sprintf("br-vlan-filtering br-vlan-protocol=%#x br-ageing", c.tag)
		text := strings.NewReplacer("br-ageing", filters, "master=2", "master=2 keeps-tags", ":01 local", ":01 vlan=10 local", " port=", " vlan=10 port=",
			"index=3 name=r1 ", "index=7 name=c1 ").Replace(bridgeRouter(t))
		b := newBridgeBedAt(t, with(text, "vlan dev=5 vid=10 pvid untagged state=3", "vlan dev=6 vid=10 state=3", "vlan dev=2 vid=10 pvid untagged state=3",
			"link index=3 name=r1 type=1 flags=0x11043 kind=vlan lower=7 peer-ns=-1 vlan-id=20 vlan-protocol=0x8100 vlan-flags=0x1 mtu=1500 mac=02:00:00:00:02:01 carrier oper=6",
			"netconf dev=7 forwarding"), c.port, bridges)
		if v := b.run(t, c.frame); v.Reason != c.reason || (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) {
			t.Errorf("%#x, from %d: %v, want %v, sent %x", c.tag, c.port, v, c.reason, v.Packet)
		}
	}
}

// TestFirstVLANDevice: programs that do not know of tags do not find the rows of the first device that has one.
func TestFirstVLANDevice(t *testing.T) {
	s := parse(t, router(t))
	fib := NewFIB(s)
	later := stacked(s, false, true)
	if _, reshaped := fib.Update(later); !reshaped || !fib.Shape().Tagged || !fib.Shape().Ported {
		t.Errorf("new tables: %v, %+v", reshaped, fib.Shape())
	}
	more := *later
	l, _ := later.Links.Get(3)
	l.Index, l.VLAN.ID = 30, 30
	more.Links = later.Links.With(30, l)
	if _, reshaped := fib.Update(&more); reshaped {
		t.Error("new tables for a second device")
	}
}

// TestFarEndsOfVLANDevices: what is announced of far ends stops frames with a tag, and no others.
func TestFarEndsOfVLANDevices(t *testing.T) {
	for _, out := range []bool{true, false} {
		b := stackedBed(t, stacked(parse(t, veth(router(t))), true, out), true)
		b.env.Moved[slowpath.FDB] = 1
		if v := b.run(t, inVLAN(10)(tagless(t))); (v.Reason == slowpath.Moved) != out {
			t.Errorf("to a VLAN %v: %v", out, v)
		}
	}
}

// tagless is a good packet whose checksum no card has to complete.
func tagless(t testing.TB) []byte {
	f := datagram()
	if incomplete(f, f[26:34], 17, 34, 26) {
		t.Fatal("it looks as if a card had to")
	}
	return f
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
