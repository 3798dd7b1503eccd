// Package emit turns an ir.Program into eBPF: a cilium/ebpf CollectionSpec that loads on the kernel that Kernel
// describes. It is pure and deterministic; nothing here touches the kernel.
//
// The stages, a file or two each:
//
//	lower      values become instructions over virtual registers (code.go): value, arith, compare, lookup, kernelcall, stub
//	allocate   virtual registers become eBPF's, by the interference graph (live, color); what does not fit is made
//	           anew (recipe), kept on the stack during rare calls, or kept there for good (spill)
//	arrange    blocks are put where the likely path falls through (layout)
//	encode     registers are saved around calls, jumps get their distances
//
// The blocks of a program stand in topological order, so that until they are arranged every jump goes forward and each
// analysis is one pass.
//
// A packet that is forwarded should cost no more than it must. Hence what is rare never costs the likely path anything:
// guards jump to stubs behind the program; registers r6 to r9, which the JIT saves on every run, are used last; a value
// that only a rare arm needs is loaded again there. The helper that tells the CPU's number is inlined by the verifier,
// which then also drops the stores and loads around it (frameCalls).
//
// Host byte order is taken to be little-endian.
package emit
