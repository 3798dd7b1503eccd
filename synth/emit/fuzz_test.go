package emit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hone-net/hone/synth/ir"
	"github.com/hone-net/hone/synth/ir/irtest"
)

// FuzzSpec gives every program that Check accepts to Spec: it may refuse it, it may not fall over.
func FuzzSpec(f *testing.F) {
	files, err := filepath.Glob("testdata/*.ir")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d programs: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), 2, true)
	}
	f.Add(forwarder().String(), 64, false)
	for seed := range uint64(8) {
		f.Add(irtest.Program(irtest.New(seed), irtest.Options{}).String(), 1, true)
	}
	f.Fuzz(func(t *testing.T, text string, cpus int, v4 bool) {
		p, err := ir.Parse(text)
		if err != nil || len(text) > 1<<14 || ir.Check(p) != nil {
			return
		}
		k := Kernel{CPUs: cpus & 1023, FIBLookup: true, CPUv4: v4, VethTag: &VethTag{}}
		spec, err := Spec(p, k)
		if err == nil && len(spec.Programs[ProgramName].Instructions) == 0 {
			t.Error("no instructions")
		}
		if _, lerr := Listing(p, k); (err == nil) != (lerr == nil) {
			t.Errorf("Spec: %v, Listing: %v", err, lerr)
		}
	})
}

func BenchmarkSpec(b *testing.B) {
	p := forwarder()
	for b.Loop() {
		if _, err := Spec(p, testKernel); err != nil {
			b.Fatal(err)
		}
	}
}
