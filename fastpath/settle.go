package fastpath

import (
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// restTime is how long programs are given to end where the kernel does not tell.
const restTime = time.Second

// grace is a map of maps: who writes to one is kept until no program runs any more that has begun before, so that none goes on
// with the map that stood there. The kernel waits for the read-side sections of RCU, in which programs run, whatever CPUs have
// no tick, and be there one alone (maybe_wait_bpf_programs).
type grace struct{ outer, inner *ebpf.Map }

func newGrace() (*grace, error) {
	word := ebpf.MapSpec{Name: "hone_grace", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	inner, err := ebpf.NewMap(&word)
	if err != nil {
		return nil, failed("open: make a map", nil, err)
	}
	outer, err := ebpf.NewMap(&ebpf.MapSpec{Name: "hone_graces", Type: ebpf.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, InnerMap: &word})
	if err != nil {
		_ = inner.Close()
		return nil, failed("open: make a map of maps", nil, err)
	}
	return &grace{outer, inner}, nil
}

func (g *grace) wait() error { return g.outer.Put(uint32(0), g.inner) }

func (g *grace) close() {
	_, _ = g.outer.Close(), g.inner.Close()
}

// Settle waits until no program of anybody runs that has begun before.
func (h *Host) Settle() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL, which CPUs without a tick do not have
	if h.grace.wait() == nil {
		return
	}
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); errno != 0 {
		time.Sleep(restTime)
	}
}

// Later calls f when Settle would be done, and does not wait for that.
func (h *Host) Later(f func()) {
	go func() {
		h.Settle()
		f()
	}()
}
