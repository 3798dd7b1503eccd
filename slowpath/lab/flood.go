package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

const (
	// floodRow is the part of a frame that a Flood varies: its first 60 bytes, in a row of 64.
	floodRow  = 64
	floodHead = 60
	// liveFrames runs a program on pages that then really go where the program says (BPF_F_TEST_XDP_LIVE_FRAMES).
	liveFrames = 2
	// floodChunk frames go out in one system call; each call costs some 25 ms to set up.
	floodChunk = 1 << 19
	floodBatch = 64
)

// Flood sends frames out of a device as fast as one CPU can make them, without socket buffers: the router's and the
// sink's work is done on the same CPU, in step, so that nothing is lost and the whole path is measured.
type Flood struct {
	ns      *Namespace
	ifindex int
	length  int
	rows    *shared
	state   *shared
	prog    *ebpf.Program
}

// NewFlood prepares a flood of frames out of a device of a namespace. All frames are of one length, at least 60 bytes,
// and differ in their first 60 bytes; their number is a power of two. They are sent in turn.
func NewFlood(ns *Namespace, ifindex int, frames [][]byte) (_ *Flood, err error) {
	if n := len(frames); n == 0 || n&(n-1) != 0 {
		return nil, fmt.Errorf("lab: make flood: %d frames are not a power of two", n)
	}
	f := &Flood{ns: ns, ifindex: ifindex, length: len(frames[0])}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if f.rows, err = newShared("flood", len(frames)*floodRow); err != nil {
		return nil, err
	}
	if f.state, err = newShared("flood_state", 64); err != nil {
		return nil, err
	}
	for i, frame := range frames {
		if len(frame) != f.length || len(frame) < floodHead {
			return nil, fmt.Errorf("lab: make flood: frame %d has %d bytes, want %d of at least %d",
				i, len(frame), f.length, floodHead)
		}
		copy(f.rows.mem[i*floodRow:], frame[:floodHead])
	}
	f.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "lab_flood", Type: ebpf.XDP, License: "GPL",
		Instructions: f.code(len(frames))})
	if err != nil {
		return nil, fmt.Errorf("lab: load flood: %w", err)
	}
	return f, nil
}

// code writes the head of the frame anew each time, because the pages come back with what the router made of them.
func (f *Flood) code(frames int) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R7, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Add.Imm(asm.R1, floodHead),
		asm.JGT.Reg(asm.R1, asm.R7, "out"),
		asm.LoadMapValue(asm.R8, f.state.m.FD(), 0),
		asm.LoadMem(asm.R1, asm.R8, 0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Add.Imm(asm.R2, 1),
		asm.StoreMem(asm.R8, 0, asm.R2, asm.DWord),
		asm.And.Imm(asm.R1, int32(frames-1)),
		asm.LSh.Imm(asm.R1, 6),
		asm.LoadMapValue(asm.R9, f.rows.m.FD(), 0),
		asm.Add.Reg(asm.R9, asm.R1),
	}
	for off := int16(0); off < floodHead; off += 8 {
		size := asm.DWord
		if off+8 > floodHead {
			size = asm.Word
		}
		code = append(code, asm.LoadMem(asm.R1, asm.R9, off, size), asm.StoreMem(asm.R6, off, asm.R1, size))
	}
	return append(code,
		asm.Mov.Imm(asm.R1, int32(f.ifindex)),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRedirect.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, xdpDrop).WithSymbol("out"),
		asm.Return(),
	)
}

// Sent is how many frames have been sent.
func (f *Flood) Sent() uint64 { return f.state.word(0) }

// Send sends n frames from the given CPU, -1 for any.
func (f *Flood) Send(n, cpu int) error {
	return f.ns.Do(func() error {
		restore, err := Pin(cpu)
		if err != nil {
			return err
		}
		defer restore()
		return f.send(n)
	})
}

// Run sends from the given CPU, -1 for any, until the context ends or the time is over, and tells the frames sent and
// the time that it took, both without the preparation of the first frames.
func (f *Flood) Run(ctx context.Context, d time.Duration, cpu int) (sent uint64, took time.Duration, err error) {
	err = f.ns.Do(func() error {
		restore, err := Pin(cpu)
		if err != nil {
			return err
		}
		defer restore()
		first, begin := f.Sent(), time.Now()
		for ctx.Err() == nil && time.Since(begin) < d {
			if err := f.send(floodChunk); err != nil {
				return err
			}
		}
		sent, took = f.Sent()-first, time.Since(begin)
		return nil
	})
	return sent, took, err
}

func (f *Flood) send(n int) error {
	// The device that the frames seem to come from: xdp_md.ingress_ifindex; data_end is their length.
	type context struct{ Data, End, Meta, Ingress, Queue, Egress uint32 }
	_, err := f.prog.Run(&ebpf.RunOptions{
		Data: make([]byte, f.length), Repeat: uint32(n), Flags: liveFrames, BatchSize: floodBatch,
		Context: context{End: uint32(f.length), Ingress: uint32(f.ifindex)},
	})
	if err != nil {
		return fmt.Errorf("lab: send %d frames: %w", n, err)
	}
	return nil
}

// Close frees the flood's program and maps.
func (f *Flood) Close() error {
	var failures []error
	if f.prog != nil {
		failures = append(failures, f.prog.Close())
	}
	return errors.Join(append(failures, f.rows.close(), f.state.close())...)
}
