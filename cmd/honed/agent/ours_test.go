package agent

import (
	"testing"

	"github.com/hone-net/hone/introspect"
)

// TestOurProgramsAreKnown changes one interface again and again; the program of the other is ours all the same, however many
// came after it. It was taken for somebody else's once, after 4096.
func TestOurProgramsAreKnown(t *testing.T) {
	b := newBed(t)
	b.announce()
	first, second := b.faces[introspect.Index(2)], b.faces[introspect.Index(3)]
	for range 2*maxPast + 10 {
		b.host.nextID++
		port := b.host.ports[2]
		was := port.id
		port.id = b.host.nextID
		b.renew(made{face: first}, b.epochs)
		if !b.ours.has(first.id) || first.id != port.id || !b.ours.has(was) {
			t.Fatalf("after %d: the program or the one before it is not ours", port.id)
		}
	}
	if !b.ours.has(second.id) {
		t.Error("the program that stayed is somebody else's")
	}
	if n := len(b.ours.ids); n != maxPast+2 {
		t.Errorf("%d ids are remembered, not %d", n, maxPast+2)
	}
}
