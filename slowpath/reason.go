// Package slowpath is the contract with the kernel: why a packet or an interface is left to it (Reason), which parts of
// the configuration a fast path depends on (Domain), and which changes the kernel makes without announcing them.
package slowpath

import "fmt"

// Reason says why a packet or an interface is left to the kernel. The list is closed: its numbers index the counters of
// the emitted programs, its names appear in `hone status`, metrics and documentation.
type Reason uint8

// MaxReasons is the number of counters that an emitted program keeps for Reasons; every Reason is smaller.
const MaxReasons = 128

// Reasons of a packet: the interface has a fast path, this packet is not for it.
const (
	None             Reason = iota // not a reason
	Moved                          // the kernel's configuration has moved on since the program was made
	Short                          // the frame is shorter than its headers
	OtherHost                      // the destination MAC is not exactly the interface's
	NotIP                          // another ethertype
	VLANTag                        // a VLAN tag in the metadata
	Version                        // IP version or header length is not 4 and 20 bytes (options, too)
	Length                         // total length is below 20 or past the frame
	Fragment                       // MF is set or the offset is not zero
	HeaderChecksum                 // the IPv4 header checksum is wrong
	TTL                            // TTL is 0 or 1
	SourceMartian                  // source in 0/8, 127/8, 224/4 or 240/4
	SourceOwn                      // source is one of the host's own or broadcast addresses
	SourceFilter                   // rp_filter cannot prove the source
	DestMartian                    // destination in 0/8, 127/8, 224/4 or 240/4
	NoRoute                        // no route to the destination
	Local                          // delivered to this host
	Broadcast                      // a broadcast or anycast route
	RouteType                      // blackhole, unreachable, prohibit, throw, nat
	RouteTOS                       // a route keyed by TOS stands at this prefix
	RouteEqual                     // several routes equal in prefix, TOS and metric
	RouteEncap                     // the route encapsulates
	RouteDead                      // the nexthop is dead or its link is down
	RouteUnknown                   // the route has an attribute that is not understood
	RouteTable                     // a local prefix covers the route: which one wins depends on rules
	Multipath                      // several nexthops and no live lookup
	NeighbourMissing               // no neighbour entry
	NeighbourState                 // the neighbour is not usable (INCOMPLETE, FAILED, not Ethernet)
	NexthopUnknown                 // the nexthop object is missing or not understood
	NexthopMixed                   // routes of different MTU or type share the nexthop object: the kernel mixes them up
	EgressDown                     // the outgoing interface is down or has no carrier
	EgressNotReady                 // the outgoing interface cannot take redirected frames
	EgressQdisc                    // the outgoing interface has a queueing discipline that matters
	EgressFilter                   // the outgoing interface has tc filters
	EgressTap                      // a packet socket listens on the outgoing interface
	EgressKind                     // the outgoing interface is of a kind that is not compiled
	MTU                            // longer than the nexthop's MTU
	Redirect                       // leaves by the interface it came from
	PartialChecksum                // the L4 checksum may be partial (software devices)
	LiveLookup                     // the live FIB lookup did not say "forward"
	LiveDevice                     // the live FIB lookup named an interface that is not vetted
	Aborted                        // an arm that cannot happen happened
	EgressLearns                   // ICMP redirects that the outgoing interface receives may change its routes
	Rule                           // a policy rule rejects the packet, or asks of it what programs do not look at
	NextHeader                     // IPv6: the next header is not TCP, UDP, ESP or an ICMPv6 echo
	RouteExpires                   // the route ends by itself, and no live lookup
	EgressDisabled                 // the outgoing interface has no IPv6
	RouteLearned                   // the kernel has learned a path MTU for the destination that it holds packets to, or IPv6 a redirect
	RulesetDrop                    // a rule or a policy of the ruleset drops it
	RulesetReject                  // a rule of the ruleset rejects it
	RulesetLog                     // a rule of the ruleset logs it
	RulesetLimit                   // a rule of the ruleset limits a rate, a quota or connections
	RulesetSet                     // a rule of the ruleset looks into a set that changes by itself, or changes one
	RulesetConn                    // a rule of the ruleset asks of the connection what is not known
	RulesetMatch                   // a rule of the ruleset asks for what only the kernel looks at
	RulesetSource                  // a rule of the ruleset looks for the way to the source, which is not sure to be there
	RulesetAction                  // a rule of the ruleset does what only the kernel does
	RulesetLarge                   // the ruleset is too large from this rule on
	Transport                      // connections are tracked: not TCP or UDP, or its header or length is wrong
	TCPFlags                       // connections are tracked: SYN, FIN, RST or an odd combination of flags
	ConntrackMiss                  // no connection that is tracked
	ConntrackState                 // the connection is not established both ways, or is ending
	ConntrackWindow                // the kernel watches the TCP connection's window
	ConntrackSpecial               // the connection has a helper, its own time-outs, adjusted sequence numbers or is offloaded
	ConntrackNAT                   // the connection's addresses are translated as no program does
	Multicast                      // bridged: to several or all
	FDBUnknown                     // bridged: the forwarding database does not know the destination
	FDBLocal                       // bridged: for the bridge itself, or the address of a port
	FDBSource                      // bridged: the source is not known on this very port
	FDBAgeing                      // bridged: the source's entry is to be kept from ageing
	FDBEntry                       // bridged: the destination's entry is not understood
	PortState                      // bridged: the outgoing port does not forward
	PortVLAN                       // bridged: the outgoing port does not carry the VLAN
	PortIsolated                   // bridged: both ports are isolated
	BridgeProtocol                 // bridged: ARP or another protocol that the bridge itself looks at
	BridgeTag                      // bridged: with an odd VLAN tag, or routed to where frames have one
	BridgeTagTaken                 // bridged: with a VLAN tag that a VLAN device on the port may take off
	ConntrackAccount               // the connection's packets and bytes cannot be counted now
	VLANOther                      // a VLAN tag in the frame, of no VLAN device with a fast path; or there is no room for one
	lastPacketReason
)

