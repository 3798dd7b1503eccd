package synth

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// card is an interface that rules may name.
func card(name string) ingress {
	return ingress{link: introspect.Link{Index: 2, Name: name}, tos: tosBits4}
}

// rulesOf parses lines of rules.
func rulesOf(t testing.TB, lines string) []introspect.Rule {
	t.Helper()
	var all []introspect.Rule
	for _, r := range parse(t, lines).Rules4.All() {
		all = append(all, r)
	}
	return all
}

// outline writes a choice in one line.
func outline(c *choice) string {
	switch {
	case c.leaf() && c.reason != slowpath.None:
		return c.reason.String()
	case c.leaf():
		return "[" + c.view + "]"
	case c.test.isPrefix():
		return fmt.Sprintf("%d in %v ? %s : %s", c.test.field, c.test.prefix, outline(c.yes), outline(c.no))
	}
	return fmt.Sprintf("%d & %#x in %d-%d ? %s : %s", c.test.field, c.test.mask, c.test.lo, c.test.hi, outline(c.yes), outline(c.no))
}

const threeRules = `
rule action=1 table=255 from=0.0.0.0/0 to=0.0.0.0/0
rule pref=32766 action=1 table=254 from=0.0.0.0/0 to=0.0.0.0/0
rule pref=32767 action=1 table=253 from=0.0.0.0/0 to=0.0.0.0/0
`

// TestChoices: what rules come to, for packets that come in by r0.
func TestChoices(t *testing.T) {
	for _, c := range []struct{ name, lines, want string }{
		{"default", "", "[255 254 253]"},
		{"from", "rule pref=100 action=1 table=7 from=10.1.0.0/16", "1 in 10.1.0.0/16 ? [255 7 254 253] : [255 254 253]"},
		{"to", "rule pref=100 action=1 table=7 to=10.1.0.0/16", "2 in 10.1.0.0/16 ? [255 7 254 253] : [255 254 253]"},
		{"not from", "rule pref=100 action=1 table=7 from=10.1.0.0/16 invert", "1 in 10.1.0.0/16 ? [255 254 253] : [255 7 254 253]"},
		{"of this", "rule pref=100 action=1 table=7 iif=r0", "[255 7 254 253]"},
		{"of another", "rule pref=100 action=1 table=7 iif=r1", "[255 254 253]"},
		{"not of another", "rule pref=100 action=1 table=7 iif=r1 invert", "[255 7 254 253]"},
		{"to an interface", "rule pref=100 action=1 table=7 oif=r1", "[255 254 253]"},
		{"marked", "rule pref=100 action=1 table=7 mark=0x1 mark-mask=0xffffffff", "[255 254 253]"},
		{"not marked", "rule pref=100 action=1 table=7 mark=0x1 mark-mask=0xffffffff invert", "[255 7 254 253]"},
		{"l3mdev", "rule pref=100 action=1 l3mdev", "[255 254 253]"},
		{"goto", "rule pref=100 action=2 goto=32767 from=10.1.0.0/16", "1 in 10.1.0.0/16 ? [255 253] : [255 254 253]"},
		{"nowhere", "rule pref=100 action=2 goto=5000 from=10.1.0.0/16", "[255 254 253]"},
		{"suppress", "rule pref=100 action=1 table=254 suppress-prefix=0\nrule pref=101 action=1 table=7", "[255 254/0 7 254 253]"},
		{"dscp", "rule pref=100 action=1 table=7 dscp=46 dscp-mask=63", "3 & 0xfc in 184-184 ? [255 7 254 253] : [255 254 253]"},
		{"tcp", "rule pref=100 action=1 table=7 ipproto=6 dport=80-81",
			"4 & 0xffffffff in 6-6 ? 7 & 0xffffffff in 80-81 ? [255 7 254 253] : [255 254 253] : [255 254 253]"},
		{"port", "rule pref=100 action=1 table=7 sport=80-80",
			"5 & 0xffffffff in 1-1 ? 6 & 0xffffffff in 80-80 ? [255 7 254 253] : [255 254 253] : rule"},
		{"port of another", "rule pref=100 action=1 table=7 ipproto=50 sport=80-80", "4 & 0xffffffff in 50-50 ? rule : [255 254 253]"},
		{"tunnel", "rule pref=100 action=1 table=7 tun-id=1", "[255 254 253]"},
		{"prohibit", "rule pref=100 action=8 from=10.1.0.0/16", "1 in 10.1.0.0/16 ? [255 reject] : [255 254 253]"},
		{"nop", "rule pref=100 action=3 from=10.1.0.0/16", "[255 254 253]"},
		{"twice", "rule pref=100 action=1 table=254", "[255 254 253]"},
		{"apart", "rule pref=100 action=1 table=7 from=10.1.0.0/16\nrule pref=101 action=1 table=8 from=10.2.0.0/16",
			"1 in 10.1.0.0/16 ? [255 7 254 253] : 1 in 10.2.0.0/16 ? [255 8 254 253] : [255 254 253]"},
		{"within", "rule pref=100 action=1 table=7 from=10.1.2.0/24\nrule pref=101 action=1 table=8 from=10.1.0.0/16",
			"1 in 10.1.2.0/24 ? [255 7 8 254 253] : 1 in 10.1.0.0/16 ? [255 8 254 253] : [255 254 253]"},
		{"tos", "rule pref=100 action=1 table=7 tos=16", "3 & 0x1c in 16-16 ? [255 7 254 253] : [255 254 253]"},
		{"both", "rule pref=100 action=1 table=7 from=10.1.0.0/16 tos=16",
			"1 in 10.1.0.0/16 ? 3 & 0x1c in 16-16 ? [255 7 254 253] : [255 254 253] : [255 254 253]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, v := card("r0").policies(rulesOf(t, threeRules+c.lines))
			if v.reason != slowpath.None {
				t.Fatal(v)
			}
			got, _, ok := choose(all)
			if !ok || outline(got) != c.want {
				t.Errorf("%s, want %s", outline(got), c.want)
			}
		})
	}
}

