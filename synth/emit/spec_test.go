package emit

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

var update = flag.Bool("update", false, "write the listings in testdata instead of comparing with them")

// TestListings compares the code of small programs with what is known to be good.
func TestListings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ir")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d programs: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ir.Parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := ir.Check(p); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		kernel := testKernel
		kernel.WeakOrder = strings.Contains(file, "weak")
		got, err := Listing(p, kernel)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		golden := strings.TrimSuffix(file, ".ir") + ".asm"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func code64(t testing.TB, p *ir.Program, k Kernel) []byte {
	t.Helper()
	spec, err := Spec(p, k)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, i := range spec.Programs[ProgramName].Instructions {
		if i.OpCode == asm.InvalidOpCode {
			t.Fatalf("invalid instruction %v", i)
		}
		out.WriteString(i.Reference())
	}
	if err := spec.Programs[ProgramName].Instructions.Marshal(&out, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestEqualProgramsGiveEqualCode is what lets the agent skip a swap.
func TestEqualProgramsGiveEqualCode(t *testing.T) {
	programs := []*ir.Program{forwarder()}
	for seed := range uint64(50) {
		programs = append(programs, irtest.Program(irtest.New(seed), irtest.Options{NoVLAN: true}))
	}
	for n, p := range programs {
		first := code64(t, p, testKernel)
		for range 3 {
			if !bytes.Equal(first, code64(t, p.Clone(), testKernel)) {
				t.Fatalf("program %d: the code differs from time to time:\n%s", n, p)
			}
		}
	}
}

// long is a program of many stores, so that the stubs of its guards are far away.
func long(stores int) *ir.Program {
	b := ir.NewBuilder("long")
	b.Bound(64, slowpath.Short)
	b.GuardImm(ir.Ne, b.LoadLE(0, 4), 7, slowpath.TTL)
	b.GuardImm(ir.AnySet, b.LoadLE(4, 4), 1, slowpath.Local)
	for n := range stores {
		b.StoreLE(n%61, 4, b.Const(uint64(n)))
	}
	b.Redirect(b.Const(9))
	return b.Program
}

func TestLongJumps(t *testing.T) {
	p := long(40000)
	if _, err := Spec(p, Kernel{CPUs: 2}); err == nil || !strings.Contains(err.Error(), "32767") {
		t.Errorf("without long jumps: %v", err)
	}
	if _, err := Spec(p, testKernel); err != nil {
		t.Fatal(err)
	}
	needRoot(t)
	k := newKernelRun(t, p, testKernel)
	for _, first := range []uint64{7, 1 << 32, 8} {
		frame := make([]byte, 64)
		binary.LittleEndian.PutUint64(frame, first)
		if _, err := k.agree(t, &ir.Env{}, frame); err != nil {
			t.Error(err)
		}
	}
}

func TestSpecRefuses(t *testing.T) {
	vlan := ir.NewBuilder("vlan")
	vlan.GuardImm(ir.Eq, vlan.Meta(ir.MetaVLAN), 0, slowpath.VLANTag)
	vlan.Punt(slowpath.Local)
	for _, c := range []struct {
		p    *ir.Program
		k    Kernel
		want string
	}{
		{vlan.Program, Kernel{}, "VLAN tag"},
		{forwarder(), Kernel{CPUv4: true}, "FIBLookup"},
		{&ir.Program{Name: "empty"}, Kernel{}, "no blocks"},
	} {
		if _, err := Spec(c.p, c.k); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one about %q", c.p.Name, err, c.want)
		}
		if _, err := Listing(c.p, c.k); err == nil {
			t.Errorf("%s: listed", c.p.Name)
		}
	}
}

func TestMaps(t *testing.T) {
	p := forwarder()
	spec, err := Spec(p, Kernel{CPUs: 3, FIBLookup: true})
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]uint32{}
	for name, m := range spec.Maps {
		sizes[name] = m.ValueSize
	}
	want := map[string]uint32{MapSeen: 48, MapBuilt: 48, MapStats: 4 * StatsStride, "route4": 2<<16 + 16*512,
		"nexthop": 64 * 32, "device": 8}
	if diff := cmp.Diff(want, sizes); diff != "" {
		t.Error(diff)
	}
	if int(ir.NumCounters)*8+CounterOffset(0) > StatsStride {
		t.Error("the counters of a CPU do not fit its part of the stats")
	}
	for _, i := range spec.Programs[ProgramName].Instructions {
		if ref := i.Reference(); ref != "" && spec.Maps[ref] == nil {
			t.Errorf("no map %s", ref)
		}
	}
}
