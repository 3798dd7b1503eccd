package fastpath

import (
	"os"
	"runtime"
	"testing"

	"github.com/cilium/ebpf/btf"
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
