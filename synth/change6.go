package synth

import (
	"slices"

	"github.com/hone-net/hone/synth/ir"
)

// change gives the words that stand there for p, or for a shorter prefix, a new answer. Entries says by how many p is more
// or fewer.
func (t *trie6) change(p prefix6, c cell, entries int32) {
	if t.leaves {
		t.changeFront(p, c, entries)
		return
	}
	if t.focus.meets(p) {
		t.changeFocus(p, c, entries)
	}
	switch {
	case t.focus.has(p):
	case p.len() == 0:
		t.fill(0, 1, span6{0, c})
	default:
		t.descend(0, 0, p, c, entries)
	}
}

// descend is change below a word, which the first from bits of p have led to.
func (t *trie6) descend(index, from int, p prefix6, c cell, entries int32) {
	var way []int // words that name nodes
	for from < p.len() {
		word := t.words[index]
		way = append(way, index)
		if word < ir.Node6 {
			t.attach(index, from, p, c)
			break
		}
		unit, skip, window := ir.Node6Of(word)
		if shared := t.shared(word, p); shared < skip || p.len() <= skip {
			t.insert(index, min(shared, p.len()-1), p, c)
			break
		}
		if t.adjust(index, from, p, entries) {
			break
		}
		index = unit*unitWords + atWords + p.part(skip, window)
		if from = skip + window; p.len() <= from {
			t.fill(index, 1<<(from-p.len()), span6{p.len(), c})
		}
	}
	t.lift(way)
}

// adjust accounts for more or fewer entries below a word, and makes its node anew, if it was built for many more or fewer.
func (t *trie6) adjust(index, from int, p prefix6, entries int32) (done bool) {
	unit, _, _ := ir.Node6Of(t.words[index])
	return t.balance(unit, entries, func() bool { return t.rebuild(index, p, from, t.other(unit)) })
}

// balance counts the entries below a node or fork, and tells whether it was made anew.
func (t *trie6) balance(unit int, entries int32, rebuild func() bool) (done bool) {
	t.nodes[unit].now += entries
	n := t.nodes[unit]
	if n.now > 0 && n.now <= n.built+n.built/2+2 && n.now >= n.built/4 {
		return false
	}
	if rebuild() {
		return true
	}
	t.nodes[unit].built = n.now // until then it is good enough
	return false
}

// lift brings the heights of nodes up to those of the nodes below them.
func (t *trie6) lift(way []int) {
	height := uint8(0)
	for _, index := range slices.Backward(way) {
		if word := t.words[index]; word >= ir.Node6 {
			unit, _, _ := ir.Node6Of(word)
			height = max(t.nodes[unit].height, height+1)
			t.nodes[unit].height = height
		}
	}
	t.steps = max(t.steps, int(height))
}

// shared is how many bits of p, up to a node's window, are those that the node wants. All bits above the half that has the
// window are.
func (t *trie6) shared(word uint32, p prefix6) int {
	_, skip, _ := ir.Node6Of(word)
	return min(t.path(word, p).common(p), skip)
}

// path is the bits above the window of a node on the way to p.
func (t *trie6) path(word uint32, p prefix6) prefix6 {
	unit, skip, window := ir.Node6Of(word)
	above := uint64(t.words[unit*unitWords]) | uint64(t.words[unit*unitWords+1])<<32
	above <<= 63 - (skip+window-1)&63
	if skip < 64 {
		return newPrefix6(above, 0, skip)
	}
	return newPrefix6(p.hi, above, skip)
}

// span6 is a change: words that stand there for a prefix of at most limit bits get a new answer.
type span6 struct {
	limit int
	cell
}

// fill applies a span to count words at index, and to the nodes that they name.
func (t *trie6) fill(index, count int, s span6) {
	run := 0 // words before i that were written and not yet noted
	for i := index; i < index+count; i++ {
		word := t.words[i]
		if word < ir.Node6 && int(t.depth[i]) <= s.limit && (word != s.word || t.depth[i] != s.depth) {
			t.words[i], t.depth[i] = s.word, s.depth
			run++
			continue
		}
		t.note(i-run, run)
		run = 0
		if word >= ir.Node6 {
			unit, _, window := ir.Node6Of(word)
			t.fill(unit*unitWords+atOther, 1, s)
			t.fill(unit*unitWords+atWords, 1<<window, s)
		}
	}
	t.note(index+count-run, run)
}

// attach lets a word that was an answer name a node for p.
func (t *trie6) attach(index, from int, p prefix6, c cell) {
	word, ok := t.build([]entry[prefix6]{{p, uint16(c.word)}}, from, cell{t.words[index], t.depth[index]})
	if !ok {
		t.overflow = true
		t.forsake()
		return
	}
	t.publish(index, word, t.depth[index])
}

// insert puts a node for p above the one that a word names, where the ways to both part.
func (t *trie6) insert(index, part int, p prefix6, c cell) {
	old := t.words[index]
	unit, skip, _ := ir.Node6Of(old)
	plan := plan6{part, min(smallWindow, skip-part, 64-part&63)}
	above, ok := t.newNode(p, plan, t.other(unit))
	if ok {
		ok = t.place(above, plan, p, c) && t.adopt(above, plan, old, p)
	}
	if !ok {
		t.overflow = true
		t.forsake()
		return
	}
	n := t.nodes[unit]
	t.nodes[above].now, t.nodes[above].built = n.now+1, n.built+1
	below := above*unitWords + atWords + t.path(old, p).part(plan.skip, plan.window)
	t.publish(index, ir.Word6(above, plan.skip, plan.window), t.depth[index])
	if t.words[below] != old { // its copy took over, and all of it lies in p
		t.fill(below, 1, span6{p.len(), c})
		t.free[classOf(old)].put(t.journal, unit)
	}
}

// other is the answer of a node for addresses that are not below it.
func (t *trie6) other(unit int) cell {
	i := unit*unitWords + atOther
	return cell{t.words[i], t.depth[i]}
}

// place enters p into a new node.
func (t *trie6) place(unit int, plan plan6, p prefix6, c cell) bool {
	i, to := unit*unitWords+atWords+p.part(plan.skip, plan.window), plan.skip+plan.window
	if p.len() <= to {
		for j := i; j < i+1<<(to-p.len()); j++ {
			t.words[j], t.depth[j] = c.word, c.depth
		}
		t.nodes[unit].height = 1
		return true
	}
	word, ok := t.build([]entry[prefix6]{{p, uint16(c.word)}}, to, cell{t.words[i], t.depth[i]})
	t.words[i] = word
	t.nodes[unit].height = 1 + t.height(word)
	return ok
}

// adopt enters a node into a new one above it; if other addresses get another answer there, a copy of the node.
func (t *trie6) adopt(above int, plan plan6, word uint32, p prefix6) bool {
	i := above*unitWords + atWords + t.path(word, p).part(plan.skip, plan.window)
	unit, skip, window := ir.Node6Of(word)
	if over := (cell{t.words[i], t.depth[i]}); over != t.other(unit) {
		fresh, ok := t.take(window)
		if !ok {
			return false
		}
		from, to := unit*unitWords, fresh*unitWords
		copy(t.words[to:], t.words[from:][:atWords+1<<window])
		copy(t.depth[to:], t.depth[from:][:atWords+1<<window])
		t.words[to+atOther], t.depth[to+atOther] = over.word, over.depth
		t.nodes[fresh] = t.nodes[unit]
		word = ir.Word6(fresh, skip, window)
	}
	t.words[i] = word
	t.nodes[above].height = max(t.nodes[above].height, 1+t.height(word))
	return true
}
