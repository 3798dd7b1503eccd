package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// layout is where things stand in the packets of one family, and where its routes are looked up.
type layout struct {
	six      bool
	family   string
	suffix   string // of the names of its arms
	hook     string // its name in those of hooks
	nfproto  uint8
	hops     int    // place of the TTL or hop limit
	ether    uint64 // ethertype
	table    string // the route table
	header   int    // bytes of the header
	total    int    // place of the length
	rest     uint64 // bytes of the packet that this length leaves out
	protocol int    // place of the number of the protocol above
	source   []int  // places of the words of an address
	dest     []int
	word     uint8 // bytes of such a word
}

var (
	layout4 = &layout{family: "ipv4", hook: "ip", nfproto: unix.NFPROTO_IPV4, hops: atTTL, ether: unix.ETH_P_IP, table: tableRoute, header: 20, total: atTotal, protocol: atProtocol,
		source: []int{atSource}, dest: []int{atDest}, word: 4}
	layout6 = &layout{six: true, family: "ipv6", hook: "ip6", nfproto: unix.NFPROTO_IPV6, hops: atHopLimit, suffix: "6", ether: unix.ETH_P_IPV6, table: tableRoute6, header: 40, total: atPayloadLength, rest: 40,
		protocol: atNextHeader, source: []int{atSource6, atSource6 + 8}, dest: []int{atDest6, atDest6 + 8}, word: 8}
)

// end is where the header ends, in the frame.
func (l *layout) end() int { return atHeader + l.header }

// netconf is what the kernel's configuration says of the family.
func (l *layout) netconf(s *introspect.Snapshot) introspect.Map[introspect.Index, introspect.Netconf] {
	if l.six {
		return s.Netconf6
	}
	return s.Netconf
}

// rules are the policy rules of the family.
func (l *layout) rules(s *introspect.Snapshot) introspect.Map[introspect.RuleKey, introspect.Rule] {
	if l.six {
		return s.Rules6
	}
	return s.Rules4
}

// address reads an address, in one number or two.
func (c *compiler) address(at []int) []*ir.Value {
	var words []*ir.Value
	for _, place := range at {
		words = append(words, c.Load(place, c.ip.word))
	}
	return words
}

// sourceAddress reads the source address, once.
func (c *compiler) sourceAddress() []*ir.Value {
	if c.pkt.source == nil {
		c.pkt.source = c.address(c.ip.source)
	}
	return c.pkt.source
}

// destination reads the destination address, once.
func (c *compiler) destination() []*ir.Value {
	if c.pkt.dest == nil {
		c.pkt.dest = c.address(c.ip.dest)
	}
	return c.pkt.dest
}
