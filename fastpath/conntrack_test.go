package fastpath

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/emit"
)

// TestConntrackIsKnown: a kernel that has the functions lets programs call them, be they its own or those of a module.
func TestConntrackIsKnown(t *testing.T) {
	if os.Geteuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("loading programs that read connections needs root on amd64")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	if _, ok := funcID(kernel, "bpf_rdonly_cast"); !ok {
		t.Skip("a kernel without bpf_rdonly_cast")
	}
	_, own := funcID(kernel, "bpf_xdp_ct_lookup")
	module := moduleID(conntrackModule)
	if !own && module == 0 {
		t.Skip("nf_conntrack is not loaded")
	}
	k, err := conntrack()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	if k.Module != module || (module == 0) != own {
		t.Errorf("functions of module %d; the kernel has them: %v, the module's number is %d", k.Module, own, module)
	}
	if !own && LoadedModules()[0] == 0 {
		t.Errorf("loaded are %v", LoadedModules())
	}
}

// TestLoadCalling loads by hand what calls no module, and something that reads where nothing is.
func TestLoadCalling(t *testing.T) {
	if os.Geteuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("loading programs by hand needs root on amd64")
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "hone_test", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	spec := &ebpf.ProgramSpec{Name: "hone_test", Type: ebpf.XDP, License: "GPL", AttachType: ebpf.AttachXDP, Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, 0, 0).WithReference("words"),
		asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord),
		asm.Mov.Imm(asm.R0, xdpPass),
		asm.Return(),
	}}
	maps := map[string]*ebpf.Map{"words": m, "another": m}
	p, err := loadCalling(spec, maps, true)
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := p.Test(make([]byte, 64)); v != xdpPass || err != nil || p.Type() != ebpf.XDP {
		t.Errorf("verdict %d of a program of type %v: %v", v, p.Type(), err)
	}
	p.Close()
	spec.Instructions[1] = asm.LoadMem(asm.R0, asm.R1, 8, asm.DWord)
	_, err = loadCalling(spec, maps, true)
	if !errors.Is(err, ErrRejected) || !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), "invalid access to map value") {
		t.Errorf("reads behind a map's end: %v", err)
	}
	spec.Instructions[1].Metadata.Set(emit.ModuleKey{}, uint32(1<<30))
	if _, err = loadCalling(spec, maps, true); err == nil || !strings.Contains(err.Error(), "open the types of a module") {
		t.Errorf("a module that is not there: %v", err)
	}
}