// Reasons of an interface: it has no fast path.
const (
	Off           Reason = iota + 80 // switched off by honed's configuration or command
	OffAlias                         // its alias or altname says hone=off
	AutoVeth                         // veth: native XDP would cost it TSO (hook "auto")
	NotForwarding                    // forwarding is off for it
	Netfilter                        // a netfilter hook sees forwarded packets
	LegacyTables                     // iptables-legacy tables are registered
	IPVS                             // IPVS is in use
	XFRM                             // an XFRM policy is installed
	Rules                            // policy rules that are not compiled
	VRF                              // belongs to a VRF
	Member                           // a port of a bridge, bond or other master
	Kind                             // a kind of link that is not compiled
	NotEthernet                      // not an Ethernet link
	LinkDown                         // down
	Loopback                         // the loopback interface
	LargeMTU                         // MTU needs multi-buffer XDP
	ForeignXDP                       // another XDP program is attached
	IngressFilter                    // tc ingress filters, clsact or TCX programs
	Tap                              // a packet socket listens
	Promiscuous                      // promiscuous or allmulti by somebody's wish
	VLANHidden                       // the NIC strips VLAN tags where the program cannot see them
	TableFull                        // the routing table does not fit
	Unknown                          // the configuration holds something that is not understood
	NoDriver                         // the driver has no XDP
	AttachFailed                     // the kernel refused the program
	NoIPv6                           // IPv6 is off, or there is no address for more than a link
	Bridge                           // a bridge: its ports have the programs
	BridgeAgeing                     // a port of a bridge that forgets too soon
	BridgeVLAN                       // a port of a bridge that filters VLANs in a way that is not compiled
	BridgeRuleset                    // a port of a bridge whose frames a ruleset sees
	BridgeState                      // a port of a bridge that does not forward from it
	VLANDevice                       // a VLAN device: the interface below has the program
	lastReason
)

type reasonText struct{ name, doc string }

