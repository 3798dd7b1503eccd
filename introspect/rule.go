package introspect

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// RuleKey identifies a policy rule: its preference and its place among those of equal preference.
type RuleKey struct {
	Priority uint32
	Seq      uint32
}

// Compare orders RuleKeys.
func (k RuleKey) Compare(o RuleKey) int {
	return cmp.Or(cmp.Compare(k.Priority, o.Priority), cmp.Compare(k.Seq, o.Seq))
}

// Nothing is what Rule.SuppressPrefix and Rule.SuppressGroup hold where the rule suppresses no route.
const Nothing int32 = -1

// Rule is a policy rule of either family (RTM_NEWRULE). A selector with a mask selects the packets whose masked value is
// its value; with a zero mask there is none.
type Rule struct {
	Key                      RuleKey
	Action                   uint8 // FR_ACT_*
	Table                    uint32
	Goto                     uint32 // FRA_GOTO: the preference to go on with; 0 without
	SuppressPrefix           int32  // FRA_SUPPRESS_PREFIXLEN: routes of prefixes no longer than this do not count
	SuppressGroup            int32  // FRA_SUPPRESS_IFGROUP: nor do those over devices of this group
	Src, Dst                 netip.Prefix
	IIF, OIF                 string
	Attached                 bool // to an interface, by the name IIF, which may have been another name of it and be gone by now
	Mark, MarkMask           uint32
	TOS                      uint8 // the byte of the header, as rules were once made
	DSCP, DSCPMask           uint8 // FRA_DSCP: six bits
	FlowLabel, FlowLabelMask uint32
	IPProto                  uint8     // 0 for any
	SPort, DPort             [2]uint16 // first and last; zeros for any
	SPortMask, DPortMask     uint16    // with one, the port is SPort[0] under it
	TunID                    uint64    // tunnel key, 0 for any
	UIDRange                 bool      // FRA_UID_RANGE: of users of this host
	L3MDev                   bool
	Invert                   bool     // it selects everything else
	Unknown                  []string // selectors and attributes that are not among the above
}

// Equal tells whether two Rules are the same.
func (r Rule) Equal(o Rule) bool {
	action := r.Key == o.Key && r.Action == o.Action && r.Table == o.Table && r.Goto == o.Goto &&
		r.SuppressPrefix == o.SuppressPrefix && r.SuppressGroup == o.SuppressGroup
	header := r.Src == o.Src && r.Dst == o.Dst && r.TOS == o.TOS && r.DSCP == o.DSCP && r.DSCPMask == o.DSCPMask &&
		r.FlowLabel == o.FlowLabel && r.FlowLabelMask == o.FlowLabelMask && r.IPProto == o.IPProto && r.SPort == o.SPort &&
		r.DPort == o.DPort && r.SPortMask == o.SPortMask && r.DPortMask == o.DPortMask
	return action && header && r.IIF == o.IIF && r.OIF == o.OIF && r.Attached == o.Attached && r.Mark == o.Mark && r.MarkMask == o.MarkMask &&
		r.TunID == o.TunID && r.UIDRange == o.UIDRange && r.L3MDev == o.L3MDev && r.Invert == o.Invert &&
		slices.Equal(r.Unknown, o.Unknown)
}

const (
	sizeofRuleHdr   = 12
	fibRuleInvert   = 2
	fibRuleDetached = 8
	fibRuleHarmless = 1 | 4 | fibRuleDetached | 16 // permanent; the target, the input or the output interface does not exist
	fraDSCP         = 25
	fraFlowLabel    = 26
	fraFlowMask     = 27
	fraSPortMask    = 28
	fraDPortMask    = 29
	fraDSCPMask     = 30
	dscpBits        = 0x3f
)

// harmlessRule are the attributes of a rule that select nothing: who made it, and padding.
var harmlessRule = setOf(unix.FRA_UNSPEC, unix.FRA_PROTOCOL, unix.FRA_PAD)

