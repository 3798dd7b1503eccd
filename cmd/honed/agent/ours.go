package agent

import "maps"

// ours are the ids of programs that honed has attached, so that a Snapshot's are not taken for somebody else's. It may show
// one that has been replaced since; the ones of long ago are of no use.
type ours struct {
	ids  map[uint32]bool
	past []uint32 // those that run no more, in order
}

// maxPast is how many ids are remembered of programs that run no more.
const maxPast = 4096

// replace notes that one program runs in place of another; 0 is none.
func (o *ours) replace(old, id uint32) {
	if id != 0 {
		o.ids[id] = true
	}
	if old == 0 || old == id {
		return
	}
	if o.past = append(o.past, old); len(o.past) > maxPast {
		delete(o.ids, o.past[0])
		o.past = o.past[1:]
	}
}

// has tells whether a program is one of ours.
func (o *ours) has(id uint32) bool { return o.ids[id] }

// snapshot answers the same as has, whatever changes afterwards.
func (o *ours) snapshot() func(id uint32) bool {
	ids := maps.Clone(o.ids)
	return func(id uint32) bool { return ids[id] }
}
