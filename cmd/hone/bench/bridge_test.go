package bench

import (
	"os"
	"testing"
	"time"
)

// TestBridgeRig sees that the bridge knows its stations and loses nothing, and that the hand-written bridge does the same.
func TestBridgeRig(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	r, err := newBridge(200, "0")
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, s := range []subject{kernelSubject, bareBridgeSubject} {
		before := r.arrived()
		speed, lost, err := r.measure(s, 100*time.Millisecond)
		if err != nil || lost > 0 || r.arrived() == before {
			t.Errorf("%s: %v, lost %d", s.name, err, lost)
		}
		t.Logf("%s: %.0f ns", s.name, speed.NS)
	}
}
