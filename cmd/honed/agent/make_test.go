package agent

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestPanicWhileMaking wants a panic of the maker where the agent can deal with it.
func TestPanicWhileMaking(t *testing.T) {
	b := newBed(t)
	b.announce()
	m := b.maker(b.epochs, false)
	m.snapshot = nil
	for _, f := range b.faces {
		f.due = f.reason == slowpath.None
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	for range m.all(b.busiest()) {
	}
}

// TestMakingStops wants nothing to be made behind the back of an agent that has seen enough.
func TestMakingStops(t *testing.T) {
	b := newBed(t)
	b.announce()
	for _, f := range b.faces {
		f.due = f.reason == slowpath.None
	}
	for m := range b.maker(b.epochs, true).all(b.busiest()) {
		if m.spec == nil || m.err != nil {
			t.Errorf("interface %d: %v", m.link.Index, m.err)
		}
		break
	}
	for index, f := range b.faces { // the race detector is the judge
		f.due = f.due || index == 0
	}
}
