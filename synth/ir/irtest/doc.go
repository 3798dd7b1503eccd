// Package irtest makes random programs, environments and packets, for tests that two ways of running a program agree:
// before and after the passes, in the evaluator and in the kernel. Everything comes from one seeded source, so a failed
// test that prints its seed can be repeated.
package irtest

import "math/rand/v2"

// Options restricts what random programs use. The zero value uses everything.
type Options struct {
	NoFIB  bool // no live lookups
	NoHash bool // no hash tables
	NoVLAN bool // no question about the frame's metadata
	Blocks int  // about how many blocks; 0 is 8
}

// New makes the source of a test's randomness.
func New(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// oneIn is true once in n times.
func oneIn(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// number picks a number near which things change.
func number(r *rand.Rand) uint64 {
	switch r.IntN(6) {
	case 0:
		return uint64(r.IntN(4))
	case 1:
		return 1 << r.IntN(64)
	case 2:
		return 1<<r.IntN(64) - 1
	case 3:
		return uint64(r.Uint32())
	case 4:
		return r.Uint64()
	}
	return uint64(r.IntN(256))
}
