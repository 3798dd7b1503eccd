package fastpath

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2].Round(10 * time.Microsecond)
}

func TestHostKeepsTablesOfEqualShape(t *testing.T) {
	root(t)
	h, _ := toyHost(t, 7)
	must(t, h.Tables([]*ir.Table{nexthops, {Name: "own", Kind: ir.Set}, {Name: "live", Kind: ir.FIB}}))
	got, err := h.Read("nexthop", 16, 4)
	if err != nil || got[0] != 7 {
		t.Errorf("after Tables with an equal shape: %v, %v", got, err)
	}
	for _, name := range []string{"own", "live", "none"} {
		if _, err := h.Read(name, 0, 1); err == nil {
			t.Errorf("Read finds a table %q", name)
		}
	}
	wider := *nexthops
	wider.RowSize = 64
	must(t, h.Tables([]*ir.Table{&wider}))
	if got, err = h.Read("nexthop", 16, 4); err != nil || got[0] != 0 {
		t.Errorf("after Tables with another shape: %v, %v", got, err)
	}
}

func TestHostDropsTables(t *testing.T) {
	root(t)
	h, _ := toyHost(t, 7)
	h.Drop([]string{"nexthop", "none"})
	if _, err := h.Read("nexthop", 0, 1); err == nil {
		t.Error("a table is there that was dropped")
	}
	must(t, h.Tables([]*ir.Table{nexthops}))
	if got, err := h.Read("nexthop", 16, 4); err != nil || got[0] != 0 {
		t.Errorf("after Tables: %v, %v", got, err)
	}
}

// TestHostReplacesTablesOfAnotherFocus: words of one focus mean nothing under another.
func TestHostReplacesTablesOfAnotherFocus(t *testing.T) {
	root(t)
	h, _ := toyHost(t, 7)
	routes := ir.Table{Name: "route4", Kind: ir.LPM, Size: 256, Focus4: ir.Prefix{Addr: 0x0a000000, Len: 8}}
	must(t, h.Tables([]*ir.Table{&routes}))
	must(t, h.Write([]ir.Write{{Table: "route4", Offset: 0, Data: []byte{7, 0}}}))
	for _, focus := range []ir.Prefix{{Addr: 0x0b000000, Len: 8}, {}} {
		other := routes
		other.Focus4 = focus
		must(t, h.Tables([]*ir.Table{&other}))
		if got, err := h.Read("route4", 0, 2); err != nil || got[0] != 0 {
			t.Errorf("after Tables with focus %v: %v, %v", focus, got, err)
		}
		must(t, h.Tables([]*ir.Table{&routes}))
		must(t, h.Write([]ir.Write{{Table: "route4", Offset: 0, Data: []byte{7, 0}}}))
	}
}

func TestHostWritesHashes(t *testing.T) {
	root(t)
	h, _ := toyHost(t, 7)
	must(t, h.Tables([]*ir.Table{{Name: "device", Kind: ir.Hash, Size: 16, RowSize: 8}}))
	row := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	must(t, h.Write([]ir.Write{{Table: "device", Offset: 9, Data: row}, {Table: "device", Offset: 10, Data: row},
		{Table: "device", Offset: 10}, {Table: "device", Offset: 11}}))
	if got, err := h.Read("device", 9, 8); err != nil || !bytes.Equal(got, row) {
		t.Errorf("row 9 is %v, %v", got, err)
	}
	if got, err := h.Read("device", 10, 8); err != nil || got != nil {
		t.Errorf("row 10 is %v, %v", got, err)
	}
	if err := h.Write([]ir.Write{{Table: "device", Offset: 9, Data: row[:3]}}); err == nil {
		t.Error("Write takes a row that is too short")
	}
}

func TestMemoryWrites(t *testing.T) {
	m, want := make(memory, 64), make([]byte, 64)
	for _, w := range []struct{ off, n int }{{0, 1}, {3, 1}, {6, 2}, {8, 4}, {16, 8}, {17, 4}, {30, 2}, {33, 31}, {63, 1}, {64, 0}, {5, 3}} {
		data := bytes.Repeat([]byte{byte(0x10 + w.off)}, w.n)
		if w.n > 1 {
			data[0] = byte(w.n)
		}
		copy(want[w.off:], data)
		must(t, m.write(w.off, data))
	}
	if d := cmp.Diff(want, []byte(m)); d != "" {
		t.Error(d)
	}
	for _, w := range []struct{ off, n int }{{-1, 1}, {64, 1}, {60, 8}, {65, 0}, {1 << 62, 8}} {
		if m.write(w.off, make([]byte, w.n)) == nil {
			t.Errorf("write takes %d bytes at %d", w.n, w.off)
		}
	}
}

func TestOpenWantsEpochs(t *testing.T) {
	if _, err := Open(emit.Kernel{}, nil); err == nil {
		t.Error("Open works without seen")
	}
}

func FuzzMemoryWrite(f *testing.F) {
	f.Add(4, []byte{1, 2})
	f.Add(-8, []byte{1})
	f.Fuzz(func(t *testing.T, off int, data []byte) {
		m, want := make(memory, 32), make([]byte, 32)
		if m.write(off, data) == nil {
			copy(want[off:], data)
		}
		if !bytes.Equal(m, want) {
			t.Errorf("write(%d, %x) gives %x", off, data, m)
		}
	})
}
