package fastpath

import (
	"time"

	"golang.org/x/sys/unix"
)

// restTime is how long programs are given to end where the kernel does not tell.
const restTime = time.Second

// Settle waits until no program of anybody runs that has begun before. A program is within a read-side section of RCU, whose end
// the kernel waits for to make a barrier for every process.
func (h *Host) Settle() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); errno != 0 {
		time.Sleep(restTime) // with CPUs that have no tick, there is no such barrier
	}
}

// Later calls f when Settle would be done, and does not wait for that.
func (h *Host) Later(f func()) {
	go func() {
		h.Settle()
		f()
	}()
}
