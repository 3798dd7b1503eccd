package introspect

import (
	"encoding/binary"
	"strings"
)

// Families of netfilter (NFPROTO_*) and their hooks that x/sys does not name.
const (
	familyInet   = 1
	familyIPv4   = 2
	familyARP    = 3
	familyNetdev = 5
	familyBridge = 7
	familyIPv6   = 10

	sizeofNfgenmsg = 4

	hookPreRouting  = 0
	hookForward     = 2
	hookPostRouting = 4
	hookIngress     = 5 // of the inet family
)

var familyNames = map[byte]string{familyInet: "inet", familyIPv4: hookIPv4, familyIPv6: hookIPv6, familyNetdev: "netdev"}

// hookNames are the names of the hooks of bridges, by number.
var hookNames = [...]string{"prerouting", "input", "forward", "output", "postrouting"}

// nftHooks adds the base chains and flowtables of a Snapshot that can see forwarded packets.
func nftHooks(s *Snapshot, h hooks) {
	for k, c := range s.Chains.All() {
		if c.Base && hookSees(k.Family, c.Hook) {
			family := familyNames[k.Family]
			h.add("nft", family, strings.Join(append([]string{family, k.Table, k.Name}, c.Devices...), " "))
		}
	}
	for k := range s.Flowtables.All() {
		if family, ok := familyNames[k.Family]; ok {
			h.add("nft", family, "flowtable "+family+" "+k.Table+" "+k.Name)
		}
	}
}

// hookSees tells whether forwarded packets can pass a hook. Bridge and ARP hooks it does not pass, local input and output
// neither; what is not known, it may.
func hookSees(family byte, hook uint32) bool {
	switch family {
	case familyNetdev:
		return true // ingress and egress of a device
	case familyIPv4, familyIPv6, familyInet:
		return hook == hookPreRouting || hook == hookForward || hook == hookPostRouting || hook >= hookIngress
	}
	return false
}

// kindTracking is the kind of Hook that says that the kernel tracks the connections of a family.
const kindTracking = "conntrack"

func (h hooks) addTracking(family string) { h.add(kindTracking, family, kindTracking+" "+family) }

// plainExpressions are those that register no hook of their own. Others, ct and nat above all, make connection tracking
// hook into the path of every packet, wherever their chain stands. Objects that objref uses are judged by themselves.
var plainExpressions = map[string]bool{"bitwise": true, "byteorder": true, "cmp": true, "counter": true, "dup": true,
	"dynset": true, "exthdr": true, "fib": true, "fwd": true, "hash": true, "immediate": true, "inner": true, "last": true,
	"limit": true, "log": true, "lookup": true, "meta": true, "notrack": true, "numgen": true, "objref": true, "osf": true, "payload": true,
	"queue": true, "quota": true, "range": true, "reject": true, "rt": true, "socket": true, "tproxy": true, "xfrm": true}

// plainExtensions are the matches and targets of iptables of which the same is true.
var plainExtensions = map[string]bool{"addrtype": true, "comment": true, "tcp": true, "udp": true, "icmp": true, "icmp6": true,
	"multiport": true, "mark": true, "MARK": true, "mac": true, "limit": true, "tcpmss": true, "TCPMSS": true, "LOG": true,
	"NFLOG": true, "iprange": true, "length": true, "pkttype": true, "REJECT": true, "hl": true, "ttl": true, "dscp": true,
	"tos": true, "statistic": true}

// plainObjects are the types of stateful objects of which the same is true: counter, quota, limit, tunnel, secmark.
var plainObjects = map[uint32]bool{1: true, 2: true, 4: true, 6: true, 8: true}

// trackingExpressions are those for which the kernel is sure to track the connections of their chain's family, as long as
// they are in a rule (nf_ct_netns_get), and so are trackingExtensions of iptables. A chain that translates addresses does
// nothing without them.
var (
	trackingExpressions = map[string]bool{"ct": true, "nat": true, "masq": true, "redir": true}
	trackingExtensions  = map[string]bool{"conntrack": true, "state": true, "MASQUERADE": true, "SNAT": true, "DNAT": true,
		"REDIRECT": true, "NETMAP": true}
)

// trackingHooks adds the families whose connections the ruleset makes the kernel track. It stands in for the list of
// hooks where the kernel has none. Where it is in doubt, the hook is one of which nothing else is known.
func trackingHooks(s *Snapshot, h hooks) {
	var sure, perhaps [maxFamily]bool
	for k, c := range s.Chains.All() {
		own, maybe := c.tracks()
		sure[k.Family%maxFamily] = sure[k.Family%maxFamily] || own
		perhaps[k.Family%maxFamily] = perhaps[k.Family%maxFamily] || maybe
	}
	for k := range s.Objects.All() {
		perhaps[k.Family%maxFamily] = perhaps[k.Family%maxFamily] || !plainObjects[k.Type]
	}
	for k, v := range s.Sets.All() {
		perhaps[k.Family%maxFamily] = perhaps[k.Family%maxFamily] || strings.Contains(v.Exprs, "connlimit")
	}
	for family, own := range map[string]byte{hookIPv4: familyIPv4, hookIPv6: familyIPv6} {
		others := func(tracks [maxFamily]bool) bool {
			return tracks[own] || tracks[familyInet] || tracks[familyBridge]
		}
		switch {
		case others(sure):
			h.addTracking(family)
		case others(perhaps) || perhaps[familyNetdev]:
			h.add("netfilter", family, family+" perhaps "+kindTracking)
		}
	}
}

// maxFamily is NFPROTO_NUMPROTO, with room.
const maxFamily = 16

// tracks tells whether a rule of the chain makes the kernel track connections, or may do so.
func (c Chain) tracks() (sure, perhaps bool) {
	for _, r := range c.Rules {
		for _, e := range r.Exprs {
			own, maybe := exprTracks(e)
			sure, perhaps = sure || own, perhaps || maybe
		}
	}
	return sure, perhaps
}

func exprTracks(e Expr) (sure, perhaps bool) {
	switch e := e.(type) {
	case Match:
		return trackingExtensions[e.Name], !plainExtensions[e.Name]
	case Target:
		return trackingExtensions[e.Name], !plainExtensions[e.Name] && !Untracks(e)
	case Dynset:
		return false, strings.Contains(e.Exprs, "connlimit")
	}
	name := ExprName(e)
	return trackingExpressions[name], !plainExpressions[name]
}

// readBigU64 is readBigU32 of 64 bits.
func readBigU64(b []byte) (uint64, error) {
	if err := wantSize(b, 8); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

// readBigU32 reads an integer of network byte order, as netfilter sends them.
func readBigU32(b []byte) (uint32, error) {
	if err := wantSize(b, 4); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}
