package ir

import (
	"bytes"
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestTrim takes bytes off the end of a packet of 20, and adds zeros.
func TestTrim(t *testing.T) {
	for _, c := range []struct {
		off, zeros uint64
		length     int // 0: the packet is given up
	}{{0, 0, 20}, {3, 0, 17}, {6, 0, 14}, {6, 46, 60}, {7, 46, 0}, {21, 0, 0}, {1 << 40, 0, 0}} {
		b := NewBuilder("trim")
		b.Trim(b.Const(c.off), b.Const(c.zeros))
		b.Redirect(b.Const(2))
		if err := Check(b.Program); err != nil {
			t.Fatal(err)
		}
		pkt := bytes.Repeat([]byte{0xff}, 20)
		v, err := Eval(b.Program, &Env{}, pkt)
		if c.length == 0 {
			if err != nil || v.Kind != Abort || v.Reason != slowpath.Aborted || !bytes.Equal(v.Packet, pkt) {
				t.Errorf("%+v: %v, %v", c, v, err)
			}
			continue
		}
		want := append(bytes.Repeat([]byte{0xff}, 20-int(c.off)), make([]byte, c.zeros)...)
		if err != nil || v.Kind != RedirectExit || !bytes.Equal(v.Packet, want) || len(want) != c.length {
			t.Errorf("%+v: %v %x, %v", c, v, v.Packet, err)
		}
	}
}
