package fastpath

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
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
	t.Logf("told: probe took %v: %d CPUs, fib lookup %v, v4 %v, veth tag %+v", time.Since(start).Round(time.Microsecond),
		k.CPUs, k.FIBLookup, k.CPUv4, k.VethTag)
	if k.CPUs < runtime.NumCPU() {
		t.Errorf("%d CPUs, the runtime sees %d", k.CPUs, runtime.NumCPU())
	}
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
