package specialize_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// configurations are changes to synth's router: each is one replacement in its text.
var configurations = map[string][2]string{
	"plain":           {},
	"strict":          {"netconf dev=2 forwarding", "netconf dev=2 forwarding rp-filter=1"},
	"loose":           {"netconf dev=2 forwarding", "netconf dev=2 forwarding rp-filter=2"},
	"veth":            {"link index=2 name=r0 type=1", "link index=2 name=r0 kind=veth type=1"},
	"stale neighbour": {"has-mac state=0x02 type=1", "has-mac state=0x04 type=1"},
}

// router is the configuration with one replacement.
func router(t testing.TB, change [2]string) *introspect.Snapshot {
	t.Helper()
	text, err := os.ReadFile("../synth/testdata/router.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), change[0]) {
		t.Fatalf("the router has no %q", change[0])
	}
	if change[0] != "" {
		text = []byte(strings.ReplaceAll(string(text), change[0], change[1]))
	}
	s, err := introspect.ParseSnapshot(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var options = synth.Options{Hook: "xdp", VethTag: true, FIBLookup: true}

// TestSynthesizedProgramsKeepTheirMeaning compares what synthesis makes before and after the passes: on good packets and
// on packets with something wrong, while nothing moves and while something does.
func TestSynthesizedProgramsKeepTheirMeaning(t *testing.T) {
	compareSynthesized(t, frame, func(s *introspect.Snapshot) *introspect.Snapshot { return s })
}

// TestSynthesizedProgramsKeepTheirMeaning6 does so with IPv6.
func TestSynthesizedProgramsKeepTheirMeaning6(t *testing.T) {
	more, err := os.ReadFile("../synth/testdata/router6.txt")
	if err != nil {
		t.Fatal(err)
	}
	compareSynthesized(t, frame6, func(s *introspect.Snapshot) *introspect.Snapshot {
		text := bytes.Clone(more)
		if n, _ := s.Neighs.Get(introspect.NeighKey{Index: 3, Addr: netip.MustParseAddr("10.2.0.2")}); n.State == 4 {
			text = bytes.ReplaceAll(text, []byte("state=0x02"), []byte("state=0x04"))
		}
		both, err := introspect.ParseSnapshot(append([]byte(s.String()), text...))
		if err != nil {
			t.Fatal(err)
		}
		return both
	})
}

func compareSynthesized(t *testing.T, frame func(*rand.Rand) []byte, and func(*introspect.Snapshot) *introspect.Snapshot) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 0))
	for name, change := range configurations {
		s := and(router(t, change))
		fib := synth.NewFIB(s)
		p, err := synth.Program(s, 2, options, fib.Shape())
		if err != nil {
			t.Fatal(err)
		}
		q := specialize.Run(p)
		if err := ir.Check(q); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, q)
		}
		env, verdicts := fib.Env(), map[string]int{}
		env.FIB = func([]uint64) []byte { return []byte{23: 0, 4: 3, 8: 2, 20: 220, 21: 5} }
		env.FIB6 = env.FIB
		for range 4000 {
			env.Moved = slowpath.Epochs{}
			if r.IntN(4) == 0 {
				env.Moved[slowpath.Any] = 1
				env.Moved[r.IntN(int(slowpath.NumDomains))] = 1
			}
			env.VLAN = r.IntN(16) == 0
			frame := frame(r)
			a, errA := ir.Eval(p, env, frame)
			b, errB := ir.Eval(q, env, frame)
			if errA != nil || errB != nil {
				t.Fatalf("%s: seed %d: %v, %v", name, seed, errA, errB)
			}
			if a.Kind != b.Kind || a.Oif != b.Oif || a.Reason != b.Reason && b.Reason != slowpath.Short || !bytes.Equal(a.Packet, b.Packet) {
				t.Fatalf("%s: seed %d: %x: %v, then %v\n%s\nfrom\n%s", name, seed, frame, a, b, q, p)
			}
			verdicts[b.String()]++
		}
		if len(verdicts) < 8 || verdicts["redirect 3"] < 100 {
			t.Errorf("%s: verdicts %v", name, verdicts)
		}
	}
}

