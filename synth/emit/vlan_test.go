package emit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// TestRealVLANs compares what synthesis makes of VLAN devices with its meaning: where frames lose their tag, get one, or
// another one.
func TestRealVLANs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	data, err := os.ReadFile("../testdata/router.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, tagged := range [][]introspect.Index{{2}, {3}, {2, 3}} {
		s, err := introspect.ParseSnapshot(data)
		if err != nil {
			t.Fatal(err)
		}
		s, port := onCards(s, tagged...), 2
		if tagged[0] == 2 {
			port = 12
		}
		fib := synth.NewFIB(s)
		p, err := synth.Program(s, port, synth.Options{Hook: "xdp"}, fib.Shape())
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range []*ir.Program{p, specialize.Run(p)} {
			t.Run(fmt.Sprint(tagged, i), func(t *testing.T) { agreeVLANs(t, p, fib.Env(), 12) })
		}
	}
}

// TestRealVLANsOfBridges is TestRealVLANs where the VLAN device stands on a bridge, one port of which carries the VLAN with a
// tag.
func TestRealVLANsOfBridges(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	data, err := os.ReadFile("../testdata/switchrouter.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(" port-learning", "", "master=2", "master=7 keeps-tags", "fdb bridge=2", "fdb bridge=7", ":01 local", ":01 vlan=10 local",
		" port=", " vlan=10 port=").Replace(string(data)) +
		"vlan dev=5 vid=10 pvid untagged state=3\nvlan dev=6 vid=10 state=3\nvlan dev=7 vid=10 state=3\n"
	text = strings.Replace(text, "port-state=3", "port-state=3 port-learning", -1) // else nobody knows tagged frames
	s, err := introspect.ParseSnapshot([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l, _ := s.Links.Get(2)
	bridge := l
	bridge.Index, bridge.Name, bridge.Bridge.VLANFiltering = 7, "b0", true
	l.Kind, l.Lower, l.Bridge = "vlan", 7, introspect.Bridge{}
	l.VLAN = introspect.VLANDevice{ID: 10, Protocol: unix.ETH_P_8021Q, Flags: 1}
	s.Links = s.Links.With(2, l).With(7, bridge)
	for i, e := range s.FDB.All() {
		e.Static = true // so that nobody is kept from ageing
		s.FDB = s.FDB.With(i, e)
	}
	fib := synth.NewFIB(s)
	for _, port := range []int{3, 5, 6} {
		p, err := synth.Program(s, port, synth.Options{Hook: "xdp"}, fib.Shape())
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range []*ir.Program{p, specialize.Run(p)} {
			t.Run(fmt.Sprint(port, i), func(t *testing.T) { agreeVLANs(t, p, fib.Env(), 10) })
		}
	}
}

// onCards makes VLAN devices of interfaces, each on a card with an index that is higher by ten, which is its VLAN, too.
func onCards(s *introspect.Snapshot, devices ...introspect.Index) *introspect.Snapshot {
	for _, i := range devices {
		l, _ := s.Links.Get(i)
		card := l
		card.Index, card.Name = i+10, l.Name+"-card"
		l.Kind, l.Lower, l.XDPFeatures = "vlan", card.Index, 0
		l.VLAN = introspect.VLANDevice{ID: uint16(card.Index), Protocol: unix.ETH_P_8021Q, Flags: 1}
		s.Links = s.Links.With(i, l).With(card.Index, card)
		s.Netconf = s.Netconf.With(card.Index, introspect.Netconf{Index: card.Index, Forwarding: true})
	}
	return s
}

func agreeVLANs(t *testing.T, p *ir.Program, env *ir.Env, vid byte) {
	t.Helper()
	kernel := emit.Kernel{CPUs: 2, CPUv4: true}
	agree := emit.Agree(t, p, kernel)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	sent := 0
	for range 3000 {
		clear(env.Moved[:])
		if r.IntN(16) == 0 {
			env.Moved[r.IntN(len(env.Moved))] = 1
		}
		f := datagram(r)
		if r.IntN(2) == 0 && len(f) >= 34 { // the other way
			f[4] = 2
			copy(f[26:34], []byte{10, 2, 0, 2, 10, 1, 0, byte(2 + r.IntN(4))})
			lab.SetHeaderChecksum(f)
		} else if len(f) >= 12 {
			f[11] = byte(2 + r.IntN(2))
		}
		if r.IntN(2) == 0 && len(f) >= 14 {
			f = slices.Insert(f, 12, 0x81, 0, byte(r.IntN(16)<<4), vid)
		}
		v, err := agree(env, f)
		if err != nil {
			text, _ := emit.Listing(p, kernel)
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, p, text)
		}
		if v.Kind == ir.RedirectExit {
			sent++
		}
	}
	if sent < 100 {
		t.Errorf("seed %d: %d frames were sent", seed, sent)
	}
}
