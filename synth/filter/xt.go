package filter

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// The matches of iptables that programs know, as linux/netfilter/xt_*.h lay them out, in host byte order but for
// addresses. A packet that is too short for one of them is dropped there, and so the kernel's before.

// question is a test of a match: whether the bytes of some parts are those of an element, or of none.
type question struct {
	parts [][]cell
	all   []element
	not   bool
}

// module is a revision of a match: ask says what it asks for, false where programs cannot tell.
type module struct {
	size int // of its data
	ask  func(d *reader, info []byte) ([]question, bool)
}

type moduleName struct {
	name string
	rev  uint32
}

var modules = map[moduleName]module{
	{"comment", 0}:   {256, func(*reader, []byte) ([]question, bool) { return nil, true }},
	{"tcp", 0}:       {12, (*reader).xtTCP},
	{"udp", 0}:       {10, (*reader).xtUDP},
	{"icmp", 0}:      {4, (*reader).xtICMP},
	{"icmp6", 0}:     {4, (*reader).xtICMP6},
	{"multiport", 1}: {48, (*reader).xtMultiport},
	{"length", 0}:    {6, (*reader).xtLength},
	{"ttl", 0}:       {2, (*reader).xtTTL},
	{"dscp", 0}:      {2, (*reader).xtDSCP},
	{"tos", 1}:       {3, (*reader).xtTOS},
	{"iprange", 1}:   {68, (*reader).xtIPRange},
	{"mark", 1}:      {12, (*reader).xtMark},
	{"rt", 0}:        {280, (*reader).xtExtension},
	{"frag", 0}:      {16, (*reader).xtExtension},
	{"hbh", 0}:       {40, (*reader).xtExtension},
	{"dst", 0}:       {40, (*reader).xtExtension},
	{"ah", 0}:        {16, (*reader).xtExtension},
	{"state", 0}:     {4, (*reader).xtState},
	{"conntrack", 1}: {152, (*reader).xtConntrack1},
	{"conntrack", 2}: {156, (*reader).xtConntrack2},
	{"conntrack", 3}: {164, (*reader).xtConntrack3},
	{"addrtype", 1}:  {8, (*reader).xtAddressType},
}

// xtAlign is what the data of a match is filled up to at most.
const xtAlign = 8

// match adds what a match of iptables asks for.
func (d *reader) match(e introspect.Match) (fails bool) {
	m, ok := modules[moduleName{e.Name, e.Rev}]
	var all []question
	if ok = ok && len(e.Info) >= m.size && len(e.Info) < m.size+xtAlign; ok {
		all, ok = m.ask(d, []byte(e.Info))
	}
	if !ok {
		d.leave(e, reasonOf(e))
		return false
	}
	for _, q := range all {
		if d.test(e, q.parts, q.all, q.not) {
			return true
		}
		if n := len(d.steps); n > 0 && d.steps[n-1].ends() {
			return false
		}
	}
	return false
}

// exact asks whether cells are these bytes.
func exact(cells []cell, data []byte, not bool) question {
	return question{[][]cell{cells}, []element{{{data, data}}}, not}
}

// anyBit asks whether a number in host byte order has one of some bits.
func anyBit(cells []cell, bits uint32, not bool) question {
	mask := binary.NativeEndian.AppendUint32(nil, bits)
	return exact(maskedBy(cells, mask), make([]byte, len(mask)), !not)
}

func maskedBy(cells []cell, mask []byte) []cell {
	cells = copied(cells)
	for i := range cells {
		cells[i] = cells[i].masked(mask[i], 0)
	}
	return cells
}

// ports asks whether two bytes are a number from one to another.
func ports(cells []cell, from, to uint16, not bool) question {
	return question{[][]cell{cells}, []element{{portsFrom(from, to)}}, not}
}

func portsFrom(from, to uint16) interval {
	return interval{binary.BigEndian.AppendUint16(nil, from), binary.BigEndian.AppendUint16(nil, to)}
}

// transport are bytes of the header that follows that of IP, of which there have to be as many as reach.
func (d *reader) transport(offset, length uint32, reach int) []cell {
	d.want(reach, true)
	return d.in.payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, offset, length)
}

