package ir

import (
	"encoding/binary"
	"fmt"
)

// shift moves the beginning of the packet.
func (e *evaluator) shift(v *Value) error {
	if len(e.pkt) < shiftBytes[v.Op] {
		return fmt.Errorf("packet of %d bytes", len(e.pkt))
	}
	if v.Op == OpPop {
		e.pkt = e.pkt[4:]
	} else {
		e.pkt = append(make([]byte, 4, 4+len(e.pkt)), e.pkt...)
	}
	var words [24]byte
	for i, a := range v.Args {
		binary.LittleEndian.PutUint64(words[[]int{0, 8, 12}[i]:], e.num[a.ID])
	}
	copy(e.pkt, words[:12+4*(len(v.Args)-2)])
	e.trace("%s: %x", v.Op, e.pkt[:16])
	return nil
}

// trim changes the end of the packet; it tells whether it could not, and has left the program.
func (e *evaluator) trim(off, zeros uint64) (done bool) {
	e.trace("trim %d %d", off, zeros)
	if uint64(len(e.pkt)) < off+MinPacket {
		e.exit(&Exit{Kind: Abort})
		return true
	}
	e.pkt = append(e.pkt[:uint64(len(e.pkt))-off], make([]byte, zeros)...)
	return false
}
