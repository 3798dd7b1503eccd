package synth

import (
	"math/bits"
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// plan6 is where a node has its window.
type plan6 struct{ skip, window int }

// roomy is by how many bits a window may be larger than the number of entries asks for, as long as there is room and there
// are no leaves: each node is memory that has to be waited for. Nodes of few entries have leastWindow.
const (
	roomy       = 4
	leastWindow = 8
)

// planOf chooses the window for entries that share their first from bits and are longer. It begins where two of them part
// or one ends, and is as wide as the entries are worth, but no wider than spares other nodes.
func (t *trie6) planOf(set []entry[prefix6], from int) plan6 {
	var lengths [129]int
	least := 128
	for _, e := range set {
		lengths[e.p.len()]++
		least = min(least, e.p.len())
	}
	skip := max(from, min(set[0].p.common(set[len(set)-1].p), least-1))
	end := 128
	if from < 64 {
		end = 64
	}
	if skip >= end { // the first half of the address has to be compared, too
		return plan6{max(from, end-smallWindow), end - max(from, end-smallWindow)}
	}
	window := min(t.windowFor(len(set)), ir.MaxWindow6, end-skip)
	longer := 0
	for _, n := range lengths[skip+window+1:] {
		longer += n
	}
	for longer <= len(set)/2 && lengths[skip+window] == 0 { // the last bit parts few of them
		window--
	}
	return plan6{skip, window}
}

// windowFor is how many bits part n entries as they are worth.
func (t *trie6) windowFor(n int) int {
	if t.leaves {
		return max(bits.Len(uint(n)), smallWindow)
	}
	return max(bits.Len(uint(n))+t.roomy, leastWindow-roomy+t.roomy)
}

// build makes the node for entries that share their first from bits and are longer, and those below it; over is the answer
// for all other addresses. Entries stand in order.
func (t *trie6) build(set []entry[prefix6], from int, over cell) (word uint32, ok bool) {
	p := t.planOf(set, from)
	unit, ok := t.newNode(set[0].p, p, over)
	if !ok {
		return 0, false
	}
	base, to := unit*unitWords+atWords, p.skip+p.window
	height := uint8(0)
	for i := 0; i < len(set); {
		e := set[i]
		index := e.p.part(p.skip, p.window)
		if e.p.len() <= to {
			for j := range 1 << (to - e.p.len()) {
				t.words[base+index+j], t.depth[base+index+j] = uint32(e.row), e.p.bits
			}
			i++
			continue
		}
		first := i
		for i < len(set) && set[i].p.part(p.skip, p.window) == index {
			i++
		}
		below, ok := t.build(set[first:i], to, cell{t.words[base+index], t.depth[base+index]})
		if !ok {
			return 0, false
		}
		t.words[base+index] = below
		height = max(height, t.height(below))
	}
	t.nodes[unit] = node6{now: int32(len(set)), built: int32(len(set)), height: height + 1}
	return ir.Word6(unit, p.skip, p.window), true
}

// newNode makes a node in which every word is the same answer.
func (t *trie6) newNode(path prefix6, p plan6, over cell) (unit int, ok bool) {
	unit, ok = t.take(p.window)
	if !ok {
		return 0, false
	}
	base := unit * unitWords
	above := path.half(p.skip) >> (63 - (p.skip+p.window-1)&63) &^ (1<<p.window - 1)
	t.words[base], t.words[base+1] = uint32(above), uint32(above>>32)
	for i := base + atOther; i < base+atWords+1<<p.window; i++ {
		t.words[i], t.depth[i] = over.word, over.depth
	}
	t.words[base+atOther+1] = 0
	return unit, true
}

// height is the number of nodes that a walk from a word on visits at most.
func (t *trie6) height(word uint32) uint8 {
	if word < ir.Node6 {
		return 0
	}
	unit, _, _ := ir.Node6Of(word)
	return t.nodes[unit].height
}

// rebuild makes the word at index anew, for the entries that share the first from bits of p and are longer; over is the
// answer for what they do not cover. It tells whether there was room.
func (t *trie6) rebuild(index int, p prefix6, from int, over cell) bool {
	slot := newPrefix6(p.hi, p.lo, from)
	set := t.below(slot)
	if !t.focus.has(slot) {
		set = slices.DeleteFunc(set, func(e entry[prefix6]) bool { return t.focus.has(e.p) })
	}
	word, depth := over.word, over.depth
	if len(set) > 0 {
		var ok bool
		if word, ok = t.build(set, from, over); !ok {
			t.forsake()
			return false
		}
	}
	old := t.words[index]
	t.publish(index, word, depth)
	t.let(old)
	t.steps = max(t.steps, int(t.height(word)))
	return true
}
