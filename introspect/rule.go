package introspect

import (
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	sizeofRuleHdr   = 12
	fibRuleInvert   = 2
	fibRuleHarmless = 1 | 8 | 16 // permanent; its input or output interface does not exist
	suppressNothing = ^uint32(0)
)

// harmlessRule are the attributes of a rule that select nothing: who made it, and padding.
var harmlessRule = setOf(unix.FRA_UNSPEC, unix.FRA_PROTOCOL, unix.FRA_PAD)

// decodeRule reads the payload of RTM_NEWRULE or RTM_DELRULE: IPv4 ones are ok.
func decodeRule(b []byte) (r Rule, ok bool, err error) {
	if len(b) < sizeofRuleHdr {
		return r, false, errShort
	}
	if b[0] != unix.AF_INET {
		return r, false, nil
	}
	d := ruleDecoder{Rule: Rule{Table: uint32(b[4]), Action: b[7], SuppressPrefix: Nothing, SuppressGroup: Nothing}}
	d.TOS = b[3]
	flags := native.Uint32(b[8:])
	d.Invert = flags&fibRuleInvert != 0
	if flags&^(fibRuleInvert|fibRuleHarmless) != 0 {
		d.Unknown = append(d.Unknown, "flags")
	}
	if err := attributes(b[sizeofRuleHdr:], d.attribute); err != nil {
		return Rule{}, false, err
	}
	if d.Src, err = prefix4(d.src, b[2]); err != nil {
		return Rule{}, false, err
	}
	if d.Dst, err = prefix4(d.dst, b[1]); err != nil {
		return Rule{}, false, err
	}
	return d.Rule, true, nil
}

type ruleDecoder struct {
	Rule
	src, dst netip.Addr
}

func (d *ruleDecoder) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.FRA_SRC:
		return set(&d.src, readAddr4, data)
	case unix.FRA_DST:
		return set(&d.dst, readAddr4, data)
	case unix.FRA_IIFNAME:
		return set(&d.IIF, readString, data)
	case unix.FRA_OIFNAME:
		return set(&d.OIF, readString, data)
	case unix.FRA_PRIORITY:
		return set(&d.Key.Priority, readU32, data)
	case unix.FRA_FWMARK:
		return set(&d.Mark, readU32, data)
	case unix.FRA_FWMASK:
		return set(&d.MarkMask, readU32, data)
	case unix.FRA_TABLE:
		return set(&d.Table, readU32, data)
	case unix.FRA_L3MDEV:
		return set(&d.L3MDev, readFlag, data)
	case unix.FRA_SUPPRESS_PREFIXLEN:
		return d.suppress(data)
	}
	harmlessRule.note(&d.Unknown, kind)
	return nil
}

// suppress takes a limit that the kernel also sends where there is none.
func (d *ruleDecoder) suppress(data []byte) error {
	limit, err := readU32(data)
	if err == nil && limit != suppressNothing {
		d.Unknown = append(d.Unknown, "suppress-prefixlength")
	}
	return err
}

// foldRule keeps rules of one preference in the order of their arrival, which is the kernel's.
func foldRule(s *Snapshot, m message, resync *Kind) (bool, error) {
	r, ok, err := decodeRule(m.data)
	if err != nil || !ok {
		return false, err
	}
	equals := s.rulesAt(r.Key.Priority)
	same := slices.IndexFunc(equals, r.same)
	switch {
	case m.gone && same < 0:
		*resync |= Rules
		return false, nil
	case m.gone:
		equals = slices.Delete(equals, same, same+1)
		s.Rules4 = s.Rules4.Without(RuleKey{r.Key.Priority, uint32(len(equals))})
	case same >= 0 && m.flags&netlink.Multi == 0:
		*resync |= Rules // a twin, or one that a dump has shown already
		return false, nil
	default:
		equals = append(equals, r)
	}
	for i, e := range equals {
		e.Key.Seq = uint32(i)
		s.Rules4 = s.Rules4.With(e.Key, e)
	}
	return true, nil
}

func (s *Snapshot) rulesAt(priority uint32) []Rule {
	var all []Rule
	for k, r := range s.Rules4.From(RuleKey{Priority: priority}) {
		if k.Priority != priority {
			break
		}
		all = append(all, r)
	}
	return all
}

func (r Rule) same(o Rule) bool {
	o.Key = r.Key
	return r.Equal(o)
}