// flow is a packet as the rules see it.
type flow struct {
	src, dst netip.Addr
	fields   map[field]uint32
}

func (p flow) passes(t test) bool {
	if t.isPrefix() {
		return t.prefix.Contains(map[field]netip.Addr{fieldSource: p.src, fieldDest: p.dst}[t.field])
	}
	n := p.fields[t.field] & t.mask
	return t.lo <= n && n <= t.hi
}

// pick goes down a choice.
func (p flow) pick(c *choice) *choice {
	for !c.leaf() {
		if p.passes(c.test) {
			c = c.yes
		} else {
			c = c.no
		}
	}
	return c
}

// answers is what the routing tables say to one packet: the length of the prefix of its route, or less than zero.
type answers map[uint32]int32

// decide goes through lookups and names the table whose answer counts.
func (a answers) decide(l lookups) string {
	for _, t := range l.tables {
		if length, ok := a[t.table]; ok && length > t.suppress {
			return fmt.Sprint(t.table)
		}
	}
	return "none"
}

// walk does what the kernel does: one rule after the other, as fib_rules_lookup.
func (in ingress) walk(rules []introspect.Rule, p flow, a answers) string {
	for _, r := range rules {
		if in.kernelMatch(r, p) == r.Invert {
			continue
		}
		switch r.Action {
		case unix.FR_ACT_TO_TBL:
			if length, ok := a[r.Table]; ok && length > r.SuppressPrefix {
				return fmt.Sprint(r.Table)
			}
		case unix.FR_ACT_GOTO:
			for j := range rules {
				if rules[j].Key.Priority == r.Goto {
					return in.walk(rules[j:], p, a)
				}
			}
		case unix.FR_ACT_NOP:
		default:
			return "none"
		}
	}
	return "none"
}

func (in ingress) kernelMatch(r introspect.Rule, p flow) bool {
	switch {
	case r.IIF != "" && r.IIF != in.link.Name, r.OIF != "", r.Mark&r.MarkMask != 0, r.L3MDev:
		return false
	case r.Src.IsValid() && !r.Src.Contains(p.src), r.Dst.IsValid() && !r.Dst.Contains(p.dst):
		return false
	}
	bits := func(f field, value, mask uint32) bool { return (p.fields[f]^value)&mask == 0 }
	port := func(f field, bounds [2]uint16, mask uint16) bool {
		n := uint16(p.fields[f])
		return (n^bounds[0])&mask == 0 && (mask != 0 || bounds == [2]uint16{} || bounds[0] <= n && n <= bounds[1])
	}
	return (r.TOS == 0 || bits(fieldTOS, uint32(r.TOS), tosBits4)) && bits(fieldTOS, uint32(r.DSCP)<<2, uint32(r.DSCPMask)<<2) &&
		(r.IPProto == 0 || uint32(r.IPProto) == p.fields[fieldProtocol]) && port(fieldSPort, r.SPort, r.SPortMask) &&
		port(fieldDPort, r.DPort, r.DPortMask)
}

// dice throws rules and packets that have to do with each other.
type dice struct{ *rand.Rand }

func (d dice) addr() netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(d.IntN(2)), byte(d.IntN(2)), byte(d.IntN(4))})
}

