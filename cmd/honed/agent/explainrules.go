package agent

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// follow tells which rules the packet of a frame meets, and what the tracking of connections means to it.
func follow(x *control.Explanation, s *introspect.Snapshot, o Options, link introspect.Link, p *packet.Packet, frame []byte) {
	oif := 0
	if found, ok := synth.Find(s, int(link.Index), frame); ok && len(found.Hops) > 0 {
		oif = int(found.Hops[0].Index)
	}
	w, ok := synth.Walk(s, int(link.Index), oif, frame, p.Established)
	if !ok {
		return
	}
	for _, v := range w.Visits {
		x.Rules = append(x.Rules, visit(v))
	}
	if len(w.Visits) > 0 {
		x.Ruleset = w.End.String()
	}
	if w.Tracked {
		x.Tracking = tracking(p.Established, w.Translated, o.Config.Conntrack)
	}
}

var hookNames = map[uint32]string{unix.NF_INET_PRE_ROUTING: "prerouting", unix.NF_INET_FORWARD: "forward", unix.NF_INET_POST_ROUTING: "postrouting"}

func visit(v filter.Visit) control.Visit {
	c := control.Visit{Hook: hookNames[v.Stage.Hook], Family: familyNames[v.Chain.Family], Table: v.Chain.Table, Chain: v.Chain.Name,
		Matches: v.Matches, Outcome: v.Outcome}
	if v.Rule != nil {
		c.Handle, c.Comment = v.Rule.Handle, comment(v.Rule)
	}
	return c
}

// comment is that of a rule; those of iptables are matches.
func comment(r *introspect.ChainRule) string {
	for _, e := range r.Exprs {
		if m, ok := e.(introspect.Match); ok && m.Name == "comment" && r.Comment == "" {
			text, _, _ := strings.Cut(string(m.Info), "\x00")
			return text
		}
	}
	return r.Comment
}

// tracking is what to say of a packet where connections are tracked.
func tracking(established, translated bool, mode string) string {
	text := "taken for the first packet of a connection, which is the kernel's; say established for a later one"
	switch {
	case established && mode == config.Exact:
		text = "connections are tracked and conntrack is exact: the kernel decides"
	case established:
		text = "of an established connection: where it is fast, neither its checksum above IP nor its place in the TCP window is verified"
	}
	if translated {
		text += "; addresses are shown as if they were not translated"
	}
	return text
}

// untranslated stands for the kernel's table of connections: a packet belongs to an established one whose addresses are
// not translated if its description says so, else to none.
func untranslated(p *packet.Packet) (four, six func(args []uint64) []byte) {
	const lasting = 1<<1 | 1<<2 | 1<<3 // IPS_SEEN_REPLY, IPS_ASSURED, IPS_CONFIRMED
	row := func(size int, fields []ir.Field, names []string, args []uint64) []byte {
		values := map[string]uint64{"status": lasting, "reason": uint64(slowpath.ConntrackMiss)}
		if p.Established {
			values["reason"] = 0
		}
		for i, name := range names {
			values[name] = args[i]
		}
		return rowOf(size, fields, values)
	}
	four = func(args []uint64) []byte {
		return row(32, ir.ConntrackFields, []string{"source", "dest", "protocol", "sport", "dport"}, args)
	}
	six = func(args []uint64) []byte {
		return row(56, ir.Conntrack6Fields, []string{"sourcehi", "sourcelo", "desthi", "destlo", "protocol", "sport", "dport"}, args)
	}
	return four, six
}

// rowOf is a row with some of its fields set.
func rowOf(size int, fields []ir.Field, values map[string]uint64) []byte {
	row := make([]byte, size)
	for _, f := range fields {
		switch to := row[f.Offset:]; f.Width {
		case 2:
			binary.NativeEndian.PutUint16(to, uint16(values[f.Name]))
		case 4:
			binary.NativeEndian.PutUint32(to, uint32(values[f.Name]))
		case 8:
			binary.NativeEndian.PutUint64(to, values[f.Name])
		}
	}
	return row
}
