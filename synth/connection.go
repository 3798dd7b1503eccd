package synth

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// connectionSlots is the size of a family's flow cache: two directions of a hundred thousand connections, with room.
const connectionSlots = 1 << 18

// hookTracking is the kind of the hooks that say that a family's connections are tracked, by the family's name.
const hookTracking = "conntrack"

// tracks tells whether the kernel tracks the connections of a family.
func tracks(s *introspect.Snapshot, ip *layout) bool {
	_, ok := s.Hooks.Get(introspect.Name(hookTracking + " " + ip.hook))
	return ok
}

// translates tells whether the kernel translates the addresses of a family: as soon as there is a chain for it, whatever
// its hook.
func translates(s *introspect.Snapshot, ip *layout) bool {
	if !tracks(s, ip) {
		return false
	}
	for _, chain := range s.Chains.All() {
		if translator(ip, chain) {
			return true
		}
	}
	return false
}

// translator tells whether a chain has the kernel translate the addresses of a family.
func translator(ip *layout, chain introspect.Chain) bool {
	return chain.Base && chain.Type == "nat" && (chain.Key.Family == ip.nfproto || chain.Key.Family == unix.NFPROTO_INET)
}

// tracking is what programs have to know of how the connections of a family are tracked.
func tracking(s *introspect.Snapshot, ip *layout) ir.Tracking {
	liberal, _ := s.Sysctls.Get("netfilter/nf_conntrack_tcp_be_liberal")
	return ir.Tracking{
		TCP: lifetime(s, "tcp_timeout_established"), UDP: lifetime(s, "udp_timeout_stream"),
		NAT: translates(s, ip), Liberal: liberal.Value == "1", Account: counts(s),
	}
}

// acct is the sysctl that has the kernel count packets and bytes for connections.
const acct = "netfilter/nf_conntrack_acct"

// counts tells whether the kernel counts for connections. It does for those that are made while the sysctl is on.
func counts(s *introspect.Snapshot) bool {
	v, ok := s.Sysctls.Get(introspect.Name(acct))
	return ok && v.Value != "0"
}

// lifetime is a time-out of connections in seconds; 0 if it is not known, or none that programs can keep up.
func lifetime(s *introspect.Snapshot, name string) uint32 {
	const most = 1<<31/1000 - 1 // in milliseconds, and in jiffies of whatever kernel, a positive number of 32 bits
	v, _ := s.Sysctls.Get(introspect.Name("netfilter/nf_conntrack_" + name))
	n, err := strconv.ParseUint(v.Value, 10, 32)
	if err != nil || n < 2 || n > most {
		return 0
	}
	return uint32(n)
}

// refuseTracking leaves a family to the kernel whose connections programs may not follow.
func refuseTracking(s subject, ip *layout) verdict {
	if !tracks(s.Snapshot, ip) {
		return accepted
	}
	if !s.options.Conntrack {
		return refused(slowpath.Netfilter, "the connections of %s are tracked", ip.family)
	}
	for _, l := range s.Links.All() {
		if l.Kind == kindVRF {
			return refused(slowpath.Netfilter, "the hooks see the packets of %s twice", l.Name)
		}
	}
	for key, chain := range s.Chains.All() { // with the last of them the kernel ceases to translate, also where connections go on
		if table, _ := s.Tables.Get(key.Of()); len(table.Unknown) > 0 && translator(ip, chain) {
			return refused(slowpath.Netfilter, "%s translates addresses, and its table is not understood (%s)", chainHook(key), table.Unknown[0])
		}
	}
	return refuseAccounting(s)
}

// refuseAccounting: the packets and bytes that the kernel counts for a connection are counters like others. Rules that look
// at them want all of them counted.
func refuseAccounting(s subject) verdict {
	for key, chain := range s.Chains.All() { // such a rule switches the sysctl on, of which nobody is told
		if slices.ContainsFunc(chain.Rules, asksAccounting) {
			return refused(slowpath.Netfilter, "rules of %s ask how much a connection has carried", chainHook(key))
		}
	}
	_, known := s.Sysctls.Get(introspect.Name(acct))
	switch {
	case !known:
		return refused(slowpath.Netfilter, "whether connections are counted (sysctl net.netfilter.nf_conntrack_acct) is not known")
	case counts(s.Snapshot) && !s.options.Tallies:
		return refused(slowpath.Netfilter, "sysctl net.netfilter.nf_conntrack_acct is on, and counters are to be exact")
	case counts(s.Snapshot) && !s.options.Accounts:
		return refused(slowpath.Netfilter, "sysctl net.netfilter.nf_conntrack_acct is on, and this kernel does not say when connections end")
	}
	return accepted
}

// asksAccounting tells whether a rule may look at what a connection has carried.
func asksAccounting(r *introspect.ChainRule) bool {
	const packets, bytes, average = 14, 15, 16 // NFT_CT_PKTS, NFT_CT_BYTES, NFT_CT_AVGPKT
	return slices.ContainsFunc(r.Exprs, func(e introspect.Expr) bool {
		switch e := e.(type) {
		case introspect.Ct:
			return e.Key == packets || e.Key == bytes || e.Key == average
		case introspect.Match:
			return e.Name == "connbytes"
		case introspect.Opaque:
			return true
		}
		return false
	})
}

// followed tells whether a hook is one that programs follow by asking for connections: that of the tracking itself, and
// chains that translate addresses, which see the first packet of a connection only.
func followed(s subject, h introspect.Hook) bool {
	if !s.options.Conntrack {
		return false
	}
	if h.Kind == hookTracking {
		return true
	}
	for key, chain := range s.Chains.All() {
		if h.Kind == "nft" && chain.Base && chain.Type == "nat" && len(chain.Unknown) == 0 && h.Name == chainHook(key) {
			return true
		}
	}
	return false
}

