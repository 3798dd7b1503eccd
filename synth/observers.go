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

// defaultRules are the rules that a network namespace starts with, by preference.
var defaultRules = map[uint32]uint32{0: tableLocal, 32766: tableMain, 32767: tableDefault}

// refuseRules wants the rules that every namespace starts with; without the last one, its table is just not used.
func refuseRules(s subject) verdict {
	found := map[uint32]bool{}
	for key, rule := range s.Rules4.All() {
		if !isDefault(rule) {
			return refused(slowpath.Rules, "rule with preference %d", key.Priority)
		}
		found[key.Priority] = true
	}
	if !found[0] || !found[32766] {
		return refused(slowpath.Rules, "a default rule is missing")
	}
	return accepted
}

func isDefault(r introspect.Rule) bool {
	table, ok := defaultRules[r.Key.Priority]
	plain := introspect.Rule{Key: r.Key, Action: unix.FR_ACT_TO_TBL, Table: table, SuppressPrefix: introspect.Nothing,
		SuppressGroup: introspect.Nothing, Src: r.Src, Dst: r.Dst, MarkMask: r.MarkMask}
	every := (!r.Src.IsValid() || r.Src.Bits() == 0) && (!r.Dst.IsValid() || r.Dst.Bits() == 0)
	return ok && every && r.Equal(plain)
}

var hookReasons = map[string]slowpath.Reason{
	"nft": slowpath.Netfilter, "netfilter": slowpath.Netfilter, "legacy": slowpath.LegacyTables, "ipvs": slowpath.IPVS,
	"xfrm": slowpath.XFRM,
}

// refuseHooks: programs do not compile filters yet, wherever these stand.
func refuseHooks(s subject) verdict {
	for _, hook := range s.Hooks.All() {
		if !hook.SeesIPv4() {
			continue
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

// refuseTaps: a packet socket is to be shown every packet, so that the kernel has to have them.
func refuseTaps(s subject) verdict {
	for _, tap := range s.Taps.All() {
		if (tap.Index == 0 || tap.Index == s.link.Index) && !tap.Harmless && seesIPv4(tap.Protocol) {
			return refused(slowpath.Tap, "a packet socket listens (inode %d)", tap.Key.Inode)
		}
	}
	return accepted
}

func seesIPv4(protocol uint16) bool { return protocol == unix.ETH_P_ALL || protocol == unix.ETH_P_IP }

// refuseSysctls: with ip_forward_use_pmtu the kernel forwards by what it has learned of paths, which nobody announces.
func refuseSysctls(s subject) verdict {
	if v, ok := s.Sysctls.Get("ipv4/ip_forward_use_pmtu"); ok && v.Value != "0" {
		return refused(slowpath.Unknown, "sysctl net.ipv4.ip_forward_use_pmtu is %s", v.Value)
	}
	return accepted
}
