package lab

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Pin keeps the calling goroutine on a thread, and the thread on a CPU, until restore is called. A negative number is no
// CPU: nothing happens.
func Pin(cpu int) (restore func(), err error) {
	if cpu < 0 {
		return func() {}, nil
	}
	var old, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return nil, fmt.Errorf("lab: pin to CPU %d: %w", cpu, err)
	}
	set.Set(cpu)
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("lab: pin to CPU %d: %w", cpu, err)
	}
	return func() {
		// A thread that cannot be moved back stays locked, and ends with its goroutine.
		if unix.SchedSetaffinity(0, &old) == nil {
			runtime.UnlockOSThread()
		}
	}, nil
}
