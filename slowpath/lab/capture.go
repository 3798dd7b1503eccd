package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
)

// A record of a Capture is the tag, the length and at most captureBytes of the frame; longer frames are lost.
const (
	captureBytes  = 4000
	captureHeader = 8
	xdpDrop       = 1
)

// Capture takes every frame that arrives at some devices away from their stacks and keeps it. Frames of all devices
// stand in one queue, in the order in which they arrived.
type Capture struct {
	ring   *ebpf.Map
	reader *ringbuf.Reader
	record ringbuf.Record
	links  []link.Link
	progs  []*ebpf.Program
}

// Captured is a frame that arrived. Frame is valid until the next call.
type Captured struct {
	Tag   uint32 // of the device, as told to Add
	Frame []byte
}

// NewCapture makes a queue of so many bytes, a power of two.
func NewCapture(size int) (*Capture, error) {
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Name: "capture", Type: ebpf.RingBuf, MaxEntries: uint32(size)})
	if err != nil {
		return nil, fmt.Errorf("lab: make capture queue: %w", err)
	}
	reader, err := ringbuf.NewReader(ring)
	if err != nil {
		ring.Close()
		return nil, fmt.Errorf("lab: open capture queue: %w", err)
	}
	return &Capture{ring: ring, reader: reader}, nil
}

// Add captures what arrives at a device, in the driver if native, else in the kernel's generic hook; tag marks it.
func (c *Capture) Add(ns *Namespace, ifindex int, tag uint32, native bool) error {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "lab_capture", Type: ebpf.XDP, License: "GPL", Instructions: captureCode(c.ring.FD(), tag),
	})
	if err != nil {
		return fmt.Errorf("lab: load capture program: %w", err)
	}
	c.progs = append(c.progs, prog)
	flags := link.XDPGenericMode
	if native {
		flags = link.XDPDriverMode
	}
	return ns.Do(func() error {
		l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: ifindex, Flags: flags})
		if err != nil {
			return fmt.Errorf("lab: capture at interface %d: %w", ifindex, err)
		}
		c.links = append(c.links, l)
		return nil
	})
}

// captureCode copies the frame into a record of the ring: tag, length, bytes. Small frames take small records.
func captureCode(ring int, tag uint32) asm.Instructions {
	code := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R7, asm.R6, 4, asm.Word),
		asm.LoadMem(asm.R2, asm.R6, 0, asm.Word),
		asm.Sub.Reg(asm.R7, asm.R2),
		asm.JGT.Imm(asm.R7, captureBytes, "out"),
		asm.JLT.Imm(asm.R7, 1, "out"),
		asm.JGT.Imm(asm.R7, 248, "large"),
	}
	code = append(code, captureRecord(ring, tag, 248, "")...)
	code = append(code, captureRecord(ring, tag, captureBytes, "large")...)
	return append(code, asm.Mov.Imm(asm.R0, xdpDrop).WithSymbol("out"), asm.Return())
}

func captureRecord(ring int, tag uint32, size int32, symbol string) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMapPtr(asm.R1, ring),
		asm.Mov.Imm(asm.R2, captureHeader+size),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.Mov.Reg(asm.R8, asm.R0),
		asm.StoreImm(asm.R8, 0, int64(tag), asm.Word),
		asm.StoreMem(asm.R8, 4, asm.R7, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, asm.R8),
		asm.Add.Imm(asm.R3, captureHeader),
		asm.Mov.Reg(asm.R4, asm.R7),
		asm.FnXdpLoadBytes.Call(),
		asm.Mov.Reg(asm.R1, asm.R8),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnRingbufSubmit.Call(),
		asm.Ja.Label("out"),
	}
	if symbol != "" {
		code[0] = code[0].WithSymbol(symbol)
	}
	return code
}

// Next gives the next frame; false when none arrives within the time. No time at all only looks.
func (c *Capture) Next(wait time.Duration) (Captured, bool, error) {
	deadline := time.Unix(1, 0)
	if wait > 0 {
		deadline = time.Now().Add(wait)
	}
	c.reader.SetDeadline(deadline)
	if err := c.reader.ReadInto(&c.record); errors.Is(err, os.ErrDeadlineExceeded) {
		return Captured{}, false, nil
	} else if err != nil {
		return Captured{}, false, fmt.Errorf("lab: read capture queue: %w", err)
	}
	raw := c.record.RawSample
	if len(raw) < captureHeader {
		return Captured{}, false, fmt.Errorf("lab: read capture queue: record of %d bytes", len(raw))
	}
	n := min(int(binary.NativeEndian.Uint32(raw[4:])), len(raw)-captureHeader)
	return Captured{Tag: binary.NativeEndian.Uint32(raw), Frame: raw[captureHeader : captureHeader+n]}, true, nil
}

// Close gives the devices back to their stacks.
func (c *Capture) Close() error {
	var failures []error
	for _, l := range c.links {
		failures = append(failures, l.Close())
	}
	for _, p := range c.progs {
		failures = append(failures, p.Close())
	}
	return errors.Join(append(failures, c.reader.Close(), c.ring.Close())...)
}
