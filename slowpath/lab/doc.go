// Package lab builds small networks out of network namespaces and veth pairs, and sends and captures frames one
// by one. The demo, the benchmarks and the tests that need root share it; cmd/hone/bench has the flood and its sinks.
//
//	gen            router                 sinks
//	a0 ----- r0 [ R ] r1 ----- b0
//	              r2 ----- b1 ...
//
// Everything lives in anonymous namespaces that vanish with the process; nothing outside of them is touched.
package lab
