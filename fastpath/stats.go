package fastpath

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// Stats is what the programs of a Port have counted since it was attached.
type Stats struct {
	Fast  uint64                      // forwarded by copied tables
	Live  uint64                      // forwarded by the live lookup
	Punts [slowpath.MaxReasons]uint64 // left to the kernel, by Reason
}

// Punted is the sum of the punts.
func (s *Stats) Punted() uint64 {
	var sum uint64
	for _, n := range s.Punts {
		sum += n
	}
	return sum
}

// Info describes the running program.
type Info struct {
	ID           uint32 // the kernel's number of the program, as in `bpftool prog`
	Instructions int    // after the verifier's rewriting
	Machine      int    // bytes of machine code
}

// counters are the numbers that the programs of one Port count, a stride for each CPU; they outlive the programs.
type counters struct {
	m   *ebpf.Map
	mem memory
}

// newCounters makes counters that are all zero.
func newCounters(spec *ebpf.MapSpec) (*counters, error) {
	m, err := ebpf.NewMap(spec.Copy())
	if err != nil {
		return nil, failed("make the map "+emit.MapStats, loadCause(err), err)
	}
	mem, err := mapMemory(m)
	if err != nil {
		_ = m.Close()
		return nil, failed("share the map "+emit.MapStats, nil, err)
	}
	return &counters{m: m, mem: mem}, nil
}

// sum adds up a counter at off over the CPUs.
func (c *counters) sum(off int) uint64 {
	var sum uint64
	for ; off < len(c.mem); off += emit.StatsStride {
		sum += c.mem.load(off)
	}
	return sum
}

func (c *counters) close() {
	c.mem.close()
	_ = c.m.Close()
}

// Stats reads the counters, without a system call. Programs go on counting meanwhile, so that numbers of one packet may
// be seen apart.
func (p *Port) Stats() (Stats, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return Stats{}, failed(fmt.Sprintf("read counters of interface %d", p.ifindex), nil, ErrClosed)
	}
	s := Stats{Fast: p.stats.sum(emit.CounterOffset(ir.CountFast)), Live: p.stats.sum(emit.CounterOffset(ir.CountLive))}
	for r := range s.Punts {
		s.Punts[r] = p.stats.sum(emit.ReasonOffset(slowpath.Reason(r)))
	}
	return s, nil
}

// Info asks the kernel about the running program.
func (p *Port) Info() (Info, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	action := fmt.Sprintf("describe the program of interface %d", p.ifindex)
	if p.run == nil {
		return Info{}, failed(action, nil, ErrClosed)
	}
	info, err := p.run.prog.Info()
	if err != nil {
		return Info{}, failed(action, nil, err)
	}
	id, _ := info.ID()
	translated, _ := info.TranslatedSize()
	machine, _ := info.JitedSize()
	return Info{ID: uint32(id), Instructions: translated / 8, Machine: int(machine)}, nil
}
