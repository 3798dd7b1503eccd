package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

// journal collects the writes of an update, in the order in which they are to be done.
type journal struct {
	on     bool // off while tables are built that are written as a whole
	writes []ir.Write
}

func (j *journal) note(table string, offset int, data []byte) {
	if j.on {
		j.writes = append(j.writes, ir.Write{Table: table, Offset: offset, Data: data})
	}
}

func bytes2(v uint16) []byte { return binary.NativeEndian.AppendUint16(nil, v) }
func bytes4(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
func bytes8(v uint64) []byte { return binary.NativeEndian.AppendUint64(nil, v) }

// powerOfTwo is the least one that is not below n.
func powerOfTwo(n, least int) int {
	for least < n {
		least *= 2
	}
	return least
}
