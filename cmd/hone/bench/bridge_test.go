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
	for _, tag := range []uint16{0, 5} {
		tryBridge(t, lan{stations: 200, netfilter: "0", tag: tag})
	}
}

func tryBridge(t *testing.T, l lan) {
	t.Helper()
	r, err := newBridge(l)
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
