package fastpath

import (
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
)

// Tracing tells whether the kernel takes programs that run at the entry of its functions (fentry); the error says why not.
// Nothing here needs them: epochs are counted by socket filters. It is for those who look for what a machine allows.
func Tracing() error {
	if err := features.HaveProgramType(ebpf.Tracing); err != nil {
		return fmt.Errorf("fastpath: probe tracing: %w", err)
	}
	return nil
}

// ModuleTypes counts the loaded modules whose types (BTF) can be read: without those of veth, where it is a module, a
// program does not find the VLAN tag of a frame. Zero is no mistake: everything may be built in.
func ModuleTypes() int {
	files, err := os.ReadDir("/sys/kernel/btf")
	if err != nil {
		return 0
	}
	n := 0
	for _, f := range files {
		if f.Name() != "vmlinux" {
			n++
		}
	}
	return n
}
