package fastpath

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
)

// Mode is where a program is run.
type Mode uint8

// The modes.
const (
	Native  Mode = iota // in the driver, before the kernel makes a socket buffer of a frame
	Generic             // in the kernel, for drivers without XDP
)

// String gives the name of the mode as in honed's configuration.
func (m Mode) String() string {
	switch m {
	case Native:
		return "xdp"
	case Generic:
		return "xdp-generic"
	}
	return fmt.Sprintf("mode-%d", uint8(m))
}

func (m Mode) flags() link.XDPAttachFlags {
	if m == Generic {
		return link.XDPGenericMode
	}
	return link.XDPDriverMode
}

// ErrClosed is what a closed Port or Host answers.
var ErrClosed = errors.New("closed")

// Port is an interface with a program of ours on it.
type Port struct {
	host    *Host
	ifindex int
	mode    Mode
	link    link.Link
	stats   *counters

	mu  sync.Mutex
	run *loaded // nil once closed
}

// Attach puts the program of spec on an interface that has none. It punts everything until Vouch.
func (h *Host) Attach(ifindex int, spec *ebpf.CollectionSpec, mode Mode) (*Port, error) {
	if err := h.check(spec); err != nil {
		return nil, err
	}
	if ifindex < 1 {
		return nil, failed(fmt.Sprintf("attach to interface %d", ifindex), ErrGone, unix.ENODEV)
	}
	stats, err := newCounters(spec.Maps[emit.MapStats])
	if err != nil {
		return nil, err
	}
	run, err := h.load(spec, stats.m)
	if err != nil {
		stats.close()
		return nil, err
	}
	l, err := link.AttachXDP(link.XDPOptions{Program: run.prog, Interface: ifindex, Flags: mode.flags()})
	if err != nil {
		run.close()
		stats.close()
		return nil, failed(fmt.Sprintf("attach to interface %d as %s", ifindex, mode), linkCause(err, ifindex), err)
	}
	return &Port{host: h, ifindex: ifindex, mode: mode, link: l, stats: stats, run: run}, nil
}

// Index is the index of the interface.
func (p *Port) Index() int { return p.ifindex }

// Mode is where the program is run.
func (p *Port) Mode() Mode { return p.mode }

// Vouch says that the running program and the tables account for everything that was announced up to e. A program
// whose tables have been replaced since it was loaded is parked instead: it must be swapped first.
func (p *Port) Vouch(e slowpath.Epochs) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return
	}
	if !p.host.current(p.run.tables) {
		p.run.park()
		return
	}
	p.run.vouch(e)
}

// Park makes the program hand every packet to the kernel until the next Vouch.
func (p *Port) Park() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		p.run.park()
	}
}

// Attached tells whether the kernel still runs the program on the interface: not after the interface was deleted.
func (p *Port) Attached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return false
	}
	info, err := p.link.Info()
	return err == nil && info.XDP() != nil && info.XDP().Ifindex != 0
}

// Close takes the program off the interface; the kernel's own path goes on without a gap. It never fails hard: an
// interface that is gone has taken the program with it.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return nil
	}
	p.run.park()
	err := p.link.Close()
	p.run.close()
	p.run = nil
	p.stats.close()
	if err != nil {
		return failed(fmt.Sprintf("detach from interface %d", p.ifindex), nil, err)
	}
	return nil
}
