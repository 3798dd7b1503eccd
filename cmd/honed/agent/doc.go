// Package agent is the loop that keeps programs true to the configuration: it reads what the kernel is configured to
// do, decides for each interface, and lets package fastpath run the programs. It is the only place where the packages
// meet. Package control says what it serves.
package agent
