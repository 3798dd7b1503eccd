package emit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
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
			t.Run(fmt.Sprint(tagged, i), func(t *testing.T) { agreeVLANs(t, p, fib.Env()) })
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

func agreeVLANs(t *testing.T, p *ir.Program, env *ir.Env) {
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
		if r.IntN(8) > 0 && len(f) >= 14 {
			f = slices.Insert(f, 12, 0x81, 0, byte(r.IntN(16)<<4), 12)
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
