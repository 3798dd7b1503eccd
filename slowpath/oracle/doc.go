// Package oracle holds the tests that ask a live kernel what it does with a packet and compare hone with it. No expected
// verdicts are written down: for every configuration and every packet, the fast path either leaves the packet to the
// kernel or sends the same bytes out of the same port as the kernel does.
//
// A configuration is a router with four ports in a namespace of its own, with IPv4 and, in about half of them, IPv6. All
// packets go through it twice: first without any program, then with what hone makes of the configuration; then once more
// after the kernel has announced a change of routes, so that the live lookup decides. What leaves the ports is compared,
// batch by batch. A batch that differs is taken apart until the packet is found.
package oracle
