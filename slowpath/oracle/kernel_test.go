package oracle

import (
	"testing"
	"time"
)

// TestKernelAgreesWithItself runs the packets of some configurations twice through the kernel. Only if these runs are
// equal does a difference between kernel and fast path say anything.
func TestKernelAgreesWithItself(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("short")
	}
	begin, packets := time.Now(), 0
	for i, c := range configs() {
		if i%8 != 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c)
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			frames := b.generator(c, 1).frames(240)
			first := b.mustPlay(t, frames)
			second := b.mustPlay(t, frames)
			packets += 2 * len(frames)
			for n := range first {
				if !first[n].equal(second[n]) {
					t.Errorf("batch %d:\n%s", n, describe(first[n], second[n]))
				}
			}
		})
	}
	t.Logf("told: %d packets in %v", packets, time.Since(begin))
}
