package specialize

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/hone-net/hone/synth/ir"
)

var update = flag.Bool("specialize.update", false, "rewrite what the passes make in testdata")

// TestPasses runs the pass that a file of testdata is named after, or all passes for run.txt, on each program "before" and
// compares with the "after" that follows it.
func TestPasses(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < len(passes) {
		t.Errorf("%d files for %d passes", len(files), len(passes))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) { testFile(t, file, runOf(t, name)) })
	}
}

// runOf finds the pass of a name.
func runOf(t *testing.T, name string) func(*ir.Program) *ir.Program {
	for _, p := range passes {
		if p.name == name {
			return func(p0 *ir.Program) *ir.Program {
				q := p0.Clone()
				p.run(q)
				number(q)
				return q
			}
		}
	}
	if name != "run" {
		t.Fatalf("no pass %s", name)
	}
	return Run
}

func testFile(t *testing.T, file string, run func(*ir.Program) *ir.Program) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var before *ir.Program
	for i, f := range archive.Files {
		p, err := ir.Parse(string(f.Data))
		if err == nil {
			err = ir.Check(p)
		}
		if err != nil && !*update {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if strings.HasSuffix(f.Name, "before") {
			before = p
			continue
		}
		got := run(before).String()
		if *update {
			archive.Files[i].Data = []byte(got)
		} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