// frame is a datagram that the router forwards, in which up to two things may be wrong.
func frame(r *rand.Rand) []byte {
	f := make([]byte, 60+r.IntN(2)*r.IntN(20))
	copy(f, []byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2, 8, 0, 0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 1, 0, 2,
		192, 0, 2, 7, 0x30, 0x39, 0x12, 0x67, 0, 26, 0xbe, 0xef})
	binary.BigEndian.PutUint16(f[16:], uint16(len(f)-14))
	addrs := []uint32{0x0a010002, 0x0a010001, 0x0a0100ff, 0x0a020002, 0x7f000001, 0xe0000001, 0xc0000201, 0, 0xffffffff}
	for range r.IntN(3) {
		switch r.IntN(6) {
		case 0:
			f[12+r.IntN(12)] ^= 1 << r.IntN(8)
		case 1:
			binary.BigEndian.PutUint32(f[26:], addrs[r.IntN(len(addrs))])
		case 2:
			binary.BigEndian.PutUint32(f[30:], addrs[r.IntN(len(addrs))])
		case 3:
			f[r.IntN(6)]++
		case 4:
			f[22] = byte(r.IntN(4))
		case 5:
			f[23] = []byte{1, 6, 47}[r.IntN(3)]
		}
	}
	sum := uint32(0)
	f[24], f[25] = 0, 0
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(f[24:], ^uint16(sum+sum>>16)+uint16(r.IntN(16)/15))
	if r.IntN(16) == 0 {
		f = f[:14+r.IntN(46)]
	}
	return f
}

// frame6 is a frame, or an IPv6 datagram that the router forwards, in which up to two things may be wrong.
func frame6(r *rand.Rand) []byte {
	if r.IntN(8) == 0 {
		return frame(r)
	}
	f := make([]byte, 62+r.IntN(2)*r.IntN(20))
	copy(f, []byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, byte(len(f) - 54), 17, 64})
	addrs := []string{"2001:db8:1::2", "2001:db8:f::7", "2001:db8:2::2", "2001:db8:2::1", "2001:db8:2::", "::1", "ff02::1", "fe80::1", "2001:db9::"}
	put := func(at, i int) { copy(f[at:], netip.MustParseAddr(addrs[i]).AsSlice()) }
	put(22, 0)
	put(38, 1+r.IntN(2))
	copy(f[54:], []byte{0x30, 0x39, 0x12, 0x67, 0, 8, 0xbe, 0xef})
	for range r.IntN(3) {
		switch r.IntN(6) {
		case 0:
			f[12+r.IntN(10)] ^= 1 << r.IntN(8)
		case 1:
			put(22, r.IntN(len(addrs)))
		case 2:
			put(38, r.IntN(len(addrs)))
		case 3:
			f[r.IntN(6)]++
		case 4:
			f[21] = byte(r.IntN(4))
		case 5:
			f[20] = []byte{0, 6, 44, 50, 58, 58}[r.IntN(6)]
			f[54] = byte(126 + r.IntN(5))
		}
	}
	if r.IntN(16) == 0 {
		f = f[:14+r.IntN(48)]
	}
	return f
}

// TestHotPathIsShort keeps an eye on the instructions that every forwarded packet runs through.
func TestHotPathIsShort(t *testing.T) {
	const most = 130
	s := router(t, [2]string{})
	p, err := synth.Program(s, 2, options, synth.NewFIB(s).Shape())
	if err != nil {
		t.Fatal(err)
	}
	kernel := emit.Kernel{CPUs: 2, FIBLookup: true, CPUv4: true}
	before, after := hot(t, p, kernel), hot(t, specialize.Run(p), kernel)
	t.Logf("%d instructions became %d", strings.Count(before, "\n"), strings.Count(after, "\n"))
	if n := strings.Count(after, "\n"); n > most {
		t.Errorf("%d instructions, want at most %d:\n%s", n, most, after)
	}
}

// hot is the listing up to the first exit: likely blocks come first.
func hot(t *testing.T, p *ir.Program, k emit.Kernel) string {
	text, err := emit.Listing(p, k)
	if err != nil {
		t.Fatal(err)
	}
	text, _, found := strings.Cut(text, "  exit")
	if !found {
		t.Fatalf("no exit in\n%s", text)
	}
	return text
}

func BenchmarkRun(b *testing.B) {
	s := router(b, [2]string{})
	p, err := synth.Program(s, 2, options, synth.NewFIB(s).Shape())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		specialize.Run(p)
	}
}
