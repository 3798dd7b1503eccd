package fastpath

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// Host is what the programs of a network namespace share: the epochs that the kernel has announced, and the tables.
type Host struct {
	kernel emit.Kernel
	seen   *ebpf.Map
	asks   *asks
	grace  *grace

	mu       sync.Mutex // guards tables and accounts
	tables   map[string]*table
	accounts *accounts // nil as long as no program asks for them
}

// Open makes a Host without tables. The map seen stays the caller's; it must live as long as the Host.
func Open(k emit.Kernel, seen *ebpf.Map) (*Host, error) {
	if seen == nil || seen.ValueSize() != 8*uint32(slowpath.NumDomains) {
		return nil, fmt.Errorf("fastpath: open: the map %s does not hold epochs", emit.MapSeen)
	}
	own, err := seen.Clone()
	if err != nil {
		return nil, failed("open: share the map "+emit.MapSeen, nil, err)
	}
	asks, err := newAsks()
	if err != nil {
		_ = own.Close()
		return nil, err
	}
	grace, err := newGrace()
	if err != nil {
		asks.close()
		_ = own.Close()
		return nil, err
	}
	return &Host{kernel: k, seen: own, asks: asks, grace: grace, tables: map[string]*table{}}, nil
}

// Tables provides the maps of these tables. A table that is there in the same shape is kept, contents and all. One of
// another shape gets a fresh map, all zeros but for what was counted: ports that were loaded with the old one punt, until they are swapped.
func (h *Host) Tables(tables []*ir.Table) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range tables {
		if !inMap(t.Kind) {
			continue
		}
		old := h.tables[t.Name]
		if old != nil && old.shape == shapeOf(t) {
			continue
		}
		made, err := newTable(t, h.kernel)
		if err != nil {
			return err
		}
		h.tables[t.Name] = made
		if old != nil {
			made.inherit(old)
			old.close()
		}
	}
	return nil
}

// Drop lets go of tables that nobody is to be vouched for with any more.
func (h *Host) Drop(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range names {
		if t := h.tables[name]; t != nil {
			delete(h.tables, name)
			t.close()
		}
	}
}

// Write changes tables, in order. Aligned words of 1, 2, 4 or 8 bytes are never torn, be it that several are written in a
// row, and each is seen after what was written before it.
func (h *Host) Write(writes []ir.Write) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range writes {
		t := h.tables[w.Table]
		if t == nil {
			return fmt.Errorf("fastpath: write table %q: no such table", w.Table)
		}
		if err := t.write(w); err != nil {
			return fmt.Errorf("fastpath: write table %q: %w", w.Table, err)
		}
	}
	return nil
}

// Read copies n bytes at off out of a table; of a Hash, the row of the key off, whatever n is.
func (h *Host) Read(name string, off, n int) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tables[name]
	if t == nil {
		return nil, fmt.Errorf("fastpath: read table %q: no such table", name)
	}
	b, err := t.read(off, n)
	if err != nil {
		return nil, fmt.Errorf("fastpath: read table %q: %w", name, err)
	}
	return b, nil
}

// Close releases the tables. Ports should be closed before; one that is not goes on with the tables as they are.
func (h *Host) Close() error {
	h.Forget()
	h.asks.close()
	h.mu.Lock()
	accounts := h.accounts
	h.mu.Unlock()
	if accounts != nil {
		accounts.close() // before what it waits with
	}
	h.grace.close()
	return h.seen.Close()
}

// current tells whether a program that was loaded with these tables reads what Write changes.
func (h *Host) current(used map[string]*table) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, t := range used {
		if h.tables[name] != t {
			return false
		}
	}
	return true
}

// pick finds the tables among the maps that a program wants.
func (h *Host) pick(spec *ebpf.CollectionSpec) (map[string]*table, error) {
	used := map[string]*table{}
	for name, m := range spec.Maps {
		if len(m.Contents) > 0 {
			continue // the program brings it along
		}
		switch name {
		case emit.MapSeen, emit.MapBuilt, emit.MapStats, emit.MapAsks, emit.MapAccounts:
			continue
		}
		t := h.tables[name]
		if t == nil {
			return nil, fmt.Errorf("no table %q", name)
		}
		used[name] = t
	}
	return used, nil
}

// Forget drops every table, so that the next Tables starts with empty ones. The ports that run are not vouched for until
// they are swapped.
func (h *Host) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, t := range h.tables {
		t.close()
		delete(h.tables, name)
	}
}
