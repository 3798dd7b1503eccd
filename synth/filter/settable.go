package filter

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// SetTable is the elements of a named set in a table that changes in place. Entries move in it, so that it may only be
// written while no program looks into it.
type SetTable interface {
	// Follow changes the elements to those of another state of the set, and returns the writes that bring the table up to
	// date; false if it has to be made anew.
	Follow(old, s introspect.Set) (writes []ir.Write, ok bool)
	// Table is the table as programs have it, without contents, Image all of its contents.
	Table() *ir.Table
	Image() ir.Write
	// Find writes the lookup of a key that stands in words as Keys tells: zero if it is no element.
	Find(b *ir.Builder, words []*ir.Value) *ir.Value
	Keys() SetKeys
}

// SetKeys tells how the keys of a set stand in words.
type SetKeys struct{ pieces []setPiece }

// setPiece is bytes of a part of the key that stand together in a word of the table.
type setPiece struct {
	part, from, n int
	word          int
	shift         int
}

// maxSetWords bounds the words of a key.
const maxSetWords = 5

// LaySet lays out the keys of a set; false if it is none that can be followed in place: one with a name, of nothing but keys
// or, as kind says (introspect.SetInterval), intervals of keys.
func LaySet(s introspect.Set, kind uint32) (SetKeys, bool) {
	const all = introspect.SetInterval | introspect.SetMap | introspect.SetAnonymous
	if !plainSet(s) || s.Flags&all != kind || len(s.Fields) == 0 && s.KeyLen > 8*maxSetWords {
		return SetKeys{}, false
	}
	lengths := s.Fields
	if len(lengths) == 0 {
		lengths = []uint8{uint8(s.KeyLen)}
	}
	var k SetKeys
	words := k.lay(lengths)
	return k, words > 0 && words <= maxSetWords
}

// lay puts the bytes of a key into words, from the low end: the hash is the high bits of a product.
func (k *SetKeys) lay(lengths []uint8) (words int) {
	room := 0
	for i, n := range lengths {
		for from := 0; from < int(n); from += 8 {
			p := setPiece{part: i, from: from, n: min(8, int(n)-from)}
			if p.n > room {
				words, room = words+1, 8
			}
			p.word, p.shift = words-1, 8*(8-room)
			room -= p.n
			k.pieces = append(k.pieces, p)
		}
	}
	return words
}

// Keys is that of a SetTable.
func (k SetKeys) Keys() SetKeys { return k }

// words is how many a key takes.
func (k SetKeys) words() int { return k.pieces[len(k.pieces)-1].word + 1 }

// OnlyKey tells whether an element of a set is nothing but its key, or a bound of an interval.
func OnlyKey(e introspect.Element) bool {
	return e.Exprs == "" && e.Unknown == "" && e.Timeout == 0 && e.Object == "" && !e.Key.CatchAll
}

// Few tells whether a set has so few elements, or intervals, that they are better compared one after the other.
func Few(elements int) bool { return elements <= mostLinear }
