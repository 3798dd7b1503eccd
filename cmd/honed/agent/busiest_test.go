package agent

import (
	"slices"
	"testing"
	"time"

	"github.com/hone-net/hone/slowpath"
)

// A program that would be out of date before it runs is not made, unless its interface has waited for long.
func TestOvertakenProgramsAreNotMade(t *testing.T) {
	b := newBed(t)
	b.announce()
	seen := b.seen
	ahead := slowpath.Epochs{slowpath.Any: 100, slowpath.Config: 1}
	b.seen = func() (slowpath.Epochs, error) { return ahead, nil }
	b.edit("mac=02:00:00:00:00:f0", "mac=02:00:00:00:00:aa")
	if did := b.announce(); slices.Contains(did, "swap 2 for 2") || slices.Contains(did, "vouch 2 for 2") {
		t.Errorf("overtaken: %q", did)
	}
	b.edit("mac=02:00:00:00:00:aa", "mac=02:00:00:00:00:f0")
	if did := b.announce(); slices.Contains(did, "swap 2 for 3") {
		t.Errorf("there and back: %q", did)
	}
	b.edit("mac=02:00:00:00:00:f0", "mac=02:00:00:00:00:aa")
	b.seen = seen
	b.inOrder(b.announce(), "swap 2 for 4")

	b.seen = func() (slowpath.Epochs, error) { return ahead, nil }
	b.edit("mac=02:00:00:00:00:aa", "mac=02:00:00:00:00:bb")
	b.announce()
	b.faces[2].late = time.Now().Add(-leeway)
	b.inOrder(b.announce(), "swap 2 for 6")
}

func TestBusiestInterfaceComesFirst(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.busiest()
	for _, busy := range []int{3, 2} {
		b.host.ports[busy].more += 7
		if first := b.busiest()[0]; int(first.link.Index) != busy {
			t.Errorf("interface %d is first, want %d", first.link.Index, busy)
		}
	}
}
