package bench

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// run is what one run of the generator took.
type run struct {
	packets int
	cpu     time.Duration // of the generator's thread, softirq included
	wall    time.Duration
}

func (r run) speed() Speed {
	return Speed{NS: float64(r.cpu) / float64(r.packets), Mpps: float64(r.packets) / r.wall.Seconds() / 1e6}
}

// testRun is the part of union bpf_attr that BPF_PROG_TEST_RUN uses (include/uapi/linux/bpf.h).
type testRun struct {
	progFD, retval, dataSizeIn, dataSizeOut uint32
	dataIn, dataOut                         uint64
	repeat, duration, ctxSizeIn, ctxSizeOut uint32
	ctxIn, ctxOut                           uint64
	flags, cpu, batchSize                   uint32
	_                                       uint32
}

const (
	liveFrames = 2 // BPF_F_TEST_XDP_LIVE_FRAMES
	batch      = 64
)

// send makes packets frames, or fewer if a signal comes between. The calling thread must be in the generator's namespace
// and stay on its CPU.
func (f *flood) send(packets int) (run, error) {
	data := make([]byte, f.size)
	// struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
	md := [6]uint32{0, uint32(f.size), 0, uint32(f.port.Peer.Index), 0, 0}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	pin.Pin(&md)
	attr := testRun{progFD: uint32(f.prog.FD()), dataSizeIn: uint32(f.size), dataIn: uint64(uintptr(unsafe.Pointer(&data[0]))),
		repeat: uint32(packets), ctxSizeIn: uint32(unsafe.Sizeof(md)), ctxIn: uint64(uintptr(unsafe.Pointer(&md))),
		flags: liveFrames, batchSize: batch}
	before, wall, cpu := f.sent(), time.Now(), threadTime()
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 && errno != unix.EINTR {
		return run{}, fmt.Errorf("bench: run generator: %w", errno)
	}
	return run{max(1, int(f.sent()-before)), threadTime() - cpu, time.Since(wall)}, nil
}

func threadTime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

// pinned runs do on a locked thread that stays on one CPU.
func pinned(cpu int, do func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and its affinity with it
		var set unix.CPUSet
		set.Set(cpu)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			result <- fmt.Errorf("bench: stay on CPU %d: %w", cpu, err)
			return
		}
		result <- do()
	}()
	return <-result
}
