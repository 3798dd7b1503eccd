package filter

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// joined tells whether one of some keys is not that of a packet, but of several where these are joined: the length, or what
// the first one of them has (tcp_gro_receive and tcp_gro_complete in net/ipv4/tcp_offload.c). Of the flags of TCP, PSH and
// FIN may be those of another one.
func (in Ingress) joined(keys []Key) bool {
	return in.GRO != introspect.GROOff && slices.ContainsFunc(keys, func(k Key) bool {
		f := k.Field
		switch f.Base {
		case Meta:
			return f.At == MetaLen
		case Network:
			return f.At == 4 || !in.Six && (f.At == 2 || f == FieldSum) // the length; the identification and the checksum as well
		case Transport:
			return slices.Contains([]int{4, 6, 16}, f.At) // the sequence number, the length and checksum of UDP; that of TCP
		}
		return false
	})
}

// whole leaves packets to the kernel that may be joined where rules ask for keys that differ then; false if that is all.
func (w *writer) whole(keys []Key) bool {
	switch {
	case !w.path.in.joined(keys):
		return true
	case w.path.in.GRO == introspect.GROUDP:
		w.punt(slowpath.RulesetMatch)
		return false
	}
	w.GuardImm(ir.Eq, w.packet.Value(w.stage, fieldL4Proto), unix.IPPROTO_UDP, slowpath.RulesetMatch)
	return true
}

// whole tells whether keys are those of the packet.
func (w *walker) whole(keys []Key) bool {
	protocol, ok := w.trial.Value(w.stage, fieldL4Proto)
	return !w.in.joined(keys) || w.in.GRO == introspect.GROOn && ok && protocol == unix.IPPROTO_UDP
}