var reasonTexts = [MaxReasons]reasonText{
	None:             {"none", "no reason"},
	Moved:            {"moved", "the configuration moved on since the program was made"},
	Short:            {"short", "frame shorter than its headers"},
	OtherHost:        {"other-host", "destination MAC is not the interface's"},
	NotIP:            {"not-ip", "neither IPv4 nor IPv6"},
	VLANTag:          {"vlan-tag", "frame carries a VLAN tag in its metadata"},
	Version:          {"version", "IP version is wrong, or the IPv4 header carries options"},
	Length:           {"length", "length below that of the header or not that of the frame"},
	Fragment:         {"fragment", "a fragment"},
	HeaderChecksum:   {"header-checksum", "wrong IPv4 header checksum"},
	TTL:              {"ttl", "TTL or hop limit is 0 or 1"},
	SourceMartian:    {"source-martian", "martian source address"},
	SourceOwn:        {"source-own", "source is an own or broadcast address"},
	SourceFilter:     {"source-filter", "rp_filter cannot be proved to let the source pass"},
	DestMartian:      {"dest-martian", "martian, multicast or reserved destination"},
	NoRoute:          {"no-route", "no route"},
	Local:            {"local", "delivered to this host"},
	Broadcast:        {"broadcast", "broadcast or anycast destination"},
	RouteType:        {"route-type", "the route is a blackhole, unreachable, prohibit, throw or nat route"},
	RouteTOS:         {"route-tos", "the route is chosen by TOS"},
	RouteEqual:       {"route-equal", "several routes equal in prefix, TOS and metric"},
	RouteEncap:       {"route-encap", "the route encapsulates"},
	RouteDead:        {"route-dead", "the nexthop is dead or its link is down"},
	RouteUnknown:     {"route-unknown", "the route has an attribute that is not understood"},
	RouteTable:       {"route-table", "a local prefix covers the route"},
	Multipath:        {"multipath", "several nexthops and no live lookup"},
	NeighbourMissing: {"neighbour-missing", "no neighbour entry"},
	NeighbourState:   {"neighbour-state", "the neighbour is not usable"},
	NexthopUnknown:   {"nexthop-unknown", "nexthop object missing or not understood"},
	NexthopMixed:     {"nexthop-mixed", "routes of different MTU or type share the nexthop object"},
	EgressDown:       {"egress-down", "the outgoing interface is down or has no carrier"},
	EgressNotReady:   {"egress-not-ready", "the outgoing interface cannot take redirected frames"},
	EgressQdisc:      {"egress-qdisc", "the outgoing interface has a queueing discipline"},
	EgressFilter:     {"egress-filter", "the outgoing interface has tc filters"},
	EgressTap:        {"egress-tap", "a packet socket listens on the outgoing interface"},
	EgressKind:       {"egress-kind", "the outgoing interface is of a kind that is not compiled"},
	MTU:              {"mtu", "longer than the nexthop's MTU"},
	Redirect:         {"redirect", "would leave by the interface it came from"},
	PartialChecksum:  {"partial-checksum", "the L4 checksum may be partial"},
	LiveLookup:       {"live-lookup", "the live route lookup did not say forward"},
	LiveDevice:       {"live-device", "the live route lookup named an interface that is not vetted"},
	Aborted:          {"aborted", "an arm that cannot happen"},
	EgressLearns:     {"egress-learns", "the outgoing interface accepts ICMP redirects, which change routes unannounced"},
	Rule:             {"rule", "a policy rule rejects the packet or asks what only the kernel looks at"},
	NextHeader:       {"next-header", "the IPv6 next header is not TCP, UDP, ESP or an ICMPv6 echo"},
	RouteLearned:     {"route-learned", "the kernel has learned a path MTU or a redirect for the destination"},
	RouteExpires:     {"route-expires", "the route ends by itself, and there is no live lookup"},
	Transport:        {"transport", "tracked connections: not TCP or UDP, or its header or length is wrong"},
	TCPFlags:         {"tcp-flags", "tracked connections: SYN, FIN, RST or an odd combination of TCP flags"},
	ConntrackMiss:    {"conntrack-miss", "the packet belongs to no connection that is tracked"},
	ConntrackState:   {"conntrack-state", "the connection is not established both ways, or is ending"},
	ConntrackWindow:  {"conntrack-window", "the kernel watches the window of the TCP connection"},
	ConntrackSpecial: {"conntrack-special", "the connection has a helper, time-outs of its own, or is offloaded"},
	ConntrackNAT:     {"conntrack-nat", "the connection's addresses are translated as no program does"},
	VLANOther:        {"vlan-other", "a VLAN tag in the frame, of no VLAN device with a fast path; or there is no room for one"},
	ConntrackAccount: {"conntrack-account", "the connection is counted, and there is no room for its account as yet"},
	Multicast:        {"multicast", "bridged: a multicast or broadcast frame"},
	FDBUnknown:       {"fdb-unknown", "bridged: the forwarding database does not know the destination"},
	FDBLocal:         {"fdb-local", "bridged: addressed to the bridge or one of its ports"},
	FDBSource:        {"fdb-source", "bridged: the source is not known on this port"},
	FDBAgeing:        {"fdb-ageing", "bridged: one frame in a while, so that the entry of its source does not age"},
	FDBEntry:         {"fdb-entry", "bridged: the entry of the destination is not understood"},
	PortState:        {"port-state", "bridged: the outgoing port does not forward"},
	PortVLAN:         {"port-vlan", "bridged: the outgoing port does not carry the VLAN"},
	PortIsolated:     {"port-isolated", "bridged: both ports are isolated"},
	BridgeProtocol:   {"bridge-protocol", "bridged: ARP or another protocol that bridges look at"},
	BridgeTag:        {"bridge-tag", "bridged: with an odd VLAN tag, or routed to where frames have one"},
	BridgeTagTaken:   {"bridge-tag-taken", "bridged: with a VLAN tag that a VLAN device on the port may take off"},
	EgressDisabled:   {"egress-disabled", "the outgoing interface has no IPv6"},
	RulesetDrop:      {"ruleset-drop", "a rule or a policy of the ruleset drops it"},
	RulesetReject:    {"ruleset-reject", "a rule of the ruleset rejects it"},
	RulesetLog:       {"ruleset-log", "a rule of the ruleset logs it"},
	RulesetLimit:     {"ruleset-limit", "a rule of the ruleset limits a rate, a quota or connections"},
	RulesetSet:       {"ruleset-set", "a rule of the ruleset looks into a set that changes by itself, or changes one"},
	RulesetConn:      {"ruleset-conn", "a rule of the ruleset asks of the connection what is not known"},
	RulesetMatch:     {"ruleset-match", "a rule of the ruleset asks for what only the kernel looks at"},
	RulesetSource:    {"ruleset-source", "a rule of the ruleset looks for the way to the source, which is not sure to be there"},
	RulesetAction:    {"ruleset-action", "a rule of the ruleset does what only the kernel does"},
	RulesetLarge:     {"ruleset-large", "the ruleset is too large from this rule on"},

	Off:           {"off", "switched off"},
	OffAlias:      {"off-alias", "its alias or altname says hone=off"},
	AutoVeth:      {"auto-veth", "native XDP on veth would cost its peer TSO"},
	NotForwarding: {"not-forwarding", "forwarding is off"},
	Netfilter:     {"netfilter", "a netfilter hook sees forwarded packets"},
	LegacyTables:  {"legacy-tables", "iptables-legacy tables are registered"},
	IPVS:          {"ipvs", "IPVS is in use"},
	XFRM:          {"xfrm", "an XFRM policy is installed"},
	Rules:         {"rules", "policy rules that are not compiled"},
	VRF:           {"vrf", "belongs to a VRF"},
	Member:        {"member", "a port of a bridge, bond or other master"},
	Kind:          {"kind", "a kind of link that is not compiled"},
	NotEthernet:   {"not-ethernet", "not an Ethernet link"},
	LinkDown:      {"link-down", "down"},
	Loopback:      {"loopback", "the loopback interface"},
	LargeMTU:      {"large-mtu", "the MTU needs multi-buffer XDP"},
	ForeignXDP:    {"foreign-xdp", "another XDP program is attached"},
	IngressFilter: {"ingress-filter", "tc filters on ingress"},
	Tap:           {"tap", "a packet socket listens"},
	Promiscuous:   {"promiscuous", "in promiscuous or allmulti mode"},
	VLANHidden:    {"vlan-hidden", "VLAN tags are stripped where the program cannot see them"},
	TableFull:     {"table-full", "the routing table does not fit"},
	Unknown:       {"unknown", "the configuration holds something that is not understood"},
	NoDriver:      {"no-driver", "the driver has no XDP"},
	AttachFailed:  {"attach-failed", "the kernel refused the program"},
	NoIPv6:        {"no-ipv6", "IPv6 is off, or no interface has an address for more than its link"},
	Bridge:        {"bridge", "a bridge: its ports have the programs"},
	BridgeAgeing:  {"bridge-ageing", "a port of a bridge that forgets addresses too soon"},
	BridgeVLAN:    {"bridge-vlan", "a port of a bridge that filters VLANs in a way that is not compiled"},
	BridgeRuleset: {"bridge-ruleset", "a port of a bridge whose frames a ruleset or ebtables sees"},
	VLANDevice:    {"vlan-device", "a VLAN device: the interface below has the program"},
	BridgeState:   {"bridge-state", "a port of a bridge that does not forward from it"},
}

// String gives the Reason's name, such as "header-checksum".
func (r Reason) String() string {
	if int(r) < len(reasonTexts) && reasonTexts[r].name != "" {
		return reasonTexts[r].name
	}
	return fmt.Sprintf("reason-%d", uint8(r))
}

// Doc explains the Reason in a few words.
func (r Reason) Doc() string {
	if int(r) < len(reasonTexts) {
		return reasonTexts[r].doc
	}
	return ""
}

// Reasons lists every Reason in order.
func Reasons() []Reason {
	var all []Reason
	for r := Moved; r < lastReason; r++ {
		if r == lastPacketReason {
			r = Off
		}
		all = append(all, r)
	}
	return all
}

// ParseReason finds a Reason by its name.
func ParseReason(name string) (Reason, error) {
	for i, t := range reasonTexts {
		if t.name == name && name != "" {
			return Reason(i), nil
		}
	}
	return None, fmt.Errorf("slowpath: parse reason %q: no such reason", name)
}
