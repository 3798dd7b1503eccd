package emit

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/synth/ir"
)

var testKernel = Kernel{CPUs: 2, FIBLookup: true, CPUv4: true, Conntrack: &testConntrack}

// testConntrack is that of a kernel; programs made with it only load there.
var testConntrack = Conntrack{Lookup: 1, Release: 2, ChangeTimeout: 3, RdonlyCast: 4, Words: 5, HZ: 250, Timeout: 8, Tuple: 32,
	Stride: 56, Status: 128, Net: 136, Mark: 168, Ext: 176, Flags: 201, FlagsReply: 221, ExtNAT: 1, Masquerade: 4,
	Foreign: []int16{0, 6}}

// load hands a program to the verifier and gives the collection; a rejection shows the listing.
func load(t testing.TB, p *ir.Program, k Kernel) *ebpf.Collection {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	spec, err := Spec(p, k)
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		text, _ := Listing(p, k)
		var verdict *ebpf.VerifierError
		if errors.As(err, &verdict) {
			t.Fatalf("%+v\n%s", verdict, text)
		}
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(coll.Close)
	return coll
}

func TestForwarderLoads(t *testing.T) {
	p := forwarder()
	load(t, p, testKernel)
}
