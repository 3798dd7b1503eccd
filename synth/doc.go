// Package synth makes programs of a configuration: Refuse decides whether an interface can have one, Program writes it,
// and a FIB keeps the contents of the tables that it looks into. All of it is pure: equal Snapshots give equal results.
//
// The rule throughout is the allow-list. What is not understood is left to the kernel, with the Reason that names it.
package synth
