// Package filter makes of a ruleset of nftables what it means to the forwarded packets of one interface: base chains in
// order, whose rules ask for fields of the packet and end in a verdict. Write appends them to a program.
//
// A rule that does anything but match, count and decide is the kernel's: packets that reach it are left to it, before
// anything has been done about them. So is what a rule asks that nobody can tell here. Packets that a rule or a policy
// drops are left to the kernel, too, which does so and says why.
package filter
