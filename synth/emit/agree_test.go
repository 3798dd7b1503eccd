package emit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

// kernelRun is a program in the kernel whose verdicts can be told apart in a test run: instead of a redirect it returns
// the interface's index.
type kernelRun struct {
	coll *ebpf.Collection
	p    *ir.Program
}

func newKernelRun(t testing.TB, p *ir.Program, k Kernel) kernelRun {
	t.Helper()
	spec, err := Spec(p, k)
	if err != nil {
		t.Fatalf("%v\n%s", err, p)
	}
	insns := spec.Programs[ProgramName].Instructions
	for i := range insns {
		if insns[i].IsBuiltinCall() && insns[i].Constant == int64(asm.FnRedirect) {
			insns[i] = asm.Mov.Reg(asm.R0, asm.R1)
		}
	}
	coll, err := Collect(spec)
	if err != nil {
		text, _ := Listing(p, k)
		t.Fatalf("%+v\n%s\n%s", err, text, p)
	}
	t.Cleanup(coll.Close)
	return kernelRun{coll, p}
}

// set gives the maps the contents of an environment.
func (k kernelRun) set(t testing.TB, env *ir.Env) {
	t.Helper()
	fill(t, k.coll, env.Tables)
	for name, rows := range env.Hash {
		if m := k.coll.Maps[name]; m != nil {
			for key := range uint32(64) {
				_ = m.Delete(key) // of the environment before
			}
			for key, row := range rows {
				if err := m.Put(key, row); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, tab := range k.p.Tables {
		if tab.Kind == ir.Tallies {
			fill(t, k.coll, map[string][]byte{tab.Name: make([]byte, k.coll.Maps[tab.Name].ValueSize())})
		}
	}
	seen, built := make([]byte, 8*len(env.Moved)), make([]byte, 8*len(env.Moved))
	for d, moved := range env.Moved {
		word := 0x1234_5678_9abc_0000 + uint64(d)
		binary.NativeEndian.PutUint64(seen[8*d:], word)
		binary.NativeEndian.PutUint64(built[8*d:], word^moved)
	}
	fill(t, k.coll, map[string][]byte{MapSeen: seen, MapBuilt: built,
		MapStats: make([]byte, k.coll.Maps[MapStats].ValueSize())})
}

// counters are the sums over CPUs.
func (k kernelRun) counters(t testing.TB) (sum [StatsStride / 8]uint64) {
	value := k.contents(t, MapStats)
	for i := 0; i < len(value); i += 8 {
		sum[i%StatsStride/8] += binary.NativeEndian.Uint64(value[i:])
	}
	return sum
}

func (k kernelRun) contents(t testing.TB, name string) []byte {
	t.Helper()
	value, err := k.coll.Maps[name].LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// run is what Eval is, in the kernel. The counters are expected to be zero.
func (k kernelRun) run(t testing.TB, pkt []byte) ir.Verdict {
	t.Helper()
	options := ebpf.RunOptions{Data: pkt, DataOut: make([]byte, len(pkt)+4+15)} // which may grow
	ret, err := k.coll.Programs[ProgramName].Run(&options)
	if err != nil {
		t.Fatal(err)
	}
	v := ir.Verdict{Kind: ir.RedirectExit, Oif: ret, Packet: options.DataOut}
	sum := k.counters(t)
	for r, n := range sum[:slowpath.MaxReasons] {
		if n == 0 {
			continue
		}
		if n != 1 || v.Kind != ir.RedirectExit {
			t.Fatalf("reason %d counted %d times, or another one too", r, n)
		}
		v.Kind, v.Oif, v.Reason = ir.Punt, 0, slowpath.Reason(r)
		if ret == xdpAborted && v.Reason == slowpath.Aborted {
			v.Kind = ir.Abort
		} else if ret != xdpPass {
			t.Fatalf("punted with verdict %d", ret)
		}
	}
	return v
}

// agree runs one packet both ways and reports every difference.
func (k kernelRun) agree(t testing.TB, env *ir.Env, pkt []byte) (ir.Verdict, error) {
	t.Helper()
	before := *env
	before.Counts, before.Marks, before.Tallied, before.Account = [ir.NumCounters]uint64{}, nil, nil, [2]ir.Tally{}
	want, err := ir.Eval(k.p, &before, pkt)
	if err != nil {
		return want, err
	}
	k.set(t, env)
	accounts := k.accounts(t)
	got := k.run(t, pkt)
	if got.String() != want.String() || !bytes.Equal(got.Packet, want.Packet) {
		return want, fmt.Errorf("kernel: %v %x\nEval:   %v %x", got, got.Packet, want, want.Packet)
	}
	sum := k.counters(t)
	for c, n := range before.Counts {
		if sum[CounterOffset(ir.Counter(c))/8] != n {
			return want, fmt.Errorf("counter %v: kernel %d, Eval %d", ir.Counter(c), sum[CounterOffset(ir.Counter(c))/8], n)
		}
	}
	if err := k.agreeTallies(t, before.Tallied); err != nil {
		return want, err
	}
	if now := k.accounts(t); now != add(accounts, before.Account) {
		return want, fmt.Errorf("accounts: kernel %v, then %v, Eval %v", accounts, now, before.Account)
	}
	return want, k.agreeMarks(t, env, before.Marks)
}

// agreeTallies compares what was counted for the hits; the number 0 is of no meaning.
func (k kernelRun) agreeTallies(t testing.TB, want map[uint64]ir.Tally) error {
	for _, tab := range k.p.Tables {
		if tab.Kind != ir.Tallies {
			continue
		}
		got, value := map[uint64]ir.Tally{}, k.contents(t, tab.Name)
		for at := 0; at < len(value); at += ir.TallySize {
			n := uint64(at / ir.TallySize % tab.Size)
			sum := got[n]
			sum.Packets += binary.NativeEndian.Uint64(value[at:])
			sum.Bytes += binary.NativeEndian.Uint64(value[at+8:])
			if got[n] = sum; n == 0 || sum == (ir.Tally{}) {
				delete(got, n)
			}
		}
		if !maps.Equal(got, want) {
			return fmt.Errorf("tallies: kernel %v, Eval %v", got, want)
		}
	}
	return nil
}

// accounts sums up the accounts of all connections.
func (k kernelRun) accounts(t testing.TB) (sum [2]ir.Tally) {
	m := k.coll.Maps[MapAccounts]
	if m == nil {
		return sum
	}
	var key uint64
	var b [AccountBytes]byte
	entries := m.Iterate()
	for entries.Next(&key, &b) {
		a, ok := ParseAccount(b)
		if !ok {
			t.Errorf("account %#x is not open", key)
		}
		for i, s := range a.Sums {
			sum[i].Packets, sum[i].Bytes = sum[i].Packets+s.Packets, sum[i].Bytes+s.Bytes
		}
	}
	if err := entries.Err(); err != nil {
		t.Fatal(err)
	}
	return sum
}

func add(a, b [2]ir.Tally) [2]ir.Tally {
	for i := range a {
		a[i].Packets, a[i].Bytes = a[i].Packets+b[i].Packets, a[i].Bytes+b[i].Bytes
	}
	return a
}

// agreeMarks compares the tables with what they were, marks applied.
func (k kernelRun) agreeMarks(t testing.TB, env *ir.Env, marks []ir.Mark) error {
	for _, tab := range k.p.Tables {
		if tab.Kind != ir.Rows && tab.Kind != ir.Keyed {
			continue
		}
		want := bytes.Clone(env.Tables[tab.Name])
		for _, m := range marks {
			if m.Table == tab.Name {
				f, _ := tab.Field(m.Field)
				place := want[int(m.Row)*tab.RowSize+f.Offset:][:f.Width]
				clear(place)
				place[0] = 1
			}
		}
		if !bytes.Equal(k.contents(t, tab.Name), want) {
			return fmt.Errorf("table %s: the marks differ", tab.Name)
		}
	}
	return nil
}

// TestForwarderAgrees compares the forwarder with its meaning, on frames that are broken in one place each.
func TestForwarderAgrees(t *testing.T) {
	needRoot(t)
	p := forwarder()
	k := newKernelRun(t, p, testKernel)
	env := &ir.Env{Tables: testImage()}
	seed := testSeed(t)
	r := irtest.New(seed)
	verdicts := map[string]int{}
	for range 3000 {
		frame := testFrame(0x0a010203, 64)
		breakFrame(r, frame)
		v, err := k.agree(t, env, frame)
		if err != nil {
			t.Fatalf("seed %d: frame %x: %v", seed, frame, err)
		}
		verdicts[v.String()]++
	}
	t.Log(verdicts)
	if len(verdicts) < 9 || verdicts["redirect 7"] < 100 {
		t.Errorf("seed %d: too few kinds of verdict: %v", seed, verdicts)
	}
}

// breakFrame changes a byte, a field that matters, or nothing.
func breakFrame(r *rand.Rand, f []byte) {
	switch r.IntN(6) {
	case 0:
		f[r.IntN(34)] ^= 1 << r.IntN(8)
	case 1:
		binary.BigEndian.PutUint32(f[30:], 0x0a010200+r.Uint32N(1024))
	case 2:
		f[22] = byte(r.IntN(3))
	case 3:
		binary.BigEndian.PutUint16(f[16:], uint16(r.IntN(1600)))
	case 4:
		binary.BigEndian.PutUint16(f[18:], uint16(r.Uint32()))
	}
	if r.IntN(4) > 0 {
		fixChecksum(f)
	}
}

// TestRandomProgramsAgree is the test that matters: whatever a program says, the kernel does what Eval does.
func TestRandomProgramsAgree(t *testing.T) {
	needRoot(t)
	seed := testSeed(t)
	verdicts := map[ir.ExitKind]int{}
	until := time.Now().Add(3 * time.Second)
	programs := 0
	for ; time.Now().Before(until) || programs < 20; programs++ {
		agreeOnce(t, seed+uint64(programs), verdicts)
	}
	t.Logf("seed %d: %d programs, %v", seed, programs, verdicts)
	if verdicts[ir.RedirectExit] < programs || verdicts[ir.Punt] < programs {
		t.Errorf("seed %d: verdicts %v of %d programs: too one-sided", seed, verdicts, programs)
	}
}

func agreeOnce(t *testing.T, seed uint64, verdicts map[ir.ExitKind]int) {
	t.Helper()
	r := irtest.New(seed)
	p := irtest.Program(r, irtest.Options{NoFIB: true, NoVLAN: true, Blocks: 1 + r.IntN(16)})
	if r.IntN(2) == 0 {
		p = specialize.Run(p)
	}
	kernel := Kernel{CPUs: []int{0, 2, 3, 64}[r.IntN(4)], CPUv4: r.IntN(2) == 0, WeakOrder: r.IntN(4) == 0}
	kernel.CPUs = max(kernel.CPUs, 2) // as many as the machine has, at least
	k := newKernelRun(t, p, kernel)
	defer k.coll.Close()
	for range 3 {
		env := irtest.Env(r, p)
		for range 8 {
			pkt := irtest.Packet(r, p)
			v, err := k.agree(t, env, pkt)
			if err != nil {
				text, _ := Listing(p, kernel)
				t.Fatalf("seed %d: packet %x: %v\n%s\n%s", seed, pkt, err, p, text)
			}
			verdicts[v.Kind]++
		}
	}
}

func needRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
}

// testSeed is the time, or SEED from the environment to repeat a failure.
func testSeed(t *testing.T) uint64 {
	if s := os.Getenv("SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return uint64(time.Now().UnixNano())
}
