package synth

import "github.com/hone-net/hone/synth/ir"

// The focus of a route table is the prefix under which most nexthops are, so that what most hosts have, some networks side by
// side in one block of addresses, takes one step. It is part of the programs, and so chosen when the table is built; the
// entries in it are apart from all others.

// mostFocused is the number of entries up to which a table has a focus. Those of larger ones are not under one prefix.
const mostFocused = 1 << 12

// leastFocused is the number of entries that are worth a focus, since it costs a compare for addresses outside.
const leastFocused = 2

// The lengths of a focus, by family.
var (
	focusLengths4 = []int{8, 16}
	focusLengths6 = func() (all []int) {
		for n := 16; n <= ir.MostFocus; n += 8 {
			all = append(all, n)
		}
		return all
	}()
)

// focus is that of a table; of length 0, there is none.
type focus[P point[P]] struct {
	at      P
	lengths []int          // that it may have
	cut     func(P, int) P // the first bits of a prefix
	looked  int            // entries when it was chosen, or looked at again
}

// choose makes the best focus that of the table.
func (f *focus[P]) choose(entries *sorted[P]) {
	f.at, _ = f.best(entries)
	f.looked = entries.n
}

// best finds the prefix with the most nexthops that the bits after it tell apart; of equals the shortest. It gives their
// number.
func (f *focus[P]) best(entries *sorted[P]) (best P, most int) {
	var none P
	if entries.n > mostFocused {
		return none, 0
	}
	for _, length := range f.lengths {
		at, n := none, 0
		for e := range entries.from(none) {
			if !decidedAt(e, length) {
				continue
			}
			if p := f.cut(e.p, length); p != at {
				at, n = p, 0
			}
			if n++; n > most {
				best, most = at, n
			}
		}
	}
	if most < leastFocused {
		return none, 0
	}
	return best, most
}

// decidedAt tells whether an entry leads somewhere, and its last bits are those after the first length ones.
func decidedAt[P point[P]](e entry[P], length int) bool {
	return e.row >= fixedRows && e.p.len() > length && e.p.len() <= length+ir.FocusBits
}

// misplaced tells whether another focus would be much better. It looks again when the number of entries has changed by
// half.
func (f *focus[P]) misplaced(entries *sorted[P]) bool {
	if entries.n <= f.looked+f.looked/2+leastFocused && entries.n >= f.looked/2 {
		return false
	}
	f.looked = entries.n
	best, most := f.best(entries)
	if best == f.at {
		return false
	}
	now := 0
	for e := range entries.from(f.at) {
		if !f.has(e.p) {
			break
		}
		if decidedAt(e, f.at.len()) {
			now++
		}
	}
	return most > 2*now
}

func (f *focus[P]) is() bool { return f.at.len() > 0 }

// has tells whether an entry is one of the focus.
func (f *focus[P]) has(p P) bool { return f.is() && f.at.covers(p) }

// meets tells whether an entry is one of the focus, or covers it.
func (f *focus[P]) meets(p P) bool { return f.is() && (f.at.covers(p) || p.covers(f.at)) }

// end is the number of address bits that lead to a word of the focus.
func (f *focus[P]) end() int { return f.at.len() + ir.FocusBits }
