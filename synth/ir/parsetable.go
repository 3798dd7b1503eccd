package ir

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

var kindsByName = func() map[string]TableKind {
	m := map[string]TableKind{}
	for kind, name := range kindNames {
		m[name] = kind
	}
	return m
}()

// parseTable parses a table's line.
func (p *parser) parseTable() {
	p.expect("table")
	t := &Table{Name: p.next("name")}
	if !isName(t.Name) || p.tables[t.Name] != nil {
		p.fail("%q is no name of a new table", t.Name)
	}
	t.Kind = named(p, "kind", kindsByName)
	p.expect("domain")
	t.Domain = p.domain()
	switch t.Kind {
	case LPM:
		p.expect("size")
		t.Size = int(p.number("number", 31))
		if p.accept("focus") {
			t.Focus4 = p.prefix(p.next("IPv4 prefix"))
		}
	case LPM6:
		p.expect("steps")
		t.Steps = int(p.number("number", 8))
		p.expect("size")
		t.Size = int(p.number("number", 31))
		t.Leaves = p.accept("leaves")
		if p.accept("focus") {
			t.Focus = p.prefix6(p.next("IPv6 prefix"))
		}
	case Packed:
		p.expect("blocks")
		t.Blocks = int(p.number("number", 31))
		p.expect("size")
		t.Size = int(p.number("number", 31))
	case Rows, Hash, Keyed:
		if t.Kind == Keyed {
			p.expect("factor")
			t.Factor = p.number("number", 64)
		}
		p.expect("size")
		t.Size = int(p.number("number", 31))
		p.expect("row")
		t.RowSize = int(p.number("number", 31))
		p.list(func(name string) { t.Fields = append(t.Fields, p.field(name)) })
	case Conntrack, Conntrack6:
		p.expect("size")
		t.Size = int(p.number("number", 31))
		p.tracking(&t.Tracking)
	case Tallies:
		p.expect("size")
		t.Size = int(p.number("number", 31))
	case Set:
		p.list(func(word string) { t.Prefixes = append(t.Prefixes, p.prefix(word)) })
	case Set6:
		p.list(func(word string) { t.Prefixes6 = append(t.Prefixes6, p.prefix6(word)) })
	}
	p.tables[t.Name] = t
	p.program.Tables = append(p.program.Tables, t)
}

// tracking parses what a table knows of connections.
func (p *parser) tracking(t *Tracking) {
	p.expect("tcp")
	t.TCP = uint32(p.number("number", 32))
	p.expect("udp")
	t.UDP = uint32(p.number("number", 32))
	p.list(func(word string) {
		switch word {
		case "nat":
			t.NAT = true
		case "liberal":
			t.Liberal = true
		case "account":
			t.Account = true
		default:
			p.fail("%q says nothing of connections", word)
		}
	})
}

// list parses what stands in braces.
func (p *parser) list(element func(word string)) {
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		element(p.next(`"}"`))
	}
}

// field parses the rest of a field: u32@8.
func (p *parser) field(name string) Field {
	word := p.next("width and offset")
	digits, unsigned := strings.CutPrefix(word, "u")
	width, offset, ok := strings.Cut(digits, "@")
	bits, err := strconv.ParseUint(width, 10, 8)
	at, err2 := strconv.ParseUint(offset, 10, 31)
	if !unsigned || !ok || err != nil || err2 != nil || bits%8 != 0 {
		p.fail("%q is no width and offset", word)
	}
	return Field{Name: name, Offset: int(at), Width: uint8(bits / 8)}
}

func (p *parser) prefix(word string) Prefix {
	n, err := netip.ParsePrefix(word)
	if err != nil || !n.Addr().Is4() {
		p.fail("%q is no IPv4 prefix", word)
		return Prefix{}
	}
	a := n.Addr().As4()
	return Prefix{Addr: binary.BigEndian.Uint32(a[:]), Len: n.Bits()}
}

func (p *parser) prefix6(word string) Prefix6 {
	n, err := netip.ParsePrefix(word)
	if err != nil || !n.Addr().Is6() {
		p.fail("%q is no IPv6 prefix", word)
		return Prefix6{}
	}
	a := n.Addr().As16()
	return Prefix6{Hi: binary.BigEndian.Uint64(a[:8]), Lo: binary.BigEndian.Uint64(a[8:]), Len: n.Bits()}
}
