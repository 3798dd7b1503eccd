package synth

import (
	"maps"
	"slices"
	"strings"
)

// maxInline is the number of own prefixes up to which compares are cheaper than asking the route table for the source.
const maxInline = 16

// inlined is the own prefixes in words, unless they are too many.
type inlined struct {
	known, fits bool
	text        string
}

// inlineOwn puts the own prefixes into words, without those that others cover.
func (v *view[P]) inlineOwn() inlined {
	var kept []string
	var last P
	for _, p := range slices.SortedFunc(maps.Keys(v.own), P.compare) {
		if v.martian(p) || len(kept) > 0 && last.covers(p) {
			continue
		}
		if len(kept) == maxInline {
			return inlined{known: true}
		}
		kept, last = append(kept, p.String()), p
	}
	return inlined{true, true, strings.Join(kept, " ")}
}
