package emit

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/synth/ir"
)

var testKernel = Kernel{CPUs: 2, FIBLookup: true, CPUv4: true}

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
