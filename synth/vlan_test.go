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
		"name=r1 ", "name=r1 kind=vlan lower=5 peer-ns=-1 vlan-id=20 vlan-protocol=0x8100 vlan-flags=0x1 ",
		"mac=02:00:00:00:02:01", "mac=02:00:00:00:01:01").Replace(router(t))
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
				want := refilled(forward(frame, c.soft), true, map[bool]int{true: 4}[c.out])
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
		if v := b.run(t, inVLAN(10)(datagram())); (v.Reason == slowpath.Moved) != out {
			t.Errorf("to a VLAN %v: %v", out, v)
		}
	}
}
