package filter

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Where the kernel asks the chains that translate addresses, and translates, whatever their own priority, by which it asks
// one after the other (nf_nat_inet_fn).
var (
	TranslatesDest   = Stage{Hook: hookPreRouting, Priority: -100}
	TranslatesSource = Stage{Hook: hookPostRouting, Priority: 100}
)

// NATKind says what a rule does with the addresses of a connection.
type NATKind uint8

// The kinds.
const (
	SourceNAT NATKind = iota
	DestNAT
	Masquerades // the source becomes an address of the outgoing interface
	Redirects   // the destination becomes an address of the incoming interface
)

// Flags of a range of addresses and ports to choose from (NF_NAT_RANGE_*).
const (
	NATRandom     = 1 << 2
	NATPersistent = 1 << 3
	NATFully      = 1 << 4
	NATPrefix     = 1 << 6 // only the bits that the two ends have in common are exchanged
)

// natStep is what only rules of chains that translate addresses do.
type natStep struct {
	// stepValue: the boxes of keys that have values, and the value of all others; empty if there is none.
	in     *region
	values []introspect.Data
	other  introspect.Data

	// stepTranslate: the first and the last of what there is to choose from; none is nil.
	kind  NATKind
	flags uint32
	addr  [2][]cell
	port  [2][]cell
}

// translation is what an expression does with addresses; nil if it does nothing to packets of this family, and false if
// it is no such expression, or one that nobody can tell about.
func (d *reader) translation(e introspect.Expr) (t *natStep, ok bool) {
	if !d.at.nat {
		return nil, false
	}
	switch e := e.(type) {
	case introspect.NAT:
		if d.table.Family == unix.NFPROTO_INET && e.Family != unix.NFPROTO_INET && e.Family != uint32(d.in.family()) {
			return nil, true
		}
		t = &natStep{kind: SourceNAT, flags: e.Flags}
		if e.Type == unix.NFT_NAT_DNAT {
			t.kind = DestNAT
		}
		ok = d.choice(&t.addr, e.AddrMin, e.AddrMax, d.addressSize()) && d.choice(&t.port, e.ProtoMin, e.ProtoMax, portSize)
	case introspect.Masquerade:
		t = &natStep{kind: Masquerades, flags: e.Flags}
		ok = d.choice(&t.port, e.ProtoMin, e.ProtoMax, portSize)
	case introspect.Redirect:
		t = &natStep{kind: Redirects, flags: e.Flags}
		ok = d.choice(&t.port, e.ProtoMin, e.ProtoMax, portSize)
	case introspect.Target:
		return d.xtTranslation(e)
	}
	return t, ok && t.at(d.at.hook)
}

// logs tells whether an expression does nothing but log the packet.
func logs(e introspect.Expr) bool {
	_, ok := e.(introspect.Log)
	target, _ := e.(introspect.Target)
	return ok || target.Name == "LOG" || target.Name == "NFLOG"
}

const portSize = 2

func (d *reader) addressSize() int {
	if d.in.Six {
		return 16
	}
	return 4
}

// at tells whether the kind belongs to a hook.
func (t *natStep) at(hook uint32) bool {
	return (t.kind == DestNAT || t.kind == Redirects) == (hook == hookPreRouting)
}

// choice reads the registers of two ends; without the second one, it is the first.
func (d *reader) choice(to *[2][]cell, first, last introspect.Register, size int) bool {
	if first == introspect.NoRegister {
		return true
	}
	if last == introspect.NoRegister {
		last = first
	}
	to[0], to[1] = copied(d.regs.at(first, size)), copied(d.regs.at(last, size))
	return to[0] != nil && to[1] != nil
}

// value looks a value up in a map; false if nobody can tell which one.
func (d *reader) value(e introspect.Lookup, set introspect.Set) bool {
	parts, all := d.keyOf(set, e.SReg), d.contents(set)
	if parts == nil || all == nil || len(all.values) != len(all.elements) || all.ambiguous() || set.DataLen > uint32(len(d.regs)) {
		return false
	}
	r, ok := d.region(parts, all.elements)
	cells := make([]cell, set.DataLen)
	for i := range cells {
		cells[i] = cell{field: Field{At: d.found}, shift: uint8(i), mask: 0xff, state: cellValue}
	}
	if !ok || !d.regs.load(e.DReg, cells) {
		return false
	}
	s := &natStep{in: r, other: all.other}
	for _, n := range r.of {
		s.values = append(s.values, all.values[n])
	}
	d.found++
	d.steps = append(d.steps, step{kind: stepValue, nat: s})
	return true
}

// xtRange is where the data of a target of iptables has what it chooses from (struct nf_nat_ipv4_multi_range_compat,
// nf_nat_range).
type xtRange struct {
	size, flags, addr, room, port int
}

var (
	xtRange4 = xtRange{size: 20, flags: 4, addr: 8, room: 4, port: 16}
	xtRange6 = xtRange{size: 40, flags: 0, addr: 4, room: 16, port: 36}
)

// xtTargets are the targets of iptables that translate.
var xtTargets = map[string]NATKind{"SNAT": SourceNAT, "DNAT": DestNAT, "MASQUERADE": Masquerades, "REDIRECT": Redirects, "NETMAP": DestNAT}

// xtTranslation is what a target of iptables does.
func (d *reader) xtTranslation(e introspect.Target) (t *natStep, ok bool) {
	const addresses, ports, newest = 1 << 0, 1 << 1, 2 // NF_NAT_RANGE_*
	kind, known := xtTargets[e.Name]
	at, plain := xtRange4, kind != SourceNAT && e.Name != "DNAT"
	if d.in.Six || e.Rev > 0 {
		at = xtRange6
	}
	if !known || plain && e.Rev > 0 || e.Rev > newest || len(e.Info) < at.size {
		return nil, false
	}
	info := []byte(e.Info)
	t = &natStep{kind: kind, flags: native32At(info, at.flags)}
	if e.Name == "NETMAP" {
		t.flags |= NATPrefix | addresses
		if d.at.hook == hookPostRouting {
			t.kind = SourceNAT
		}
	}
	for i := range 2 {
		if t.flags&addresses != 0 && (t.kind == SourceNAT || t.kind == DestNAT) {
			t.addr[i] = constants(info[at.addr+i*at.room:][:d.addressSize()])
		}
		if t.flags&ports != 0 {
			t.port[i] = constants(info[at.port+i*portSize:][:portSize])
		}
	}
	return t, t.at(d.at.hook)
}
