package hone

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/hone-net/hone/"

// arrows says which rooms each room may import: ours by path below the module, and of the heavy libraries those named.
// A room that is not listed may import everything.
var arrows = map[string]string{
	"slowpath":         "",
	"slowpath/upkeep":  "netlink",
	"slowpath/lab":     "netlink mdlayher ebpf",
	"introspect":       "slowpath mdlayher ebpf",
	"synth/ir":         "slowpath",
	"synth/ir/irtest":  "slowpath synth/ir",
	"synth":            "introspect synth/filter synth/ir slowpath",
	"synth/filter":     "introspect synth/ir slowpath",
	"synth/emit":       "synth/ir slowpath ebpf",
	"specialize":       "synth/ir slowpath",
	"fastpath":         "synth/emit synth/ir slowpath ebpf",
	"control":          "",
	"control/packet":   "",
	"cmd/honed/config": "",
	"packaging/tally":  "",
	"packaging/vm":     "",
}

// libraries are the heavy ones, by the name that arrows uses.
var libraries = map[string]string{
	"mdlayher": "github.com/mdlayher/",
	"ebpf":     "github.com/cilium/ebpf",
	"netlink":  "github.com/vishvananda/",
	"nftables": "github.com/google/nftables",
	"cobra":    "github.com/spf13/cobra",
}

// TestArrows compares the imports of every package with the drawing in ARCHITECTURE.md.
func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		room := strings.TrimPrefix(words[0], module)
		allowed, listed := arrows[room]
		if !listed {
			continue
		}
		seen++
		for _, path := range words[1:] {
			if name := target(path); name != "" && !strings.Contains(" "+allowed+" ", " "+name+" ") {
				t.Errorf("%s imports %s", room, path)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d rooms of the drawing exist:\n%s", seen, out)
	}
}

// target names what an import path means in the drawing; "" where the drawing says nothing.
func target(path string) string {
	if ours, ok := strings.CutPrefix(path, module); ok {
		return ours
	}
	for name, prefix := range libraries {
		if strings.HasPrefix(path, prefix) {
			return name
		}
	}
	return ""
}
