package filter

import (
	"encoding/binary"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// plan is how a region is decided. It is made once for all the places where a program decides it.
type plan struct {
	*region             // without boxes that equal an earlier one
	lookups []look      // one for each shape
	classes *classifier // instead of lookups; with neither, few boxes are compared
	leaves  *ir.Table   // what becomes of the boxes, once it was asked for
}

// look is the lookup of the boxes of one shape.
type look struct {
	parts  []part
	words  int
	table  *Cuckoo // nil: every packet is in the box with the number always, less one
	always uint64
}

// plan is that of a region.
func (p *Path) plan(r *region) *plan {
	if old, ok := p.plans[r]; ok {
		return old
	}
	made := once(p.snapshot, r, func() plan {
		n := plan{region: r.pruned()}
		if len(n.boxes) > mostLinear {
			n.index()
		}
		return n
	})
	p.plans[r] = &made
	return &made
}

// fewShapes is how many lookups cost less than those of classes, as far as these are no more than manyBoxes.
const (
	fewShapes = 2
	manyBoxes = 1 << 16
)

// index makes lookups, if there are any that do.
func (n *plan) index() {
	shapes, of, ok := shapesOf(n.region)
	if !ok || len(shapes) > fewShapes && len(n.boxes) <= manyBoxes {
		leaders, answers := n.leaders()
		if n.classes = classify(n.region, answers); n.classes != nil {
			n.region = leaders
			return
		}
	}
	if !ok {
		return
	}
	for i, s := range shapes {
		l, ok := n.look(s, func(box int) bool { return of[box] == i })
		if !ok {
			n.lookups = nil
			return
		}
		n.lookups = append(n.lookups, l)
	}
}

// leaders is the first box of each leaf, which stands for all of them; answers tells, for each box, which one that is,
// plus one.
func (r *region) leaders() (leaders *region, answers []int) {
	leaders, place := &region{keys: r.keys}, map[int]int{}
	for i, of := range r.of {
		if place[of] == 0 {
			leaders.boxes, leaders.of = append(leaders.boxes, r.boxes[i]), append(leaders.of, of)
			place[of] = len(leaders.boxes)
		}
		answers = append(answers, place[of])
	}
	return leaders, answers
}

// pruned leaves out boxes that equal an earlier one.
func (r *region) pruned() *region {
	seen := map[string]bool{}
	n := &region{keys: r.keys}
	var key []byte
	for i, b := range r.boxes {
		key = key[:0]
		for _, s := range b {
			key = binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(key, s.lo), s.hi)
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			n.boxes, n.of = append(n.boxes, b), append(n.of, r.of[i])
		}
	}
	return n
}

// look makes the lookup of the boxes of one shape; false if there is none.
func (r *region) look(s shape, has func(box int) bool) (l look, ok bool) {
	l.parts, l.words = s.pack()
	var keys [][]uint64
	var answers []int
	for n, b := range r.boxes {
		if !has(n) {
			continue
		}
		if l.words == 0 {
			l.always = uint64(n) + 1
			return l, true
		}
		keys = append(keys, packed(l.parts, l.words, func(key int) uint64 { return b[key].lo }))
		answers = append(answers, n)
	}
	if l.table = NewCuckoo(keys, answers); l.table == nil {
		return l, false
	}
	l.table.table()
	return l, true
}

// leafTable is the leaves of the boxes, by number plus one.
func (p *plan) leafTable(d decision) *ir.Table {
	if p.leaves != nil {
		return p.leaves
	}
	t := &ir.Table{Kind: ir.Rows, Domain: slowpath.Config, Size: 1, RowSize: 8,
		Fields: []ir.Field{{Name: "to", Offset: 0, Width: 4}, {Name: "hit", Offset: 4, Width: 4}}}
	for t.Size <= len(p.boxes) {
		t.Size *= 2
	}
	t.Data = make([]byte, t.Bytes())
	for i, n := range p.of {
		at := t.Data[(i+1)*t.RowSize:]
		binary.NativeEndian.PutUint32(at, uint32(d.leaves[n].to))
		binary.NativeEndian.PutUint32(at[4:], uint32(d.leaves[n].hit))
	}
	t.Name = nameOf("leaf", t.Data)
	p.leaves = t
	return t
}
