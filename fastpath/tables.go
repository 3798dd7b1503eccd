package fastpath

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// table is a map that the programs of a host share. It is replaced, never reshaped: programs that were loaded with the
// old map go on reading what was there when it was replaced, and are not vouched for.
type table struct {
	shape shape
	m     *ebpf.Map
	mem   memory // nil for a Hash
}

// shape is what must be equal for a map to be kept.
type shape struct {
	kind                  ir.TableKind
	size, blocks, rowSize int
	focus                 ir.Prefix6
	focus4                ir.Prefix
}

func shapeOf(t *ir.Table) shape {
	return shape{t.Kind, t.Size, t.Blocks, t.RowSize, t.Focus, t.Focus4}
}

// inMap tells whether the kind of table is a map of its own: sets are code, the live lookup is a helper.
func inMap(k ir.TableKind) bool { return k.InMemory() || k == ir.Hash || k.Tracks() }

// newTable makes an empty map for a table.
func newTable(t *ir.Table, k emit.Kernel) (*table, error) {
	m, err := ebpf.NewMap(emit.MapSpec(t, k))
	if err != nil {
		return nil, failed("make the map of table "+t.Name, loadCause(err), err)
	}
	made := &table{shape: shapeOf(t), m: m}
	if t.Kind == ir.Hash {
		return made, nil
	}
	if made.mem, err = mapMemory(m); err != nil {
		_ = m.Close()
		return nil, failed("share table "+t.Name, nil, err)
	}
	return made, nil
}

func (t *table) close() {
	t.mem.close()
	_ = t.m.Close()
}

// write changes the table as w says.
func (t *table) write(w ir.Write) error {
	switch t.shape.kind {
	case ir.Hash:
	case ir.Tallies:
		return t.writeAll(w)
	default:
		return t.mem.write(w.Offset, w.Data)
	}
	key := binary.NativeEndian.AppendUint32(nil, uint32(w.Offset))
	if len(w.Data) > 0 {
		return t.m.Put(key, w.Data)
	}
	if err := t.m.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return err
	}
	return nil
}

// writeAll writes to the tallies of every CPU.
func (t *table) writeAll(w ir.Write) error {
	for at := 0; at < len(t.mem); at += t.shape.size * ir.TallySize {
		if err := t.mem.write(at+w.Offset, w.Data); err != nil {
			return err
		}
	}
	return nil
}

// sum adds up the numbers of eight bytes, n bytes at off, of the tallies of every CPU.
func (t *table) sum(off, n int) ([]byte, error) {
	stride := t.shape.size * ir.TallySize
	if off < 0 || n < 0 || off%8 != 0 || n%8 != 0 || off > stride || n > stride-off {
		return nil, fmt.Errorf("%d bytes at %d are outside of %d", n, off, stride)
	}
	sums := make([]byte, n)
	for i := 0; i < n; i += 8 {
		sum := uint64(0)
		for at := off + i; at < len(t.mem); at += stride {
			sum += t.mem.load(at)
		}
		binary.NativeEndian.PutUint64(sums[i:], sum)
	}
	return sums, nil
}

// inherit takes over what another table of tallies has counted.
func (t *table) inherit(old *table) {
	if t.shape.kind != ir.Tallies || old.shape.kind != ir.Tallies {
		return
	}
	to, from := t.shape.size*ir.TallySize, old.shape.size*ir.TallySize
	for cpu := 0; cpu*to < len(t.mem) && cpu*from < len(old.mem); cpu++ {
		for i := 0; i < min(to, from); i += 8 {
			t.mem.store(cpu*to+i, old.mem.load(cpu*from+i))
		}
	}
}

// read copies n bytes at off; of a Hash, the row of key off, all of it, or nothing if there is none; of Tallies, the sums
// over all CPUs.
func (t *table) read(off, n int) ([]byte, error) {
	if t.shape.kind == ir.Hash {
		row, err := t.m.LookupBytes(binary.NativeEndian.AppendUint32(nil, uint32(off)))
		return row, err
	}
	if t.shape.kind == ir.Tallies {
		return t.sum(off, n)
	}
	if off < 0 || n < 0 || off > len(t.mem) || n > len(t.mem)-off {
		return nil, fmt.Errorf("%d bytes at %d are outside of %d", n, off, len(t.mem))
	}
	return append([]byte(nil), t.mem[off:off+n]...), nil
}
