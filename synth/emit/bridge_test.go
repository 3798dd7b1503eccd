package emit_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// TestRealBridges compares what synthesis makes of ports of a bridge with its meaning.
func TestRealBridges(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	data, err := os.ReadFile("../testdata/switch.txt")
	if err != nil {
		t.Fatal(err)
	}
	nf := "sysctl path=bridge/bridge-nf-call-iptables value=1\nsysctl path=bridge/bridge-nf-call-ip6tables value=1\n"
	tagged := strings.ReplaceAll(string(data), "xdp-features", "keeps-tags xdp-features")
	trunk := strings.ReplaceAll(strings.ReplaceAll(tagged, "kind=bridge", "kind=bridge br-vlan-filtering"), " port=", " vlan=10 port=") +
		"vlan dev=2 vid=10 pvid untagged state=3\nvlan dev=3 vid=10 state=3\nvlan dev=4 vid=10 pvid untagged state=3\n"
	for name, text := range map[string]string{
		"push": trunk, "pop": strings.NewReplacer("dev=2 vid=10 pvid untagged", "dev=2 vid=10", "dev=3 vid=10", "dev=3 vid=10 untagged").Replace(trunk),
		"cards": string(data), "nf": string(data) + nf,
		"tags": tagged,
		"taps": strings.ReplaceAll(string(data), "slave=bridge", "kind=tun slave=bridge"),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := introspect.ParseSnapshot([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			fib := synth.NewFIB(s)
			p, err := synth.Program(s, 2, synth.Options{Hook: "xdp"}, fib.Shape())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []*ir.Program{p, specialize.Run(p)} {
				agreeBridge(t, p, fib.Env())
			}
		})
	}
}

// TestRealBridgeRouters is TestRealPrograms of a router one of whose interfaces is a bridge, from there and to there.
func TestRealBridgeRouters(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	data, err := os.ReadFile("../testdata/switchrouter.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), " port-learning", "") // so that no source is asked about
	s, err := introspect.ParseSnapshot([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	fib := synth.NewFIB(s)
	for _, port := range []int{3, 5} {
		p, err := synth.Program(s, port, synth.Options{Hook: "xdp"}, fib.Shape())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*ir.Program{p, specialize.Run(p)} {
			agreeRouted(t, p, fib.Env())
		}
	}
}

func agreeRouted(t *testing.T, p *ir.Program, env *ir.Env) {
	t.Helper()
	kernel := emit.Kernel{CPUs: 2, CPUv4: true}
	agree := emit.Agree(t, p, kernel)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	redirects := 0
	for range 3000 {
		f := datagram(r)
		if r.IntN(2) == 0 && len(f) >= 34 { // the other way
			f[4] = 2
			copy(f[26:34], []byte{10, 2, 0, 2, 10, 1, 0, byte(2 + r.IntN(4))})
			lab.SetHeaderChecksum(f)
		}
		v, err := agree(env, f)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, p)
		}
		if v.Kind == ir.RedirectExit {
			redirects++
		}
	}
	if redirects < 200 {
		t.Errorf("seed %d: %d redirects", seed, redirects)
	}
}

func agreeBridge(t *testing.T, p *ir.Program, env *ir.Env) {
	t.Helper()
	kernel := emit.Kernel{CPUs: 2, CPUv4: true}
	agree := emit.Agree(t, p, kernel)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	verdicts := map[string]int{}
	for range 3000 {
		clear(env.Moved[:])
		if r.IntN(16) == 0 {
			env.Moved[r.IntN(len(env.Moved))] = 1
		}
		v, err := agree(env, bridged(r))
		if err != nil {
			text, _ := emit.Listing(p, kernel)
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, p, text)
		}
		verdicts[v.String()]++
	}
	if len(verdicts) < 8 || verdicts["redirect 3"] < 100 {
		t.Errorf("seed %d: too few kinds of verdict: %v", seed, verdicts)
	}
}

// bridged is a frame from one host of the bridge to another, in which one thing is different, mostly. The sources are
// those that do not age.
func bridged(r *rand.Rand) []byte {
	f := datagram(r)
	if len(f) < 14 {
		return f
	}
	copy(f, []byte{2, 0, 0, 0, byte(2 + r.IntN(2)), 2, 2, 0, 0, 0, 1, 3})
	switch r.IntN(10) {
	case 0:
		f[4], f[5] = byte(r.IntN(4)), byte(r.IntN(4))
	case 1:
		f[10], f[11] = byte(r.IntN(4)), byte(r.IntN(4))
	case 2:
		f[r.IntN(2)*6] ^= 1
	case 3:
		types := []uint16{0x0806, 0x8100, 0x88a8, 0x86dd, 0x8863, 0x8902, 40}
		binary.BigEndian.PutUint16(f[12:], types[r.IntN(len(types))])
	case 4:
		f = append(f, make([]byte, r.IntN(1500))...)
	case 5:
		packet6(f)
	case 6, 7:
		f = slices.Insert(f, 12, []byte{0x81, 0, byte(r.IntN(256)), byte(r.IntN(3))}...)
		if r.IntN(3) > 0 {
			f[14], f[15] = byte(r.IntN(2))<<7, 10
		}
		f = append(f, make([]byte, r.IntN(4)/3*1400+r.IntN(100))...)
	}
	return f
}

// packet6 makes IPv6 of a frame, as far as it is long enough.
func packet6(f []byte) {
	if len(f) < 54 {
		return
	}
	binary.BigEndian.PutUint16(f[12:], 0x86dd)
	copy(f[14:], []byte{0x60, 0, 0, 0, 0, byte(len(f) - 54), 17, 64})
}
