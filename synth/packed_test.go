package synth

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hone-net/hone/synth/ir"
)

// bed4 is a packed table, what programs see of it, and the plain list of the entries.
type bed4 struct {
	table  *packed
	memory []byte
	plain  map[prefix]uint16
}

func newBed4() *bed4 {
	b := &bed4{plain: map[prefix]uint16{}}
	b.table = newPacked(&journal{}, "route4")
	return b
}

func (b *bed4) ir() *ir.Table {
	return (ViewShape{Blocks: b.table.size4.blocks, Nodes: b.table.size4.units}).route()
}

func (b *bed4) seal() {
	b.table.seal(ViewShape{})
	b.memory = make([]byte, b.ir().Bytes())
	copy(b.memory, b.table.image())
	b.table.journal.on = true
}

// set changes the table and the list; a row of 0 removes the entry.
func (b *bed4) set(p prefix, row uint16) {
	if row == 0 {
		delete(b.plain, p)
		b.table.remove(p)
		return
	}
	b.plain[p] = row
	b.table.set(p, row)
}

// slowly is the answer by the list.
func (b *bed4) slowly(addr uint32) (row uint16) {
	best := -1
	for p, r := range b.plain {
		if p.len() > best && newPrefix(addr, p.len()) == p {
			best, row = p.len(), r
		}
	}
	return row
}

// anyPrefix4 makes prefixes that often cover, or stand beside, one another.
func anyPrefix4(r *rand.Rand) prefix {
	addr := []uint32{10 << 24, 10<<24 | 1<<14, 10<<24 | 1<<13 | 1<<8, 10<<24 | 0xffff, 0xffffffff, 0, r.Uint32()}[r.IntN(7)]
	addr ^= uint32(r.IntN(4)) << r.IntN(31)
	return newPrefix(addr, []int{32, 24, 24, 23, 18, 16, 19, 25, r.IntN(33), 17 + r.IntN(16)}[r.IntN(10)])
}

// anyRow is mostly one of few, and seldom one that takes a node of words.
func anyRow(r *rand.Rand) uint16 {
	if r.IntN(20) == 0 {
		return uint16(10 + r.IntN(20))
	}
	return uint16(1 + r.IntN(6))
}

// near is an address in a prefix, at its edge, or past that.
func near(r *rand.Rand, p prefix) uint32 {
	switch mask := maskOf(p.len()); r.IntN(4) {
	case 0:
		return p.addr()
	case 1:
		return p.addr() | ^mask
	case 2:
		return p.addr() | r.Uint32()&^mask
	}
	return p.addr() ^ 1<<r.IntN(32)
}

// TestPacked: whatever comes and goes, the answers are those of the list; and while the words of changes are written, an
// address has the old answer or the new one. A table that says that it is full is made anew.
func TestPacked(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, round))
		b := newBed4()
		for range r.IntN(200) {
			b.set(anyPrefix4(r), anyRow(r))
		}
		b.seal()
		for step := range 150 {
			if r.IntN(3) == 0 {
				b.table.journal.rest()
			}
			if !b.step(t, r) {
				b = b.larger()
			}
			if t.Failed() {
				t.Fatalf("seed %d, round %d, step %d", seed, round, step)
			}
		}
	}
}

// larger is a table that has room for the same entries.
func (b *bed4) larger() *bed4 {
	other := newBed4()
	for p, row := range b.plain {
		other.set(p, row)
	}
	other.seal()
	return other
}

// step changes a few entries and looks at addresses around them, unless there is no room for them.
func (b *bed4) step(t *testing.T, r *rand.Rand) bool {
	type probe struct {
		addr       uint32
		old, fresh uint16
	}
	var changes []prefix
	for range 1 + r.IntN(5) {
		p := anyPrefix4(r)
		if r.IntN(2) == 0 {
			for q := range b.plain {
				p = q
				break
			}
		}
		changes = append(changes, p)
	}
	var probes []probe
	for range 12 {
		a := near(r, changes[r.IntN(len(changes))])
		probes = append(probes, probe{addr: a, old: b.slowly(a)})
	}
	for _, p := range changes {
		b.set(p, anyRow(r)*uint16(min(1, r.IntN(8))))
	}
	for i := range probes {
		probes[i].fresh = b.slowly(probes[i].addr)
	}
	b.table.flush()
	if b.table.shape().Full {
		return false
	}
	look := func() {
		for _, p := range probes {
			if got := b.ir().MatchPacked(b.memory, p.addr); got != p.old && got != p.fresh {
				t.Errorf("meanwhile %v is %d, neither %d nor %d", netipAddr(p.addr), got, p.old, p.fresh)
			}
		}
	}
	for _, w := range b.table.journal.writes {
		for i := 0; i < len(w.Data); i += 4 {
			end := min(i+4, len(w.Data))
			copy(b.memory[w.Offset+i:], w.Data[i:end])
			look()
		}
	}
	b.table.journal.writes = nil
	for _, p := range probes {
		if got := b.ir().MatchPacked(b.memory, p.addr); got != p.fresh {
			t.Errorf("%v is %d, want %d", netipAddr(p.addr), got, p.fresh)
		}
	}
	return true
}

// TestPackedRoom: a table without room says so, and a larger one has it.
func TestPackedRoom(t *testing.T) {
	b := newBed4()
	b.seal()
	for i := range uint32(100) { // more blocks than there are at first
		b.set(newPrefix(i<<16|5, 32), 3)
	}
	b.table.flush()
	s := b.table.shape()
	if larger := b.table.larger(); !s.Full || b.table.maximal() || larger.Blocks != 2*s.Blocks || larger.Nodes != s.Nodes {
		t.Errorf("%+v, then %+v", s, larger)
	}
	b = newBed4()
	b.seal()
	for i := range uint32(leastUnits + 1) { // more nodes
		b.set(newPrefix(i<<(32-ir.FirstPacked)|1<<8, 24), 3)
	}
	b.table.flush()
	s = b.table.shape()
	if larger := b.table.larger(); !s.Full || b.table.maximal() || larger.Blocks != s.Blocks || larger.Nodes != 2*s.Nodes {
		t.Errorf("%+v, then %+v", s, larger)
	}
}
