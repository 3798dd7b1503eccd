package synth

// table4 is a route table of IPv4: a trie, or packed where that would be too large.
type table4 struct{ lpm[prefix] }

// newTable4 makes a table for about size prefixes, that is at least of the kind of least.
func newTable4(j *journal, table string, size int, least ViewShape) *table4 {
	if size > manyRoutes || least.Nodes > 0 {
		return &table4{newPacked(j, table)}
	}
	return &table4{newTrie(j, table)}
}

// seal starts over with a packed table if the trie has got too large while it was built.
func (t *table4) seal(least ViewShape) {
	if small, ok := t.lpm.(*trie); ok && small.overflow {
		p := newPacked(small.journal, small.table)
		p.prefixes = small.prefixes
		t.lpm = p
	}
	t.lpm.seal(least)
}

// larger is, of a trie that cannot grow, a packed table.
func (t *table4) larger() ViewShape {
	s := t.lpm.larger()
	if _, small := t.lpm.(*trie); small && s.Full && t.lpm.maximal() {
		return ViewShape{Table: s.Table, Blocks: minBlocks, Nodes: leastUnits}
	}
	return s
}

func (t *table4) maximal() bool {
	_, ok := t.lpm.(*packed)
	return ok && t.lpm.maximal()
}
