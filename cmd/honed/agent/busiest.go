package agent

import (
	"cmp"
	"slices"
	"time"

	"github.com/hone-net/hone/slowpath"
)

// busiest lists the faces, those first whose programs have seen most packets since the last time: each exchange of
// programs takes the kernel a grace period, and what waits for it longest should be what packets need least.
func (a *Agent) busiest() []*face {
	type rank struct {
		*face
		packets uint64
	}
	var ranks []rank
	for _, f := range a.faces {
		ranks = append(ranks, rank{f, f.traffic()})
	}
	slices.SortFunc(ranks, func(x, y rank) int {
		return cmp.Or(cmp.Compare(y.packets, x.packets), cmp.Compare(x.link.Index, y.link.Index))
	})
	faces := make([]*face, len(ranks))
	for i, r := range ranks {
		faces[i] = r.face
	}
	return faces
}

// traffic is the number of packets since the last time.
func (f *face) traffic() uint64 {
	if f.port == nil {
		return 0
	}
	stats, err := f.port.Stats()
	if err != nil {
		return 0
	}
	before := f.carried
	f.carried = stats.Fast + stats.Live + stats.Punted()
	return f.carried - before
}

// overtaken tells whether the kernel has announced a change of code meanwhile: a program made now would account for less
// than was announced, and be exchanged again.
func (a *Agent) overtaken(e slowpath.Epochs) bool {
	seen, err := a.seen()
	return err == nil && seen[slowpath.Config] != e[slowpath.Config]
}

// leeway is how long the program of an interface may wait while changes overtake each other.
const leeway = time.Second

// overdue tells whether the interface has waited for its program long enough; it begins to wait when first asked.
func (f *face) overdue(now time.Time) bool {
	if f.late.IsZero() {
		f.late = now
	}
	return now.Sub(f.late) >= leeway
}
