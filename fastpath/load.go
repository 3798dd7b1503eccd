package fastpath

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
)

// loaded is one program in the kernel with the words that vouch for it. Both live and die together: words that were
// once equal to `seen` must not come to mean another program.
type loaded struct {
	prog   *ebpf.Program
	built  memory
	tables map[string]*table
}

// load puts the program of spec into the kernel, with the host's tables and the given stats, and vouches for nothing.
func (h *Host) load(spec *ebpf.CollectionSpec, stats *ebpf.Map) (*loaded, error) {
	built, err := ebpf.NewMap(spec.Maps[emit.MapBuilt].Copy())
	if err != nil {
		return nil, failed("make the map "+emit.MapBuilt, loadCause(err), err)
	}
	defer func() { _ = built.Close() }()
	words, err := mapMemory(built)
	if err != nil {
		return nil, failed("share the map "+emit.MapBuilt, nil, err)
	}
	l := &loaded{built: words}
	l.park()
	if err := h.loadInto(l, spec, map[string]*ebpf.Map{
		emit.MapSeen: h.seen, emit.MapBuilt: built, emit.MapStats: stats,
	}); err != nil {
		words.close()
		return nil, err
	}
	return l, nil
}

// loadInto loads the program with the given maps and the tables that it names.
func (h *Host) loadInto(l *loaded, spec *ebpf.CollectionSpec, maps map[string]*ebpf.Map) error {
	h.mu.Lock() // tables must not be replaced between being picked and being held by the program
	defer h.mu.Unlock()
	var err error
	if l.tables, err = h.pick(spec); err != nil {
		return failed("load program", nil, err)
	}
	for name, t := range l.tables {
		maps[name] = t.m
	}
	maps[emit.MapAsks] = h.asks.m
	if spec.Maps[emit.MapAccounts] != nil {
		if maps[emit.MapAccounts], err = h.openAccounts(); err != nil {
			return err
		}
	}
	for name := range maps {
		if spec.Maps[name] == nil {
			delete(maps, name)
		}
	}
	coll, err := Collect(spec, maps)
	if err != nil {
		return failed("load program", loadCause(err), err)
	}
	l.prog = coll.DetachProgram(emit.ProgramName)
	coll.Close()
	return nil
}

// Collect loads a program of emit, with these maps in the place of those of their names. It does so without the verifier's
// words, and asks for them only where they may help: it takes many seconds to write down why a program is too much to follow.
func Collect(spec *ebpf.CollectionSpec, maps map[string]*ebpf.Map) (*ebpf.Collection, error) {
	coll, err := collect(spec, maps, false)
	if err == nil || errors.Is(err, unix.E2BIG) {
		return coll, err
	}
	return collect(spec, maps, true)
}

func collect(spec *ebpf.CollectionSpec, maps map[string]*ebpf.Map, log bool) (*ebpf.Collection, error) {
	o := ebpf.CollectionOptions{MapReplacements: maps, Programs: ebpf.ProgramOptions{LogDisabled: !log}}
	p := spec.Programs[emit.ProgramName]
	if !callsModules(p.Instructions) {
		return ebpf.NewCollectionWithOptions(spec, o)
	}
	coll, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{Maps: spec.Maps}, o)
	if err != nil {
		return nil, err
	}
	prog, err := loadCalling(p, coll.Maps, log)
	if err != nil {
		coll.Close()
		return nil, err
	}
	coll.Programs = map[string]*ebpf.Program{emit.ProgramName: prog}
	return coll, nil
}

// park makes the program punt everything: no word of `seen` is ever Never. Any goes first, it guards the hot path.
func (l *loaded) park() {
	for d := range slowpath.NumDomains {
		l.built.store(8*int(d), slowpath.Never)
	}
}

// vouch says that the program accounts for everything up to e. Any goes last: it stands for all the others.
func (l *loaded) vouch(e slowpath.Epochs) {
	for d := slowpath.NumDomains - 1; ; d-- {
		if l.built.load(8*int(d)) != e[d] {
			l.built.store(8*int(d), e[d])
		}
		if d == slowpath.Any {
			return
		}
	}
}

// close lets go of the program; the kernel frees it when no interface runs it any more.
func (l *loaded) close() {
	_ = l.prog.Close()
	l.built.close()
}

// check refuses a spec that is not a program of ours, made for this kernel.
func (h *Host) check(spec *ebpf.CollectionSpec) error {
	if spec == nil || spec.Programs[emit.ProgramName] == nil {
		return fmt.Errorf("fastpath: load program: the collection holds no program %q", emit.ProgramName)
	}
	if len(spec.Programs) != 1 {
		return fmt.Errorf("fastpath: load program: the collection holds %d programs", len(spec.Programs))
	}
	built, stats := spec.Maps[emit.MapBuilt], spec.Maps[emit.MapStats]
	if built == nil || built.ValueSize != 8*uint32(slowpath.NumDomains) {
		return fmt.Errorf("fastpath: load program: no map %q of epochs", emit.MapBuilt)
	}
	if stats == nil || int(stats.ValueSize) != emit.StatsValue(h.kernel) {
		return fmt.Errorf("fastpath: load program: no map %q of counters for %d CPUs", emit.MapStats, h.kernel.CPUs)
	}
	return nil
}
