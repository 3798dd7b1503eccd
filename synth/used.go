package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// Used lists the neighbours that programs have sent to, of those whose use the kernel wants to know, and the writes that
// clear their marks. read gives n bytes at an offset of a table.
func (f *FIB) Used(read func(table string, offset, n int) ([]byte, error)) ([]introspect.NeighKey, []ir.Write) {
	var used []introspect.NeighKey
	var clear []ir.Write
	for i := range f.rows.list {
		r := &f.rows.list[i]
		if r.refs == 0 || r.data.flags&flagTrack == 0 {
			continue
		}
		at := i*nexthopBytes + atUsed
		mark, err := read(tableNexthop, at, 4)
		if err != nil || len(mark) < 4 || binary.NativeEndian.Uint32(mark) == 0 {
			continue
		}
		for _, n := range r.needs() {
			used = append(used, introspect.NeighKey{Index: n.oif, Addr: n.via})
		}
		clear = append(clear, ir.Write{Table: tableNexthop, Offset: at, Data: bytes4(0)})
	}
	return used, clear
}