func (d *reader) xtTCP(b []byte) ([]question, bool) {
	const header, flags = 20, 13
	const notSource, notDest, notFlags = 1, 2, 4
	option, mask, want, not := b[8], b[9], b[10], b[11]
	return []question{
		ports(d.transport(0, 2, header), native16At(b, 0), native16At(b, 2), not&notSource != 0),
		ports(d.transport(2, 2, header), native16At(b, 4), native16At(b, 6), not&notDest != 0),
		exact(maskedBy(d.transport(flags, 1, header), []byte{mask}), []byte{want}, not&notFlags != 0),
	}, option == 0 && not&^(notSource|notDest|notFlags) == 0
}

func (d *reader) xtUDP(b []byte) ([]question, bool) {
	const header = 8
	const notSource, notDest = 1, 2
	not := b[8]
	return []question{
		ports(d.transport(0, 2, header), native16At(b, 0), native16At(b, 2), not&notSource != 0),
		ports(d.transport(2, 2, header), native16At(b, 4), native16At(b, 6), not&notDest != 0),
	}, not&^(notSource|notDest) == 0
}

// xtICMP knows a type that stands for all of them.
func (d *reader) xtICMP(b []byte) ([]question, bool) { return d.icmp(b, b[0] == 0xff) }

func (d *reader) xtICMP6(b []byte) ([]question, bool) { return d.icmp(b, false) }

func (d *reader) icmp(b []byte, every bool) ([]question, bool) {
	const header, not = 8, 1
	codes := interval{[]byte{b[0], b[1]}, []byte{b[0], b[2]}} // the type, and the code
	if every {
		codes = interval{[]byte{0, 0}, []byte{0xff, 0xff}}
	}
	return []question{{[][]cell{d.transport(0, 2, header)}, []element{{codes}}, b[3]&not != 0}}, b[3]&^not == 0
}

func native16At(b []byte, at int) uint16 { return binary.NativeEndian.Uint16(b[at:]) }

func native32At(b []byte, at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }

// xtMultiport asks for one port, or for either.
func (d *reader) xtMultiport(b []byte) ([]question, bool) {
	const source, dest, either = 0, 1, 2
	const header, most, atPorts, atRanges, atNot = 4, 15, 2, 32, 47
	count, not := int(b[1]), b[atNot] != 0
	if b[atNot] > 1 {
		return nil, false // which the kernel takes for a match in any case
	}
	var in portSet
	for i := 0; i < count; i++ {
		if i >= most || b[atRanges+i] != 0 && i+1 >= most {
			return nil, false
		}
		first := native16At(b, atPorts+2*i)
		last := first
		if b[atRanges+i] != 0 {
			i++
			last = native16At(b, atPorts+2*i)
		}
		in.add(first, last)
	}
	sport, dport := d.transport(0, 2, header), d.transport(2, 2, header)
	switch b[0] {
	case source:
		return []question{{[][]cell{sport}, in.elements(), not}}, true
	case dest:
		return []question{{[][]cell{dport}, in.elements(), not}}, true
	case either:
		return []question{{[][]cell{sport, dport}, in.either(), not}}, true
	}
	return nil, false
}

func (d *reader) xtMark(b []byte) ([]question, bool) {
	mark := d.in.meta(unix.NFT_META_MARK, d.at)
	if mark == nil || b[8] > 1 {
		return nil, false
	}
	return []question{exact(maskedBy(mark, b[4:8]), b[0:4], b[8] != 0)}, true
}

// xtState has the bits of NFT_CT_STATE.
func (d *reader) xtState(b []byte) ([]question, bool) {
	return []question{anyBit(d.connFact(unix.NFT_CT_STATE), native32At(b, 0), false)}, true
}

// xtReason says what kind of module leaves packets to the kernel.
func xtReason(name string) (slowpath.Reason, bool) {
	switch name {
	case "limit", "hashlimit", "connlimit", "quota", "statistic", "rateest":
		return slowpath.RulesetLimit, true
	case "set", "SET", "recent":
		return slowpath.RulesetSet, true
	case "LOG", "NFLOG":
		return slowpath.RulesetLog, true
	case "REJECT":
		return slowpath.RulesetReject, true
	}
	return slowpath.RulesetMatch, false
}
