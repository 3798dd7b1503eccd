// Package specialize rewrites a packet program into one that does the same for every packet, for less.
//
// Run works on a copy and applies the passes of one list, in specialize.go, until the program stays as it is. A pass is a
// function of the program, one a file; it cannot fail, since what it does not know how to improve it leaves alone. After
// each one the program keeps the rules of ir.Check.
//
//	straighten  makes one block of blocks that only follow each other, and a guard of a branch that may just punt
//	inline      makes compares of lookups in small sets
//	fold        computes what does not depend on the packet
//	cse         computes equal values once
//	guard       drops conditions that a guard or a branch above has settled
//	bound       asks for the length of the frame once
//	narrow      picks cheaper loads and compares: no byte swap where bytes are compared for equality
//	sieve       lets a number pass many guards at once
//	sink        computes values close to their use, in the arm that needs them
//	dead        removes what nothing needs
//
// "The same" is meant by ir.Eval: verdict, Reason, packet, interface, counters and marks. Only the Reason of a frame that
// is too short may become that of an earlier Bound.
//
// The order of reads is kept where it matters. A table is vouched for by an epoch that is read before it, so an epoch is
// never moved, and no read of a table is made earlier than it was. A load never moves across a store into its bytes. Nothing that can
// punt moves below a store.
//
// Each pass has a file of testdata with programs before and after it, which is also the quickest way to see what it does.
// Random programs compare the verdicts before and after each one.
package specialize
