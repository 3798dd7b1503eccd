package bench

import (
	"errors"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// frameSize is the size of every frame of the rig without the frame check sequence: a 60-byte UDP packet.
const frameSize = 60

// stampOffset is where a frame carries the moment of its making (CLOCK_MONOTONIC, ns, host byte order).
const stampOffset = 48

// headerSize is the room that the generator's table has for the first bytes of a frame.
const headerSize = 64

// flood makes frames in the generator's namespace and sends them out of one of its interfaces.
type flood struct {
	prog    *ebpf.Program
	headers *ebpf.Map
	mem     *ebpf.Memory // of headers; the first word counts the frames that were made
	ifindex int
}

// newFlood loads the generator. Frames begin with the headers by turns; their number must be a power of two.
func newFlood(ifindex int, headers [][]byte) (*flood, error) {
	if n := len(headers); n == 0 || n&(n-1) != 0 {
		return nil, fmt.Errorf("bench: make generator: %d flows, not a power of two", n)
	}
	size := uint32(len(headers) * headerSize)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "headers", Type: ebpf.Array, KeySize: 4, ValueSize: 8 + size, MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return nil, fmt.Errorf("bench: make generator: %w", err)
	}
	value := make([]byte, 8+size)
	for i, h := range headers {
		copy(value[8+i*headerSize:], h)
	}
	if err := m.Put(uint32(0), value); err != nil {
		return nil, fmt.Errorf("bench: fill generator: %w", errors.Join(err, m.Close()))
	}
	mem, err := m.Memory()
	if err != nil {
		return nil, fmt.Errorf("bench: map generator: %w", errors.Join(err, m.Close()))
	}
	prog, err := ebpf.NewProgram(generatorSpec(m, ifindex, len(headers)))
	if err != nil {
		return nil, fmt.Errorf("bench: load generator: %w", errors.Join(err, m.Close()))
	}
	return &flood{prog, m, mem, ifindex}, nil
}

// generatorSpec writes the whole header anew: live frames are recycled and keep what the router wrote.
func generatorSpec(headers *ebpf.Map, ifindex, flows int) *ebpf.ProgramSpec {
	insns := asm.Instructions{
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R7, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R6),
		asm.Add.Imm(asm.R2, frameSize),
		asm.JGT.Reg(asm.R2, asm.R7, "abort"),
		asm.LoadMapValue(asm.R8, headers.FD(), 0),
		asm.LoadMem(asm.R1, asm.R8, 0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Add.Imm(asm.R2, 1),
		asm.StoreMem(asm.R8, 0, asm.R2, asm.DWord),
		asm.And.Imm(asm.R1, int32(flows-1)),
		asm.LSh.Imm(asm.R1, 6),
		asm.Add.Reg(asm.R8, asm.R1),
	}
	for off := int16(0); off < 40; off += 8 {
		insns = append(insns, asm.LoadMem(asm.R1, asm.R8, 8+off, asm.DWord), asm.StoreMem(asm.R6, off, asm.R1, asm.DWord))
	}
	insns = append(insns,
		asm.LoadMem(asm.R1, asm.R8, 48, asm.Half), asm.StoreMem(asm.R6, 40, asm.R1, asm.Half),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.R6, stampOffset, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R1, int32(ifindex)),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("abort"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: "generator", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "Dual MIT/GPL", Instructions: insns}
}

// sent is the number of frames that were made so far.
func (f *flood) sent() uint64 { return wordAt(f.mem, 0) }

func (f *flood) close() { f.prog.Close(); f.headers.Close() }

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
	data := make([]byte, frameSize)
	// struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
	md := [6]uint32{0, frameSize, 0, uint32(f.ifindex), 0, 0}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&data[0])
	pin.Pin(&md)
	attr := testRun{progFD: uint32(f.prog.FD()), dataSizeIn: frameSize, dataIn: uint64(uintptr(unsafe.Pointer(&data[0]))),
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
