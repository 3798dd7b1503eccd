package filter

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Facts of Meta that are none of the kernel's keys, either: what kind of address the source and the destination are (RTN_*).
// Only chains that translate addresses, which programs do not follow, ask for them.
const (
	MetaSourceType = 1 << 9
	MetaDestType   = 1<<9 | 1
)

// lookupCells gives the bytes that a lookup in the routing tables leaves in registers; nil if nobody can tell.
func (d *reader) lookupCells(e introspect.Fib) []cell {
	if !d.at.nat || e.Result != unix.NFT_FIB_RESULT_ADDRTYPE {
		return wayBack(e, d.at)
	}
	switch e.Flags {
	case unix.NFTA_FIB_F_SADDR:
		return nativeCells(Field{Meta, MetaSourceType, 4})
	case unix.NFTA_FIB_F_DADDR:
		return nativeCells(Field{Meta, MetaDestType, 4})
	}
	return nil
}

// xtAddressType asks for kinds of addresses. Of IPv6 it looks them up in its own way (match_type6), which is the same for those of
// the host.
func (d *reader) xtAddressType(b []byte) (all []question, ok bool) {
	const notSource, notDest, local = 1, 2, 1 << unix.RTN_LOCAL
	flags := native32At(b, 4)
	if !d.at.nat || flags&^(notSource|notDest) != 0 {
		return nil, false
	}
	for i, at := range []int{MetaSourceType, MetaDestType} {
		kinds := native16At(b, 2*i)
		if d.in.Six && kinds&^local != 0 {
			return nil, false
		}
		if kinds == 0 {
			continue
		}
		q := question{parts: [][]cell{nativeCells(Field{Meta, at, 4})}, not: flags&(notSource<<i) != 0}
		for kind := range uint32(16) {
			if kinds&(1<<kind) != 0 {
				n := binary.NativeEndian.AppendUint32(nil, kind)
				q.all = append(q.all, element{{n, n}})
			}
		}
		all = append(all, q)
	}
	return all, true
}