// decodeRule reads the payload of RTM_NEWRULE or RTM_DELRULE: those of IP are ok.
func decodeRule(b []byte) (r Rule, ok bool, err error) {
	if len(b) < sizeofRuleHdr {
		return r, false, errShort
	}
	if _, ip := addressSize(b[0]); !ip {
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
	d.Attached = d.IIF != "" && flags&fibRuleDetached == 0
	d.settle()
	if d.Src, err = prefix(b[0], d.src, b[2]); err != nil {
		return Rule{}, false, err
	}
	if d.Dst, err = prefix(b[0], d.dst, b[1]); err != nil {
		return Rule{}, false, err
	}
	return d.Rule, true, nil
}

type ruleDecoder struct {
	Rule
	src, dst netip.Addr
	dscp     bool // it has one, be it 0
	masked   bool // and a mask
}

func (d *ruleDecoder) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.FRA_SRC:
		return set(&d.src, readAddr, data)
	case unix.FRA_DST:
		return set(&d.dst, readAddr, data)
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
	case unix.FRA_GOTO:
		return set(&d.Goto, readU32, data)
	case unix.FRA_SUPPRESS_PREFIXLEN:
		return set(&d.SuppressPrefix, readS32, data) // sent also where there is none
	case unix.FRA_SUPPRESS_IFGROUP:
		return set(&d.SuppressGroup, readS32, data)
	case unix.FRA_TUN_ID:
		return set(&d.TunID, readBigU64, data)
	case unix.FRA_UID_RANGE:
		d.UIDRange = true
		return nil
	}
	return d.header(kind, data)
}

// header takes the selectors of the header fields that are more than addresses.
func (d *ruleDecoder) header(kind uint16, data []byte) error {
	switch kind {
	case unix.FRA_IP_PROTO:
		return set(&d.IPProto, readU8, data)
	case unix.FRA_SPORT_RANGE:
		return set(&d.SPort, readPorts, data)
	case unix.FRA_DPORT_RANGE:
		return set(&d.DPort, readPorts, data)
	case fraSPortMask:
		return set(&d.SPortMask, readU16, data)
	case fraDPortMask:
		return set(&d.DPortMask, readU16, data)
	case fraDSCP:
		d.dscp = true
		return set(&d.DSCP, readU8, data)
	case fraDSCPMask:
		d.masked = true
		return set(&d.DSCPMask, readU8, data)
	case fraFlowLabel:
		return set(&d.FlowLabel, readBigU32, data)
	case fraFlowMask:
		return set(&d.FlowLabelMask, readBigU32, data)
	}
	harmlessRule.note(&d.Unknown, kind)
	return nil
}

// settle completes the masks: before Linux 6.16 a DSCP has none, and wants all bits.
func (d *ruleDecoder) settle() {
	if d.dscp && !d.masked {
		d.DSCPMask = dscpBits
	}
	if d.FlowLabel&^d.FlowLabelMask != 0 {
		d.Unknown = append(d.Unknown, "flowlabel")
	}
}

// readPorts reads struct fib_rule_port_range, in host byte order.
func readPorts(b []byte) (p [2]uint16, err error) {
	if err := wantSize(b, 4); err != nil {
		return p, err
	}
	return [2]uint16{native.Uint16(b), native.Uint16(b[2:])}, nil
}

// rules are those of the family of a message.
func (s *Snapshot) rules(m message) *Map[RuleKey, Rule] {
	if len(m.data) > 0 && m.data[0] == unix.AF_INET6 {
		return &s.Rules6
	}
	return &s.Rules4
}

// rulesOf is Rules if one names an interface.
func (s *Snapshot) rulesOf(name string) Kind {
	for _, rules := range []Map[RuleKey, Rule]{s.Rules4, s.Rules6} {
		for _, r := range rules.All() {
			if r.IIF == name {
				return Rules
			}
		}
	}
	return 0
}

// foldRule keeps rules of one preference in the order of their arrival, which is the kernel's.
func foldRule(s *Snapshot, m message, e *Effect) (bool, error) {
	r, ok, err := decodeRule(m.data)
	if err != nil || !ok {
		return false, err
	}
	rules := s.rules(m)
	equals := rulesAt(*rules, r.Key.Priority)
	same := slices.IndexFunc(equals, r.same)
	switch {
	case m.gone && same < 0:
		e.Resync |= Rules
		return false, nil
	case m.gone:
		equals = slices.Delete(equals, same, same+1)
		*rules = rules.Without(RuleKey{r.Key.Priority, uint32(len(equals))})
	case same >= 0 && m.flags&netlink.Multi == 0:
		e.Resync |= Rules // a twin, or one that a dump has shown already
		return false, nil
	default:
		equals = append(equals, r)
	}
	for i, e := range equals {
		e.Key.Seq = uint32(i)
		*rules = rules.With(e.Key, e)
	}
	return true, nil
}

func rulesAt(rules Map[RuleKey, Rule], priority uint32) []Rule {
	var all []Rule
	for k, r := range rules.From(RuleKey{Priority: priority}) {
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
