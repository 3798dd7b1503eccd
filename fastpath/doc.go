// Package fastpath is the part of hone that touches the kernel: it asks what the kernel can do (Probe), keeps the
// tables that the programs of a network namespace share (Host), and runs one program on each interface (Port).
//
// Coherence rests on two words. The map `seen` is written by the kernel-side filters of package introspect while the
// kernel announces a change. The map `built` belongs to one loaded program: it is created with the program, filled
// with slowpath.Never before the program is attached, and set to the epochs that the caller vouches for (Port.Vouch).
// A program decides by copied facts only while the two are equal. A program that was replaced, or whose tables were
// replaced, is never vouched for again.
//
// Links are never pinned: if the process dies the interfaces are left to the kernel. Outlive sees to it that the
// filters live longer than the links.
//
// Everything happens in the network namespace of the calling thread. Errors wrap one of the Err values.
package fastpath
