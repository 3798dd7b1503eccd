package synth

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

func TestForwards(t *testing.T) {
	b := newBed(t, router(t), 2)
	frame := datagram()
	v := b.run(t, frame)
	if v.Kind != ir.RedirectExit || v.Oif != 3 {
		t.Fatalf("%v\n%s", v, b.program)
	}
	want := datagram(put(0, 2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1), put(22, 63), repair)
	if !bytes.Equal(v.Packet, want) {
		t.Errorf("sent %x\nwant %x", v.Packet, want)
	}
}

// TestFlapChangesNoOtherProgram takes a link down, by which the kernel loses its broadcast and connected routes: the
// program of another link goes on as it is, and so it does when the link comes up again.
func TestFlapChangesNoOtherProgram(t *testing.T) {
	up := parse(t, router(t))
	r1, _ := up.Links.Get(3)
	r1.Flags, r1.Carrier = r1.Flags&^(unix.IFF_UP|unix.IFF_RUNNING|unix.IFF_LOWER_UP), false
	down := *up
	down.Links = down.Links.With(3, r1)
	for key, r := range up.Routes4.All() {
		if r.Type != unix.RTN_LOCAL && len(r.Hops) == 1 && r.Hops[0].Index == 3 {
			down.Routes4 = down.Routes4.Without(key)
		}
	}
	fib := NewFIB(up)
	program := func(s *introspect.Snapshot) *ir.Program {
		p, err := Program(s, 2, tested, fib.Shape())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	before := program(up)
	for _, s := range []*introspect.Snapshot{&down, up} {
		if _, reshaped := fib.Update(s); reshaped || !SameCode(before, program(s)) {
			t.Errorf("the program is another (new tables: %v)", reshaped)
		}
	}
}
