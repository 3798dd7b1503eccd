package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRatios(t *testing.T) {
	r := Result{Case: "x", Subjects: map[string]Speed{"drop": {NS: 100}, "kernel": {NS: 900}, "bare": {NS: 180}, "hone": {NS: 200}}}
	r.addRatios("hone")
	for name, want := range map[string]float64{"hone/kernel": 4.5, "hone/kernel_marginal": 8, "hone/bare": 0.9, "hone/bare_marginal": 0.8} {
		if got := r.Ratios[name]; got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if len(r.Ratios) != 4 {
		t.Errorf("ratios: %v", r.Ratios)
	}
	var text bytes.Buffer
	r.WriteTable(&text)
	if !strings.Contains(text.String(), "marginal 100.0 ns") {
		t.Errorf("table:\n%s", text.String())
	}
}

func TestRunReportsJSON(t *testing.T) {
	if err := Run(context.Background(), Options{Out: io.Discard, Log: io.Discard}, []string{"nonsense"}); err == nil || !strings.Contains(err.Error(), "route4") {
		t.Errorf("unknown case: %v", err)
	}
	var out bytes.Buffer
	if err := (Document{Cases: []Result{{Case: "swap", Figures: map[string]float64{"lost": 0}}}}).WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back["cases"].([]any)) != 1 {
		t.Errorf("JSON %s: %v", out.String(), err)
	}
}

// TestHostIsLeftAlone: a honed that read the host's configuration would go where that sends it, perhaps to a namespace with
// somebody's interfaces.
func TestHostIsLeftAlone(t *testing.T) {
	if line := commandLine("honed", "/tmp/s"); !strings.Contains(line, " --config /dev/null ") {
		t.Errorf("honed of the lab: %s", line)
	}
}

// TestRig sees that the rig loses nothing by way of the kernel and of the hand-written program, and that a sink tells
// which way a frame took.
func TestRig(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	r, err := newRouter(3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, s := range []subject{kernelSubject, bareSubject, dropSubject} {
		speed, lost, err := r.measure(s, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if speed.NS <= 0 || s.drops != (lost > 0) {
			t.Errorf("%s: %v, lost %d", s.name, speed, lost)
		}
	}
	from := now()
	if _, err := r.send(1 << 10); err != nil {
		t.Fatal(err)
	}
	if a := r.sinks[0].read(byFirst); a.Stamp <= from || a.Stamp > now() {
		t.Errorf("the last frame carries %d, made between %d and %d", a.Stamp, from, now())
	}
	if a := r.sinks[0].read(bySecond); a.Count != 0 {
		t.Errorf("%d frames of a kind that nobody sent", a.Count)
	}
}
