package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// The tables of the default rules.
const (
	tableDefault = unix.RT_TABLE_DEFAULT
	tableMain    = unix.RT_TABLE_MAIN
	tableLocal   = unix.RT_TABLE_LOCAL
)

// defaultRules are the rules that a network namespace starts with, by preference; IPv6 has not the last.
var defaultRules = map[uint32]uint32{0: tableLocal, 32766: tableMain, 32767: tableDefault}

func isDefault(r introspect.Rule) bool {
	table, ok := defaultRules[r.Key.Priority]
	plain := introspect.Rule{Key: r.Key, Action: unix.FR_ACT_TO_TBL, Table: table, SuppressPrefix: introspect.Nothing,
		SuppressGroup: introspect.Nothing, Src: r.Src, Dst: r.Dst, MarkMask: r.MarkMask}
	every := (!r.Src.IsValid() || r.Src.Bits() == 0) && (!r.Dst.IsValid() || r.Dst.Bits() == 0)
	return ok && every && r.Equal(plain)
}

var hookReasons = map[string]slowpath.Reason{
	"nft": slowpath.Netfilter, "conntrack": slowpath.Netfilter, "netfilter": slowpath.Netfilter,
	"legacy": slowpath.LegacyTables, "ipvs": slowpath.IPVS, "xfrm": slowpath.XFRM,
}

// refuseHooks: of what may see forwarded packets, programs follow chains that filter, where they are asked to. A VRF shows
// the packets of its members to prerouting once more, and behind that they come in by the VRF: those chains are not followed.
func refuseHooks(s subject, ip *layout) verdict {
	vrf, member := vrfOf(s.Snapshot, s.link)
	for _, hook := range s.Hooks.All() {
		if ip.six && !hook.SeesIPv6() || !ip.six && !hook.SeesIPv4() {
			continue
		}
		compiled := compiledHook(s.Snapshot, hook)
		if compiled && member {
			return refused(slowpath.VRF, "%s %s sees what vrf %s shows it", hook.Kind, hook.Name, vrf.Name)
		}
		if s.options.Ruleset && compiled || followed(s, hook) {
			continue
		}
		if compiled {
			return refused(slowpath.RulesetLarge, "%s %s: no program can follow the ruleset", hook.Kind, hook.Name)
		}
		if reason, ok := hookReasons[hook.Kind]; ok {
			return refused(reason, "%s %s", hook.Kind, hook.Name)
		}
		return refused(slowpath.Unknown, "hook of kind %s", hook.Kind)
	}
	return accepted
}

// Handles of the places where tc programs stand, from linux/pkt_sched.h.
const (
	handleIngress = 0xffff0000
	parentIngress = 0xfffffff1
	minorEgress   = 0xfffffff3
)

// tcIngress tells what of tc sees the packets that an interface receives.
func tcIngress(s *introspect.Snapshot, i introspect.Index) (string, bool) {
	for key, q := range s.Qdiscs.From(introspect.QdiscKey{Index: i}) {
		if key.Index != i {
			break
		}
		if q.Kind == "ingress" || q.Kind == "clsact" {
			return "qdisc " + q.Kind, true
		}
	}
	for key := range s.Filters.From(introspect.FilterKey{Index: i}) {
		if key.Index != i {
			break
		}
		if key.Parent >= handleIngress && key.Parent != minorEgress || key.Kind == "tcx" {
			return "filter " + key.Kind, true
		}
	}
	return "", false
}

func refuseFilters(s subject) verdict {
	if what, ok := tcIngress(s.Snapshot, s.link.Index); ok {
		return refused(slowpath.IngressFilter, "%s", what)
	}
	return accepted
}
