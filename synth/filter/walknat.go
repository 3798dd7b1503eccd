package filter

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/introspect"
)

// Translation is what a rule does with the addresses of the connection that a packet opens. Where the two ends are not the
// same, the kernel chooses.
type Translation struct {
	Kind  NATKind
	Addr  [2]netip.Addr // not valid: the packet's own, or that of an interface
	Port  [2]uint16
	Ports bool // it names ports
	Flags uint32
}

// Translated is what becomes of a packet by a Translation.
type Translated struct {
	Said string // in words
	End  End    // where its way ends, if it does
	Take func() // has the packet be translated from there on
}

// translating are the chains of a hook that translate addresses, in the order in which they are asked.
func (p *Path) translating(hook uint32) (all []*body) {
	at := TranslatesDest
	switch hook {
	case TranslatesSource.Hook:
		at = TranslatesSource
	case TranslatesDest.Hook:
	default:
		return nil
	}
	for _, c := range p.snapshot.Chains.All() {
		if c.Type == "nat" && c.Hook == hook && p.sees(c) {
			all = append(all, p.body(c, place{at.Hook, at.Priority, true}))
		}
	}
	slices.SortStableFunc(all, func(a, b *body) int { return cmp.Compare(a.chain.Priority, b.chain.Priority) })
	return all
}

// translate asks chains that translate addresses until one of them does. Of those of one priority nobody tells which one the
// kernel asks first: where more than one of these does anything but accept, nobody knows what becomes of the packet. Of a packet
// that is not tracked, it asks none.
func (w *walker) translate(all []*body) End {
	for len(all) > 0 && w.in.tracking != untracked {
		same := 1
		for same < len(all) && all[same].chain.Priority == all[0].chain.Priority {
			same++
		}
		found, end, acts := (*Translated)(nil), Passes, 0
		for _, b := range all[:same] {
			w.stage, w.found = b.at.stage(), nil
			switch e := w.base(b); {
			case e != Passes:
				end, acts = e, acts+1
			case w.found != nil:
				found, end, acts = w.found, w.found.End, acts+1
			}
		}
		if acts > 1 {
			last := &w.visits[len(w.visits)-1]
			last.Outcome += fmt.Sprintf("; which chain of priority %d is asked first is not known", all[0].chain.Priority)
			return Undecided
		}
		if found != nil && found.Take != nil {
			found.Take()
		}
		if found != nil || end != Passes {
			return end
		}
		all = all[same:]
	}
	return Passes
}

// nat takes a step that only chains that translate addresses have: goesOn is false where the rule ends.
func (w *walker) nat(s step) (v introspect.Verdict, outcome string, goesOn bool) {
	unknown := introspect.Verdict{Code: unknown}
	if s.kind == stepValue {
		value, known := w.value(s.nat)
		switch {
		case !known:
			return unknown, "asks for what is not known of the packet", false
		case value == "":
			return introspect.Verdict{Code: introspect.VerdictContinue}, "", false
		}
		w.values = append(w.values, value)
		return v, "", true
	}
	t, known := w.translation(s.nat)
	if !known {
		return unknown, "translates to what is not known", false
	}
	done := w.trial.Translate(t)
	w.found = &done
	return introspect.Verdict{Code: introspect.VerdictAccept}, done.Said, false
}

// value is what a map has for the packet; empty if that is nothing.
func (w *walker) value(s *natStep) (introspect.Data, bool) {
	n, known := w.boxOf(s.in)
	if n < 0 {
		return s.other, known
	}
	return s.values[n], known
}

// translation reads what a rule chooses from.
func (w *walker) translation(s *natStep) (t Translation, known bool) {
	t = Translation{Kind: s.kind, Flags: s.flags, Ports: s.port[0] != nil}
	for i := range 2 {
		if s.addr[i] != nil {
			b, ok := w.bytes(s.addr[i])
			if t.Addr[i], _ = netip.AddrFromSlice(b); !ok {
				return t, false
			}
		}
		if s.port[i] != nil {
			b, ok := w.bytes(s.port[i])
			if !ok {
				return t, false
			}
			t.Port[i] = binary.BigEndian.Uint16(b)
		}
	}
	return t, true
}

// bytes is what cells hold.
func (w *walker) bytes(cells []cell) ([]byte, bool) {
	b := make([]byte, len(cells))
	for i, c := range cells {
		switch {
		case c.mask == 0:
		case c.state == cellValue:
			v := w.values[c.field.At]
			if int(c.shift) >= len(v) {
				return nil, false
			}
			b[i] = v[c.shift]
		case c.state != cellKnown:
			return nil, false
		default:
			v, ok := w.trial.Value(w.stage, c.field)
			if !ok {
				return nil, false
			}
			b[i] = byte(v >> c.shift)
		}
		b[i] = b[i]&c.mask ^ c.xor
	}
	return b, true
}