// chainHook is the name of the hook that a chain is.
func chainHook(key introspect.ChainKey) string {
	family := map[uint8]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet"}[key.Family]
	return family + " " + key.Table + " " + key.Name
}

func (c *compiler) connections() *ir.Table {
	kind := ir.Conntrack
	if c.ip.six {
		kind = ir.Conntrack6
	}
	return &ir.Table{Name: "connections" + c.ip.suffix, Kind: kind, Domain: slowpath.Config, Size: connectionSlots,
		Tracking: tracking(c.snapshot, c.ip)}
}

// connection wants a packet of a connection that is established, where connections are tracked. New ones, and those that
// end, are the kernel's. From here on the destination is the one that the kernel translates it to before it looks for a
// route; the source is translated afterwards.
func (c *compiler) connection() bool {
	if !tracks(c.snapshot, c.ip) || c.pkt.early.untracked {
		return true
	}
	if !c.askEarly() {
		return false
	}
	t := c.connections()
	if t.Tracking.NAT && c.picks[c.ip].asks(fieldSPort, fieldDPort) {
		c.Punt(slowpath.Rule) // which would look at translated ports
		return false
	}
	if !c.ip.six {
		c.fragment()
	}
	protocol := c.transport()
	sport, dport := c.Load(c.ip.end(), 2), c.Load(c.ip.end()+2, 2)
	args := append(append([]*ir.Value{}, c.sourceAddress()...), c.destination()...)
	row := c.Lookup(c.Table(t), append(args, protocol, sport, dport)...)
	not, next := c.block("untracked"), c.block("tracked")
	reason := c.Field(row, "reason")
	c.If(ir.Ne, reason, c.Const(0), not, next, true)
	c.Start(not)
	c.PuntBy(reason)
	c.Start(next)
	c.pkt.connection = row
	if t.Tracking.NAT {
		c.pkt.dest = c.translated("dest")
	}
	return true
}

// transport wants TCP in the middle of a connection, or UDP, as the tracking takes them for valid.
func (c *compiler) transport() (protocol *ir.Value) {
	const (
		atDataOffset, atFlags = 12, 13
		finSynRstAck, ack     = 1 | 2 | 4 | 16, 16
		leastOffset           = 5 << 4
		atUDPLength           = 4
	)
	protocol = c.Load(c.ip.protocol, 1)
	tcp, udp, next := c.block("ct-tcp"), c.block("ct-udp"), c.block("ct-ports")
	c.If(ir.Eq, protocol, c.Const(unix.IPPROTO_TCP), tcp, udp, false)
	c.Start(tcp)
	c.need(endTCP)
	flags := c.ArithImm(ir.OpAnd, c.Load(c.ip.end()+atFlags, 1), finSynRstAck)
	c.GuardImm(ir.Eq, flags, ack, slowpath.TCPFlags)
	offset := c.ArithImm(ir.OpAnd, c.Load(c.ip.end()+atDataOffset, 1), 0xf0)
	c.GuardImm(ir.Ge, offset, leastOffset, slowpath.Transport)
	length := c.ArithImm(ir.OpSub, c.pkt.length, uint64(c.ip.header))
	c.Guard(ir.Le, c.ArithImm(ir.OpShr, offset, 2), length, slowpath.Transport)
	c.Jump(next)
	c.Start(udp)
	c.GuardImm(ir.Eq, protocol, unix.IPPROTO_UDP, slowpath.Transport)
	c.need(endUDP)
	says := c.Load(c.ip.end()+atUDPLength, 2)
	c.GuardImm(ir.Ge, says, endUDP, slowpath.Transport)
	c.Guard(ir.Le, says, c.ArithImm(ir.OpSub, c.pkt.length, uint64(c.ip.header)), slowpath.Transport)
	c.Jump(next)
	c.Start(next)
	c.need(4)
	return protocol
}

// need wants a packet with so many bytes behind its header.
func (c *compiler) need(n int) {
	c.Bound(c.ip.end()+n, slowpath.Short)
	c.GuardImm(ir.Ge, c.pkt.length, uint64(c.ip.header+n), slowpath.Transport)
}

// keep does for the connection of a packet that is sure to be forwarded what the kernel would have done.
func (c *compiler) keep() {
	if c.pkt.connection != nil {
		c.Keep(c.pkt.connection, slowpath.ConntrackWindow)
	}
}

// account counts the packet for its connection, beside what the kernel has counted.
func (c *compiler) account() {
	if t := c.pkt.connection; t != nil && t.Table.Tracking.Account {
		c.Account(t, c.Field(t, "dir"), c.pkt.length)
	}
}

// masquerade wants a masqueraded packet to leave by the interface whose address it has taken: the kernel ends the
// connections of others.
func (c *compiler) masquerade() {
	if c.pkt.connection == nil || !c.pkt.connection.Table.Tracking.NAT {
		return
	}
	other, next := c.block("masqueraded"), c.block("by")
	by := c.Field(c.pkt.connection, "oif")
	c.If(ir.Ne, by, c.pkt.oif, other, next, true)
	c.Start(other)
	c.GuardImm(ir.Eq, by, 0, slowpath.ConntrackNAT)
	c.Jump(next)
	c.Start(next)
}

// translated is an address of the packet after its translation.
func (c *compiler) translated(end string) []*ir.Value {
	if !c.ip.six {
		return []*ir.Value{c.Field(c.pkt.connection, end)}
	}
	return []*ir.Value{c.Field(c.pkt.connection, end+"hi"), c.Field(c.pkt.connection, end+"lo")}
}
