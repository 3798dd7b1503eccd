package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/synth/ir"
)

// journal collects the writes of an update, in the order in which they are to be done.
type journal struct {
	on     bool // off while tables are built that are written as a whole
	writes []ir.Write
	spare  []byte // memory for the data of the next writes

	batch   *batch // nil: nothing has been let go since the last one
	resting *batch // the last one of which the writes are done
}

// spareBytes is how much memory for data is taken at a time.
const spareBytes = 1 << 12

// noteWords notes words.
func (j *journal) noteWords(table string, offset int, words []uint16) {
	if !j.on {
		return
	}
	data := j.space(2 * len(words))
	for i, w := range words {
		binary.NativeEndian.PutUint16(data[2*i:], w)
	}
	j.note(table, offset, data)
}

// noteLongs is noteWords for words of four bytes.
func (j *journal) noteLongs(table string, offset int, words []uint32) {
	if !j.on {
		return
	}
	data := j.space(4 * len(words))
	for i, w := range words {
		binary.NativeEndian.PutUint32(data[4*i:], w)
	}
	j.note(table, offset, data)
}

// noteBytes notes bytes or aligned words that mean something each by itself, or nothing yet.
func (j *journal) noteBytes(table string, offset int, data []byte) {
	if j.on {
		j.note(table, offset, append(j.space(len(data))[:0], data...))
	}
}

// space is memory for n bytes of data.
func (j *journal) space(n int) []byte {
	if len(j.spare) < n {
		j.spare = make([]byte, max(n, spareBytes))
	}
	data := j.spare[:n:n]
	j.spare = j.spare[n:]
	return data
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
