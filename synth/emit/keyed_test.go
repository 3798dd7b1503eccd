package emit_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// TestKeyed looks keys up that stand in their first place, in their second, and in none, also in the smallest of tables.
func TestKeyed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	for _, size := range []int{2, 16, 1024} {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 1))
		table := &ir.Table{Name: "keyed", Kind: ir.Keyed, Domain: slowpath.FDB, Size: size, RowSize: 16, Factor: r.Uint64() | 1,
			Fields: []ir.Field{{Name: "port", Offset: 8, Width: 4}}}
		data, keys, second := crowd(r, table)
		b := ir.NewBuilder("keyed")
		b.Bound(8, slowpath.Short)
		b.Redirect(b.Field(b.Lookup(b.Table(table), b.LoadLE(0, 8)), "port"))
		for _, p := range []*ir.Program{b.Program, specialize.Run(b.Program)} {
			agree := emit.Agree(t, p, emit.Kernel{CPUs: 2, CPUv4: true})
			for range 500 {
				key, want := keys[r.IntN(len(keys))], uint32(0)
				if r.IntN(4) == 0 {
					key = r.Uint64()
				}
				want = binary.NativeEndian.Uint32(data[table.Find(data, key)*16+8:])
				v, err := agree(&ir.Env{Tables: map[string][]byte{"keyed": data}}, binary.LittleEndian.AppendUint64(make([]byte, 0, 60), key)[:60])
				if err != nil || v.Oif != want {
					t.Fatalf("seed %d, %d rows: %v, want %d: %v", seed, size, v, want, err)
				}
			}
		}
		if size > 2 && second < size/20 {
			t.Errorf("seed %d: only %d of %d keys stand in their second place", seed, second, len(keys))
		}
	}
}

// crowd fills the table as far as it takes keys without moving any, and lists them; second of them stand in their second
// place.
func crowd(r *rand.Rand, t *ir.Table) (data []byte, keys []uint64, second int) {
	data = make([]byte, t.Bytes())
	binary.NativeEndian.PutUint32(data[t.Size*t.RowSize+8:], 7)
	for range 2 * t.Size {
		key := r.Uint64()
		one, two := t.Places(key)
		for i, at := range []int{one, two} {
			row := data[at*t.RowSize:]
			if binary.NativeEndian.Uint64(row) != 0 {
				continue
			}
			binary.NativeEndian.PutUint64(row, key)
			binary.NativeEndian.PutUint32(row[8:], uint32(100+len(keys)))
			keys, second = append(keys, key), second+i
			break
		}
	}
	return data, keys, second
}
