package fastpath

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/ir"
)

// root skips tests that change the kernel's state.
func root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: loads eBPF programs and makes network namespaces")
	}
}

func TestProbe(t *testing.T) {
	root(t)
	start := time.Now()
	k, err := Probe()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("told: probe took %v: %d CPUs, fib lookup %v, v4 %v, swap bounds %v, CPU bounds %v, veth tag %+v", time.Since(start).Round(time.Microsecond),
		k.CPUs, k.FIBLookup, k.CPUv4, k.SwapBounds, k.CPUBounds, k.VethTag)
	if k.CPUs < runtime.NumCPU() {
		t.Errorf("%d CPUs, the runtime sees %d", k.CPUs, runtime.NumCPU())
	}
}

func TestWithoutCapabilities(t *testing.T) {
	namespace(t) // capabilities are the thread's, which dies with the test
	_, r0 := pair(t, "a", "r0")
	h, _ := toyHost(t, r0)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	must(t, unix.Capset(&header, &none[0]))
	if _, err := Probe(); !errors.Is(err, ErrPermission) {
		t.Errorf("Probe without capabilities: %v", err)
	}
	if _, err := h.Attach(r0, toy(), Native); !errors.Is(err, ErrPermission) {
		t.Errorf("Attach without capabilities: %v", err)
	}
}

func TestLowLimitOfLockedMemory(t *testing.T) {
	root(t)
	var old unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_MEMLOCK, &old))
	must(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 4096, Max: old.Max}))
	defer func() { must(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &old)) }()
	if _, err := Probe(); err != nil {
		t.Error(err)
	}
	h, _ := toyHost(t, 1)
	must(t, h.Tables([]*ir.Table{{Name: "route4", Kind: ir.LPM, Size: 1 << 15}}))
}

func TestMemberLooksInsideNamelessUnions(t *testing.T) {
	word := &btf.Int{Name: "u32", Size: 4}
	in := &btf.Struct{Size: 8, Members: []btf.Member{{Name: "proto", Type: word}, {Name: "tci", Type: word, Offset: 32}}}
	union := &btf.Union{Size: 8, Members: []btf.Member{{Name: "all", Type: word}, {Type: in}}}
	members := []btf.Member{{Name: "first", Type: word}, {Type: union, Offset: 64}}
	for name, want := range map[string]int{"first": 0, "all": 8, "proto": 8, "tci": 12} {
		if off, ok := member(members, name); !ok || off != want {
			t.Errorf("member(%q) = %d, %v; want %d", name, off, ok, want)
		}
	}
	if _, ok := member(members, "none"); ok {
		t.Error("member finds what is not there")
	}
}

// TestPointerAtFindsAStandIn is what happens where veth is a module: the verifier does not know its structures.
func TestPointerAtFindsAStandIn(t *testing.T) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("no BTF: %v", err)
	}
	start := time.Now()
	id, ok := pointerAt(kernel, &btf.Struct{Name: "hone_of_a_module"}, 56)
	if !ok {
		t.Fatal("no structure with a pointer to a sk_buff at 56")
	}
	typ, err := kernel.TypeByID(btf.TypeID(id))
	s, isStruct := typ.(*btf.Struct)
	if err != nil || !isStruct || !holdsSkb(s, 56) || holdsSkb(s, 57) {
		t.Errorf("type %d is %v, %v", id, typ, err)
	}
	if tag := vethTag(); tag != nil {
		tag.VethBuff = id
		if err := load(tagReader(tag)); err != nil {
			t.Errorf("the verifier does not take the stand-in: %v", err)
		}
	}
	t.Logf("told: %v stands in, found in %v", typ, time.Since(start).Round(time.Millisecond))
	if id, ok := pointerAt(kernel, &btf.Struct{Name: "hone_of_a_module"}, 1<<20); ok {
		t.Errorf("type %d has a pointer at an offset that no structure has", id)
	}
}
