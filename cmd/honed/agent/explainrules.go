package agent

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/filter"
)

// follow tells which rules the packet of a frame meets, where it is routed to, and what the tracking of connections means to it.
func follow(x *control.Explanation, s *introspect.Snapshot, o Options, link introspect.Link, c *synth.Connection, note string, frame []byte) {
	w, ok := synth.Walk(s, int(link.Index), frame, c)
	if !ok {
		return
	}
	if x.Route = w.Route; x.Route == "" {
		x.Route, x.Neighbour = route(s, link, w.Routed)
	}
	for _, v := range w.Visits {
		x.Rules = append(x.Rules, visit(v))
	}
	if len(w.Visits) > 0 {
		x.Ruleset = w.End.String()
	}
	switch {
	case w.Untracked:
		x.Tracking = "not tracked: a rule says notrack, so that it has no connection and nothing is translated"
	case w.Tracked:
		x.Tracking = tracking(c, w, o.Config.Conntrack)
		if note != "" {
			x.Tracking += "; " + note
		}
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
func tracking(c *synth.Connection, w synth.Walked, mode string) string {
	text := "taken for the first packet of a connection, which is the kernel's; say established for a later one"
	switch {
	case c == nil && !w.Opens:
		text = "it opens no connection: the kernel knows whether it is of one; say established if it is"
	case c != nil && mode == config.Exact:
		text = "connections are tracked and conntrack is exact: the kernel decides"
	case c != nil:
		text = "of an established connection: where it is fast, neither its checksum above IP nor its place in the TCP window is verified"
	}
	if c.Translates() && w.NAT == synth.NATOfKnown {
		text += fmt.Sprintf("; it leaves from %s to %s", c.Source, c.Dest)
	}
	if c != nil && w.NAT != synth.NATNone {
		text += "; chains of type nat are not asked"
	}
	if w.NAT == synth.NATOfUnknown {
		text += "; addresses are shown as if they were not translated"
	}
	if w.Dest != "" {
		text += "; it goes to " + w.Dest
	}
	if w.Source != "" {
		text += "; it leaves from " + w.Source
	}
	return text
}
