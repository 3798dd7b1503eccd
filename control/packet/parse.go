package packet

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxDescription bounds what Parse looks at: a frame of 64 KiB in hexadecimal, and some words.
const maxDescription = 1 << 18

// Parse understands a description.
func Parse(text string) (*Packet, error) {
	if len(text) > maxDescription {
		return nil, fmt.Errorf("packet: parse description: longer than %d bytes", maxDescription)
	}
	p := &parser{words: strings.Fields(strings.ReplaceAll(text, ">", " > "))}
	p.packet.IP = IP{TTL: 64, Protocol: udp, Sport: 1024, Dport: 9, Four: Four{DF: true}}
	for p.err == nil && len(p.words) > 0 {
		p.clause(p.next("a word"))
	}
	p.finish()
	if p.err != nil {
		return nil, fmt.Errorf("packet: parse description: %w", p.err)
	}
	return &p.packet, nil
}

// parser keeps the first error; every method does nothing sensible after it, and no harm.
type parser struct {
	words  []string
	packet Packet
	ip     string // the word that gave the addresses
	four   string // a word that only IPv4 has
	typed  bool   // the ethertype was given
	length int
	err    error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *parser) next(what string) string {
	if len(p.words) == 0 {
		p.fail("%s expected at the end", what)
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

func (p *parser) clause(word string) {
	ip := &p.packet.IP
	switch word {
	case "iif", "dev":
		p.packet.Interface = p.next("an interface")
	case "hex":
		p.hex()
	case "eth":
		p.packet.Src, p.packet.Dst = p.macs()
	case "type":
		p.packet.EtherType = uint16(p.number("ethertype", 0xffff))
		p.typed = true
	case "vlan":
		p.packet.VLAN = int(p.number("vlan", 4094))
	case "tag":
		p.packet.Tag = int(p.number("tag", 4094))
	case "established":
		p.packet.Established = true
	case "ip", "ip6":
		p.addresses(word)
	case "udp":
		ip.Protocol = udp
	case "tcp":
		ip.Protocol = tcp
	case "icmp":
		ip.Protocol = icmp
	case "proto":
		ip.Protocol = uint8(p.number("proto", 255))
	default:
		p.field(word)
	}
}

func (p *parser) field(word string) {
	ip := &p.packet.IP
	switch word {
	case "hoplimit":
		ip.TTL = uint8(p.number("hoplimit", 255))
	case "flow":
		ip.Flow = uint32(p.number("flow", 1<<20-1))
	case "sport":
		ip.Sport = uint16(p.number("sport", 0xffff))
	case "dport":
		ip.Dport = uint16(p.number("dport", 0xffff))
	case "ttl":
		ip.TTL = uint8(p.number("ttl", 255))
	case "tos":
		ip.TOS = uint8(p.number("tos", 255))
	case "len":
		p.length = int(p.number("len", 0xffff))
	default:
		p.four = word
		p.field4(word)
	}
}

// field4 is for the fields that only IPv4 has.
func (p *parser) field4(word string) {
	ip := &p.packet.IP
	switch word {
	case "id":
		ip.ID = uint16(p.number("id", 0xffff))
	case "df":
		ip.DF = true
	case "nodf":
		ip.DF = false
	case "mf":
		ip.MF, ip.DF = true, false
	case "offset":
		p.offset()
	case "badsum":
		ip.BadChecksum = true
	case "options":
		p.options()
	default:
		p.fail("unknown word %q", word)
	}
}

func (p *parser) number(what string, limit uint64) uint64 {
	word := p.next("a number after " + what)
	if p.err != nil {
		return 0
	}
	n, err := strconv.ParseUint(word, 0, 64)
	if err != nil {
		p.fail("%s: %q is not a number", what, word)
	} else if n > limit {
		p.fail("%s: %d is above %d", what, n, limit)
	}
	return n
}

func (p *parser) offset() {
	n := p.number("offset", 65528)
	if n%8 != 0 {
		p.fail("offset: %d is not a multiple of 8", n)
	}
	p.packet.IP.Offset, p.packet.IP.DF = uint16(n), false
}

func (p *parser) options() {
	n := p.number("options", 40)
	if n%4 != 0 {
		p.fail("options: %d is not a multiple of 4", n)
	}
	p.packet.IP.Options = int(n)
}

func (p *parser) hex() {
	digits := strings.NewReplacer(":", "", "-", "").Replace(strings.Join(p.words, ""))
	p.words = nil
	raw, err := hex.DecodeString(digits)
	if err != nil {
		p.fail("hex: %v", err)
	}
	p.packet.Raw = raw
}

func (p *parser) arrow() {
	if word := p.next("\">\""); p.err == nil && word != ">" {
		p.fail("\">\" expected before %q", word)
	}
}

func (p *parser) addresses(word string) {
	p.ip = word
	kind, ok := "IPv4", netip.Addr.Is4
	if word == "ip6" {
		kind, ok = "IPv6", netip.Addr.Is6
	}
	p.packet.IP.Src = p.address(kind, ok)
	p.arrow()
	p.packet.IP.Dst = p.address(kind, ok)
}

func (p *parser) address(kind string, ok func(netip.Addr) bool) netip.Addr {
	word := p.next("an " + kind + " address")
	if p.err != nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(word)
	if err != nil || !ok(a) || a.Zone() != "" {
		p.fail("%q is not an %s address", word, kind)
	}
	return a
}

func (p *parser) macs() (src, dst MAC) {
	src = p.mac()
	p.arrow()
	return src, p.mac()
}

func (p *parser) mac() (m MAC) {
	word := p.next("an Ethernet address")
	if p.err != nil {
		return m
	}
	a, err := net.ParseMAC(word)
	if err != nil || len(a) != len(m) {
		p.fail("%q is not an Ethernet address", word)
		return m
	}
	return MAC(a)
}

// finish checks what only the whole description shows.
func (p *parser) finish() {
	p.families()
	ip := &p.packet.IP
	switch {
	case p.err != nil:
	case p.packet.Interface == "":
		p.fail("which interface does it arrive on: \"iif NAME\" is missing")
	case p.packet.Raw != nil:
	case p.ip == "":
		p.fail("\"ip SOURCE > DESTINATION\", \"ip6 SOURCE > DESTINATION\" or \"hex BYTES\" is missing")
	case p.ip == "ip6" && p.four != "":
		p.fail("%s: IPv6 has no such field", p.four)
	case p.length == 0:
		ip.Total = ip.least()
	case p.length < ip.least():
		p.fail("len: %d is less than the %d bytes of the headers", p.length, ip.least())
	default:
		ip.Total = p.length
	}
}

// families fills in what each family has a number of its own for.
func (p *parser) families() {
	ip, etherType := &p.packet.IP, uint16(etherType4)
	if p.ip == "ip6" {
		etherType = etherType6
		if ip.Protocol == icmp {
			ip.Protocol = icmp6
		}
	}
	if !p.typed {
		p.packet.EtherType = etherType
	}
}
