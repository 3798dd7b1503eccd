package synth

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// TestMetadataTellsPartialChecksums forwards over a veth whatever the frame's metadata does not call partial, also what
// the bytes alone would leave in doubt.
func TestMetadataTellsPartialChecksums(t *testing.T) {
	b := newBed(t, veth(router(t)), 2)
	o := tested
	o.VethSummed = true
	p, err := Program(b.snapshot, 2, o, b.fib.Shape())
	if err != nil {
		t.Fatal(err)
	}
	icmp, vxlan := put(23, 1), put(36, 0x12, 0xb5)
	for name, frame := range map[string][]byte{"udp": datagram(), "icmp": datagram(icmp, repair), "vxlan": datagram(vxlan),
		"looks partial": datagram(partialUDP), "no checksum": datagram(put(40, 0, 0))} {
		for _, b.env.Partial = range []bool{false, true} {
			v, err := ir.Eval(p, b.env, frame)
			if err != nil {
				t.Fatal(err)
			}
			if v.Kind == ir.RedirectExit == b.env.Partial || v.Kind == ir.Punt && v.Reason != slowpath.PartialChecksum {
				t.Errorf("%s, partial %v: %v", name, b.env.Partial, v)
			}
		}
	}
	o.Hook = "xdp-generic"
	if p, err = Program(b.snapshot, 2, o, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
	b.env.Partial = false
	if v, err := ir.Eval(p, b.env, datagram(partialUDP)); err != nil || v.Reason != slowpath.PartialChecksum {
		t.Errorf("generic: %v, %v", v, err)
	}
}