func (d dice) prefix() netip.Prefix {
	if d.IntN(2) == 0 {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(d.addr(), 14+d.IntN(19)).Masked()
}

func (d dice) rule(priority uint32) introspect.Rule {
	one := func(names ...string) string { return names[d.IntN(len(names))] }
	r := introspect.Rule{Key: introspect.RuleKey{Priority: priority}, Src: d.prefix(), Dst: d.prefix(),
		Action: []uint8{unix.FR_ACT_TO_TBL, unix.FR_ACT_TO_TBL, unix.FR_ACT_TO_TBL, unix.FR_ACT_NOP, unix.FR_ACT_PROHIBIT,
			unix.FR_ACT_GOTO}[d.IntN(6)], SuppressPrefix: introspect.Nothing, SuppressGroup: introspect.Nothing,
		IIF: one("", "", "", "r0", "r1"), OIF: one("", "", "", "", "r1"), Invert: d.IntN(4) == 0}
	if r.Action == unix.FR_ACT_TO_TBL {
		r.Table = uint32(1 + d.IntN(4))
		if d.IntN(3) == 0 {
			r.SuppressPrefix = int32(d.IntN(20))
		}
	} else if r.Action == unix.FR_ACT_GOTO {
		r.Goto = priority + 1 + uint32(d.IntN(4))
	}
	d.transport(&r)
	if d.IntN(4) == 0 {
		r.TOS = uint8(4 * d.IntN(8))
	}
	if d.IntN(6) == 0 {
		r.Mark, r.MarkMask = uint32(d.IntN(2)), 1
	}
	return r
}

func (d dice) transport(r *introspect.Rule) {
	if d.IntN(6) == 0 {
		r.DSCP, r.DSCPMask = uint8(d.IntN(4)), 3
	}
	if d.IntN(5) == 0 {
		r.IPProto = []uint8{6, 17, 1}[d.IntN(3)]
	}
	switch d.IntN(12) {
	case 0:
		r.DPort = [2]uint16{uint16(1 + d.IntN(3)), 3}
	case 1:
		r.SPort, r.SPortMask = [2]uint16{1, 1}, 1
	}
}

func (d dice) flow() flow {
	protocol := []uint32{6, 17, 1}[d.IntN(3)]
	p := flow{d.addr(), d.addr(), map[field]uint32{fieldTOS: uint32(d.IntN(256)), fieldProtocol: protocol}}
	if protocol != 1 {
		p.fields[fieldPorts], p.fields[fieldSPort], p.fields[fieldDPort] = 1, uint32(d.IntN(5)), uint32(d.IntN(5))
	}
	return p
}

func (d dice) answers() answers {
	a := answers{}
	for table := range uint32(5) {
		if d.IntN(2) == 0 {
			a[table] = int32(d.IntN(33))
		}
	}
	return a
}

// TestChooseAsTheKernel: whatever the rules, a packet's routes come from the table that a walk of the rules ends with.
func TestChooseAsTheKernel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	given := 0
	for range 3000 {
		var rules []introspect.Rule
		for i := range d.IntN(7) {
			rules = append(rules, d.rule(uint32(i)))
		}
		all, v := card("r0").policies(rules)
		if v.reason != slowpath.None {
			t.Fatalf("seed %d: %v", seed, v)
		}
		root, found, ok := choose(all)
		if !ok {
			continue
		}
		for range 20 {
			p, a := d.flow(), d.answers()
			leaf := p.pick(root)
			if leaf.reason != slowpath.None && p.fields[fieldPorts] == 0 {
				continue // whether it has ports is not known
			}
			given++
			if got, want := a.decide(found[leaf.view]), card("r0").walk(rules, p, a); got != want {
				t.Fatalf("seed %d: %+v %v: %s, want %s: %s", seed, p, a, got, want, outline(root))
			}
		}
	}
	if given < 20000 {
		t.Errorf("only %d packets were decided", given)
	}
}

// TestTooManyChoices: rules that would multiply are left to the kernel.
func TestTooManyChoices(t *testing.T) {
	var lines []string
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("rule pref=%d action=1 table=%d from=10.%d.0.0/16 to=10.0.%d.0/24", i, i+1, i, i))
	}
	all, _ := card("r0").policies(rulesOf(t, strings.Join(lines, "\n")))
	if _, _, ok := choose(all); !ok {
		t.Error("rules for prefixes that are apart are not many")
	}
	lines = nil
	for i := range 24 {
		lines = append(lines, fmt.Sprintf("rule pref=%d action=1 table=%d from=10.0.0.0/%d to=10.0.0.0/%d", i, i+1, 32-i, 8+i))
	}
	all, _ = card("r0").policies(rulesOf(t, strings.Join(lines, "\n")))
	if _, _, ok := choose(all); ok {
		t.Error("rules without bound")
	}
}
