package synth

import (
	"bytes"
	"testing"

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
