package oracle

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// equal tells whether two runs of the same frames were the same.
func (r record) equal(o record) bool {
	return slices.EqualFunc(r.arrivals, o.arrivals, arrivals.equal) && r.counted.differences(o.counted) == ""
}

// TestKernelAgreesWithItself runs the packets of some configurations twice through the kernel. Only if these runs are
// equal does a difference between kernel and fast path say anything.
func TestKernelAgreesWithItself(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("short")
	}
	begin, packets := time.Now(), 0
	for i, c := range configs() {
		if i%8 != 0 && *onlyFlag == "" || !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c)
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			frames := b.generator(c, 1).frames(240)
			first, err1 := b.record(c, frames)
			second, err2 := b.record(c, frames)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			packets += 2 * len(frames)
			if !first.equal(second) { // only what differs again is more than a timer of the kernel's
				if first, err1 = b.record(c, frames); err1 != nil {
					t.Fatal(err1)
				}
			}
			for n := range first.arrivals {
				if !first.arrivals[n].equal(second.arrivals[n]) {
					t.Errorf("batch %d:\n%s", n, describe(first.arrivals[n], second.arrivals[n]))
				}
			}
			if text := first.counted.differences(second.counted); text != "" {
				t.Errorf("counted differently:\n%s", text)
			}
		})
	}
	t.Logf("told: %d packets in %v", packets, time.Since(begin))
}
