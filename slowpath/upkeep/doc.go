// Package upkeep repairs the state of the kernel that bypassed kernel code would have written. A packet that the kernel
// forwards marks its neighbour as used, and a stale neighbour is then asked whether it is still there; a packet that a
// fast path forwards does not. Without upkeep a host that moved to another MAC without saying so would not be noticed.
package upkeep
