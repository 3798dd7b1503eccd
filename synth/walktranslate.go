package synth

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// aim is what a translation makes of one end of a packet.
type aim struct {
	addr    netip.Addr // not valid: it is not known
	port    uint16
	ports   bool // the port is that, or, if it is not known, another one
	unknown bool // the port is not known
	text    string
	chosen  bool // the kernel chooses from what the text says
}

// translate tells what a translation does to the packet.
func (t *trial) translate(x filter.Translation) filter.Translated {
	if x.Kind == filter.DestNAT || x.Kind == filter.Redirects {
		return t.translateDest(x)
	}
	return t.translateSource(x)
}

// translateDest has the packet go elsewhere: its port stays the same unless the rule names one.
func (t *trial) translateDest(x filter.Translation) filter.Translated {
	own, name := t.address(t.ip.dest), "dnat"
	if x.Kind == filter.Redirects {
		name = "redirect"
		all := t.ownAddresses()
		if len(all) == 0 {
			return filter.Translated{Said: "redirect drops it: " + t.link.Name + " has no address", End: filter.Drops}
		}
		if own = (netip.Addr{}); len(all) == 1 {
			own = all[0]
		}
	}
	a := aimOf(own, x)
	if !own.IsValid() {
		a.text, a.chosen = "an address of "+t.link.Name+portText(x), a.unknown
	}
	done := filter.Translated{Said: name + " to " + a.said(x)}
	switch {
	case !a.addr.IsValid() && x.Kind == filter.DestNAT, a.unknown && routing(t.snapshot, t.ip).parted:
		done.End = filter.Undecided // and so is the route
		return done
	}
	done.Take = func() {
		before, same := t.frames[0], a.addr == t.address(t.ip.dest)
		t.local = !a.addr.IsValid()
		t.take(1, a, t.ip.dest, t.end+2)
		t.frames[2], t.takes[2], t.blurs[2] = t.frames[1], true, t.blurs[1]
		if string(before) != string(t.frames[1]) {
			t.status[1], t.status[2] = t.status[1]|ir.StatusDestNAT, t.status[2]|ir.StatusDestNAT
		}
		t.unsure[1] = t.local || a.unknown && same
		t.unsure[2], t.said[0] = t.unsure[1], a.text
	}
	return done
}

// translateSource has it come from elsewhere: its port stays the same unless another connection has it.
func (t *trial) translateSource(x filter.Translation) filter.Translated {
	own, name := t.address(t.ip.source), "snat"
	if x.Kind == filter.Masquerades {
		name, own = "masquerade", t.masquerade()
	}
	a := aimOf(own, x)
	if !own.IsValid() {
		a.text, a.chosen = "an address of "+t.leaves()+portText(x), a.unknown
	}
	a.unknown = a.unknown || !a.ports
	return filter.Translated{Said: name + " to " + a.said(x), Take: func() {
		same := a.addr == t.address(t.ip.source)
		t.take(2, a, t.ip.source, t.end)
		if !same {
			t.status[2] |= ir.StatusSourceNAT
		}
		t.unsure[2] = t.unsure[2] || same || !a.addr.IsValid()
		t.said[1] = a.text
	}}
}

// aimOf is what a translation makes of an address that it has, if it names no other.
func aimOf(own netip.Addr, x filter.Translation) aim {
	from, to := x.Addr[0], x.Addr[1]
	a := aim{addr: own, port: x.Port[0], ports: x.Ports, unknown: x.Ports && x.Port[0] != x.Port[1]}
	switch {
	case !from.IsValid():
	case x.Flags&filter.NATPrefix != 0:
		a.addr = exchanged(own, from, to)
	case from == to:
		a.addr = from
	default:
		a.addr = netip.Addr{}
	}
	a.chosen = a.unknown || !a.addr.IsValid()
	switch {
	case a.addr.IsValid():
		a.text = addressText(a.addr, x) + portText(x)
	case from.IsValid():
		a.text = addressText(from, x) + "-" + addressText(to, x) + portText(x)
	}
	return a
}

// exchanged is an address with the bits that two others have in common (nft_nat_setup_netmap).
func exchanged(own, from, to netip.Addr) netip.Addr {
	a, first, last := own.AsSlice(), from.AsSlice(), to.AsSlice()
	if len(a) != len(first) || len(a) != len(last) {
		return netip.Addr{}
	}
	for i := range a {
		mask := ^(first[i] ^ last[i])
		a[i] = a[i]&^mask | first[i]&mask
	}
	b, _ := netip.AddrFromSlice(a)
	return b
}

func addressText(a netip.Addr, x filter.Translation) string {
	if a.Is6() && x.Ports {
		return "[" + a.String() + "]"
	}
	return a.String()
}

func portText(x filter.Translation) string {
	switch {
	case !x.Ports:
		return ""
	case x.Port[0] == x.Port[1]:
		return fmt.Sprintf(":%d", x.Port[0])
	}
	return fmt.Sprintf(":%d-%d", x.Port[0], x.Port[1])
}

// said is the aim in words.
func (a aim) said(x filter.Translation) string {
	text := a.text
	for _, f := range []struct {
		flag uint32
		name string
	}{{filter.NATRandom, "random"}, {filter.NATFully, "fully-random"}, {filter.NATPersistent, "persistent"}} {
		if x.Flags&f.flag != 0 {
			text += " " + f.name
		}
	}
	if a.chosen {
		text += ", of which the kernel chooses one"
	}
	return text
}

// take has the packet be translated from one of the frames of the trial on.
func (t *trial) take(by int, a aim, address []int, port int) {
	frame := t.frames[by]
	protocol := frame[t.ip.protocol]
	to := a.addr
	if !to.IsValid() {
		t.blurs[by] = append(t.blurs[by], section{address[0], address[0] + len(address)*int(t.ip.word)})
		to = t.address(address)
	}
	keeps, _ := number(frame, port, portWidth)
	if a.ports {
		keeps = uint64(a.port)
	}
	if protocol != unix.IPPROTO_TCP && protocol != unix.IPPROTO_UDP && (a.ports || a.unknown) {
		t.blurs[by] = append(t.blurs[by], section{t.end, t.end + otherHeader}) // whatever it has for ports there
	} else if a.unknown {
		t.blurs[by] = append(t.blurs[by], section{port, port + portWidth})
	}
	t.frames[by], t.takes[by] = t.rewritten(frame, address[0], port, netip.AddrPortFrom(to, uint16(keeps))), true
}

const (
	portWidth   = 2
	otherHeader = 8 // bytes of a header that is not that of TCP or UDP
)

// address is an address of the packet, as far as it has been translated.
func (t *trial) address(at []int) netip.Addr {
	a, _ := netip.AddrFromSlice(t.frames[2][at[0] : at[0]+len(at)*int(t.ip.word)])
	return a
}
