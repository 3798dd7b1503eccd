// Package bench measures hone against the kernel and its peers in a lab of network namespaces: a generator, a router
// and a sink that are joined by veth pairs and share one CPU.
//
// The generator runs live frames (BPF_PROG_RUN with BPF_F_TEST_XDP_LIVE_FRAMES), the router's and the sink's NAPI run
// on its CPU after each batch, so that the rig paces itself and loses nothing. The figure is CPU time of the generator's
// thread a packet, softirq included; it holds generator, router and sink. A marginal figure has the cost of dropping at
// the router's ingress (subject "drop") subtracted. Subjects are measured by turns in windows, the smallest median of a
// round counts.
package bench
