package synth

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/filter"
)

// NATUse is what the translation of addresses is to a packet.
type NATUse uint8

// The uses.
const (
	NATNone      NATUse = iota // the kernel translates nothing of its family
	NATAsked                   // it opens a connection, and chains say what to translate
	NATOfKnown                 // its connection says, and is known
	NATOfUnknown               // its connection says, and is not known: rules are told what they make of what is in the frame
)

// Bits of a connection's status once each translation is settled, whatever it is (IPS_SRC_NAT_DONE, IPS_DST_NAT_DONE).
const (
	statusSourceDone = 1 << 7
	statusDestDone   = 1 << 8
)

// natted is what chains have made of a packet that opens a connection. What there are three of is numbered like the frames of
// a trial.
type natted struct {
	takes  [3]bool      // a rule has translated it
	status [3]uint64    // of the connection, IPS_*
	unsure [3]bool      // that is not known
	blurs  [3][]section // bytes that the kernel chooses
	local  bool         // it goes to the host, by an address that is not known
	said   [2]string    // its destination, and its source, in words
}

// section is bytes of a frame.
type section struct{ from, to int }

// hidden tells whether some of the bytes are of the kernel's choice.
func (n *natted) hidden(by, from, to int) bool {
	return slices.ContainsFunc(n.blurs[by], func(s section) bool { return s.from < to && from < s.to })
}

// use tells what the translation of addresses is to the packet.
func (t *trial) use() NATUse {
	switch {
	case !t.tracked || !translates(t.snapshot, t.ip):
		return NATNone
	case t.connection.known():
		return NATOfKnown
	case t.opens:
		t.status = [3]uint64{0, statusDestDone, statusDestDone | statusSourceDone}
		return NATAsked
	}
	return NATOfUnknown
}

// first tells whether a packet of no connection opens one, by its header. Of TCP, what comes amid a connection may do so or be
// invalid; ICMP errors belong to others (tcp_new, nf_conntrack_icmp_packet, nf_conntrack_icmpv6_packet).
func (t *trial) first(frame []byte) bool {
	const atFlags, fin, syn, rst, ack = 13, 1, 2, 4, 16
	if !t.plain || len(frame) <= t.end {
		return true
	}
	switch frame[t.ip.protocol] {
	case unix.IPPROTO_TCP:
		return len(frame) > t.end+atFlags && frame[t.end+atFlags]&(fin|syn|rst|ack) == syn
	case unix.IPPROTO_ICMP:
		return t.ip.six || slices.Contains([]byte{8, 13, 15, 17}, frame[t.end]) // echo, time stamp, information, address mask
	case unix.IPPROTO_ICMPV6:
		return !t.ip.six || slices.Contains([]byte{128, 139}, frame[t.end]) // echo, node information
	}
	return true
}

// legacyNAT are the tables of iptables-legacy that translate. Their rules are not read.
var legacyNAT = map[bool]introspect.Name{false: "iptables nat", true: "ip6tables nat"}

// elsewhere is what to say of the packet's route where it is not that of its destination, or nobody knows.
func (t *trial) elsewhere(w *Walked) string {
	_, legacy := t.snapshot.Hooks.Get(legacyNAT[t.ip.six])
	switch {
	case t.local:
		return "local by an address of " + t.link.Name
	case legacy && t.connection == nil && !w.Untracked && w.End == filter.Passes:
		w.End = filter.Undecided
		return "not known: iptables-legacy has a table nat"
	case w.NAT == NATAsked && w.End == filter.Undecided && len(w.Visits) > 0 &&
		compareStages(w.Visits[len(w.Visits)-1].Stage, stageTranslatesDest) <= 0:
		return "not known: chains of type nat may give it another destination"
	}
	return ""
}

// route finds by which interface the packet leaves, and tells whether it is forwarded.
func (t *trial) route() filter.End {
	if t.local {
		return filter.Stays
	}
	found, ok := Find(t.snapshot, int(t.link.Index), t.frames[1])
	switch {
	case !ok:
		return filter.Passes
	case found.Route.Type != unix.RTN_UNICAST:
		return filter.Stays
	}
	t.hops = found.Hops
	elsewhere := func(h introspect.Hop) bool { return h.Index != t.hops[0].Index }
	if len(t.hops) > 0 && !slices.ContainsFunc(t.hops, elsewhere) {
		t.oif = int(t.hops[0].Index)
	}
	return filter.Passes
}
