package introspect

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// Who reads what leaves by a tap device may have some of it dropped: by addresses (TUNSETTXFILTER) or by a program
// (TUNATTACHFILTER, TUNSETFILTEREBPF). Frames that are redirected to the device go past that, and nothing announces or
// shows it. So a program that runs by hand looks at the device's own memory.

// sieve tells whether the reader of a tap has frames to it dropped. It is made with the first tap, when the driver is there.
// Where BTF does not help, no tap is known to have a filter.
var sieve = sync.OnceValue(func() onlooker {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return onlooker{}
	}
	private, err := privateOf(kernel)
	if err != nil {
		return onlooker{}
	}
	tun, err := tunStruct(kernel)
	if err != nil {
		return onlooker{}
	}
	code := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1)}
	for _, part := range []struct {
		path []string
		size int32
	}{{[]string{"txflt", "count"}, 4}, {[]string{"filter_attached"}, 1}, {[]string{"filter_prog"}, 8}} {
		at, ok := offsetIn(tun.Members, part.path)
		if !ok {
			return onlooker{}
		}
		code = append(code, peek(asm.R6, int32(private+at), part.size)...)
		code = append(code, asm.LoadMem(asm.R1, asm.RFP, slotWord, asm.DWord), asm.JNE.Imm(asm.R1, 0, onlookerSome))
	}
	code = append(code, asm.Mov.Imm(asm.R0, onlookerNo), asm.Ja.Label(onlookerNone))
	return newOnlooker(kernel, "hone_sieve", func(bool) asm.Instructions { return code })
})

// privateOf is where the memory of its driver begins in a struct net_device, or behind it.
func privateOf(kernel *btf.Spec) (uint32, error) {
	var device *btf.Struct
	if err := kernel.TypeByName("net_device", &device); err != nil {
		return 0, fmt.Errorf("introspect: find struct net_device: %w", err)
	}
	if at, ok := offsetIn(device.Members, []string{"priv"}); ok { // since Linux 6.10
		return at, nil
	}
	const align = 32 // NETDEV_ALIGN
	return (device.Size + align - 1) &^ (align - 1), nil
}

// tunStruct is what the driver keeps there. It may be a module.
func tunStruct(kernel *btf.Spec) (tun *btf.Struct, err error) {
	if kernel.TypeByName("tun_struct", &tun) == nil {
		return tun, nil
	}
	module, err := btf.LoadKernelModuleSpec("tun")
	if err == nil {
		err = module.TypeByName("tun_struct", &tun)
	}
	if err != nil {
		return nil, fmt.Errorf("introspect: find struct tun_struct: %w", err)
	}
	return tun, nil
}

// isTap tells whether a link is what a program reads frames from.
func (l Link) isTap() bool { return l.Kind == "tun" }

// tapDevices tells whether there is one.
func (s *Snapshot) tapDevices() bool {
	for _, l := range s.Links.All() {
		if l.isTap() {
			return true
		}
	}
	return false
}

// readSieves asks about all of them.
func readSieves(s *Snapshot) (*Snapshot, error) {
	n := *s
	for i, l := range s.Links.All() {
		if !l.isTap() || sieve().program == nil {
			continue
		}
		answer, err := sieve().look(i)
		if err != nil {
			return s, fmt.Errorf("introspect: ask for filters of %s: %w", l.Name, err)
		}
		l.Sieved = answer == onlookerYes
		n.Links = n.Links.With(i, l)
	}
	return changed(s, &n), nil
}
