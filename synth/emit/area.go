package emit

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// area is a place on the stack for what the kernel is asked and answers. Blocks of which no packet sees more than one
// share it.
type area struct {
	place  int16
	blocks []*ir.Block
}

// areaFor gives the block that is lowered a place of that many bytes.
func (l *lowering) areaFor(bytes int) int16 {
	for i := range l.areas[bytes] {
		a := &l.areas[bytes][i]
		if !l.meet(a.blocks) {
			a.blocks = append(a.blocks, l.block)
			return a.place
		}
	}
	l.areas[bytes] = append(l.areas[bytes], area{l.stack(bytes), []*ir.Block{l.block}})
	return l.areas[bytes][len(l.areas[bytes])-1].place
}

// meet tells whether a packet may come through one of the blocks to the one that is lowered.
func (l *lowering) meet(blocks []*ir.Block) bool {
	seen := map[*ir.Block]bool{}
	for len(blocks) > 0 {
		b := blocks[0]
		if blocks = blocks[1:]; b == l.block {
			return true
		}
		if !seen[b] {
			seen[b] = true
			blocks = append(slices.Clip(blocks), b.Successors()...)
		}
	}
	return false
}
