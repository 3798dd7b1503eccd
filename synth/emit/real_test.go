package emit_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// TestRealPrograms compares what synthesis makes of a router, as it is and specialized, with its meaning. The namespace
// is empty, so that the live lookup finds nothing, as in the environment.
func TestRealPrograms(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	text, err := os.ReadFile("../testdata/router.txt")
	if err != nil {
		t.Fatal(err)
	}
	s, err := introspect.ParseSnapshot(text)
	if err != nil {
		t.Fatal(err)
	}
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	fib := synth.NewFIB(s)
	p, err := synth.Program(s, 2, synth.Options{Hook: "xdp", FIBLookup: true}, fib.Shape())
	if err != nil {
		t.Fatal(err)
	}
	env := fib.Env()
	env.FIB = func([]uint64) []byte {
		return []byte{4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	}
	if err := ns.Do(func() error {
		for _, p := range []*ir.Program{p, specialize.Run(p)} {
			agreeReal(t, p, env)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func agreeReal(t *testing.T, p *ir.Program, env *ir.Env) {
	t.Helper()
	agree := emit.Agree(t, p, emit.Kernel{CPUs: 2, FIBLookup: true, CPUv4: true})
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	verdicts := map[string]int{}
	for range 4000 {
		frame := datagram(r)
		clear(env.Moved[:])
		if r.IntN(16) == 0 {
			env.Moved[0], env.Moved[r.IntN(len(env.Moved))] = 1, 1
		}
		v, err := agree(env, frame)
		if err != nil {
			text, _ := emit.Listing(p, emit.Kernel{CPUs: 2, FIBLookup: true, CPUv4: true})
			t.Fatalf("seed %d: frame %x: %v\n%s\n%s", seed, frame, err, p, text)
		}
		verdicts[v.String()]++
	}
	if len(verdicts) < 15 || verdicts["redirect 3"] < 400 {
		t.Errorf("seed %d: too few kinds of verdict: %v", seed, verdicts)
	}
}

// datagram is a packet that the router forwards, in which one thing is different, mostly.
func datagram(r *rand.Rand) []byte {
	f := make([]byte, 60+r.IntN(2)*r.IntN(40))
	copy(f, []byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2, 8, 0, 0x45, 0, 0, byte(len(f) - 14), 0x12, 0x34, 0x40, 0, 64, 17, 0, 0,
		10, 1, 0, 2, 192, 0, 2, 7, 0x30, 0x39, 0x12, 0x67, 0, 26, 0xbe, 0xef})
	addresses := []uint32{0x0a010001, 0x0a0100ff, 0x0a010003, 0x0a020002, 0x0a020007, 0x7f000001, 0xe0000001, 0xffffffff,
		0x00000001, 0xc0000299, 0xc0000301, r.Uint32()}
	pick := addresses[r.IntN(len(addresses))]
	switch r.IntN(8) {
	case 0:
		f[r.IntN(40)] ^= 1 << r.IntN(8)
	case 1:
		binary.BigEndian.PutUint32(f[26:], pick)
	case 2:
		binary.BigEndian.PutUint32(f[30:], pick)
	case 3:
		binary.BigEndian.PutUint16(f[16:], uint16(r.IntN(120)))
	case 4:
		f[14+r.IntN(20)] = byte(r.Uint32())
	case 5:
		f = f[:14+r.IntN(len(f)-14)]
	}
	if len(f) >= 34 && r.IntN(8) > 0 {
		lab.SetHeaderChecksum(f)
	}
	return f
}
