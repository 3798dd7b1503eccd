package introspect

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// String writes one object a line, kind first, in the order of their keys, with the fields that are not at rest.
func (s *Snapshot) String() string {
	var b []byte
	for _, section := range sections {
		if section.print != nil {
			b = section.print(b, s)
		}
	}
	return string(b)
}

// ParseSnapshot reads what String writes. Empty lines and those that start with "#" are skipped.
func ParseSnapshot(text []byte) (*Snapshot, error) {
	s, number := &Snapshot{}, 0
	for line := range bytes.Lines(text) {
		number++
		line := strings.TrimSpace(string(line))
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.parseLine(line); err != nil {
			return nil, fmt.Errorf("introspect: parse line %d: %w", number, err)
		}
	}
	return s, nil
}

func (s *Snapshot) parseLine(line string) error {
	kind, rest, _ := strings.Cut(line, " ")
	for _, section := range sections {
		if section.kind == kind {
			return section.parse(s, rest)
		}
	}
	return fmt.Errorf("no kind of object %q", kind)
}

// Diff lists what differs between two Snapshots: the lines of a that b has not after "- ", those of b that a has not
// after "+ ". It is empty where the two are equal.
func Diff(a, b *Snapshot) string {
	var out []byte
	for _, section := range sections {
		if section.diff != nil {
			out = section.diff(out, a, b)
		}
	}
	return string(out)
}

// section ties a kind of object to its place in a Snapshot.
type section struct {
	*format
	print func(b []byte, s *Snapshot) []byte // nil, like diff, for objects that stand within others
	parse func(s *Snapshot, line string) error
	diff  func(out []byte, a, b *Snapshot) []byte
}

// sectionOf is that of objects that are blank at rest.
//
//go:noinline
func sectionOf[K Key[K], V Object[V]](kind string, blank V, key func(V) K, at func(*Snapshot) *Map[K, V]) section {
	text := func(v *V) spelled { return any(v).(spelled) }
	f := formatOf(kind, text(&blank))
	return section{
		format: f,
		print: func(b []byte, s *Snapshot) []byte {
			at(s).root.walk(func(_ K, v V) bool {
				b = f.line(b, "", text(&v))
				return true
			})
			return b
		},
		parse: func(s *Snapshot, line string) error {
			v := blank
			if err := f.parse(text(&v), line, ' ', '='); err != nil {
				return err
			}
			if _, taken := at(s).Get(key(v)); taken {
				return fmt.Errorf("a second %s of this key", kind)
			}
			*at(s) = at(s).With(key(v), v)
			return nil
		},
		diff: func(out []byte, a, b *Snapshot) []byte {
			diff(at(a).root, at(b).root, func(old, now *node[K, V]) bool {
				c := change(old, now)
				if c.Old != nil {
					out = f.line(out, "- ", text(c.Old))
				}
				if c.New != nil {
					out = f.line(out, "+ ", text(c.New))
				}
				return true
			})
			return out
		},
	}
}

// line writes an object as a line.
func (f *format) line(b []byte, sign string, v spelled) []byte {
	b = append(append(append(b, sign...), f.kind...), ' ')
	return append(f.appendTo(b, v, ' ', '='), '\n')
}

var blankRule = Rule{SuppressPrefix: Nothing, SuppressGroup: Nothing}

// sections stand in the order in which a Snapshot prints.
var sections = slices.Concat([]section{
	sectionOf("link", Link{PeerNS: -1}, func(l Link) Index { return l.Index },
		func(s *Snapshot) *Map[Index, Link] { return &s.Links }),
	sectionOf("addr", Addr{}, func(a Addr) AddrKey { return a.Key },
		func(s *Snapshot) *Map[AddrKey, Addr] { return &s.Addrs }),
	sectionOf("netconf", Netconf{}, func(n Netconf) Index { return n.Index },
		func(s *Snapshot) *Map[Index, Netconf] { return &s.Netconf }),
	sectionOf("netconf6", Netconf{}, func(n Netconf) Index { return n.Index },
		func(s *Snapshot) *Map[Index, Netconf] { return &s.Netconf6 }),
	sectionOf("rule", blankRule, func(r Rule) RuleKey { return r.Key },
		func(s *Snapshot) *Map[RuleKey, Rule] { return &s.Rules4 }),
	sectionOf("rule6", blankRule, func(r Rule) RuleKey { return r.Key },
		func(s *Snapshot) *Map[RuleKey, Rule] { return &s.Rules6 }),
	sectionOf("route", Route{}, func(r Route) RouteKey { return r.Key },
		func(s *Snapshot) *Map[RouteKey, Route] { return &s.Routes4 }),
	sectionOf("route6", Route{}, func(r Route) RouteKey { return r.Key },
		func(s *Snapshot) *Map[RouteKey, Route] { return &s.Routes6 }),
	sectionOf("nexthop", Nexthop{}, func(n Nexthop) Index { return Index(n.ID) },
		func(s *Snapshot) *Map[Index, Nexthop] { return &s.Nexthops }),
	sectionOf("neigh", Neigh{}, func(n Neigh) NeighKey { return n.Key },
		func(s *Snapshot) *Map[NeighKey, Neigh] { return &s.Neighs }),
	sectionOf("fdb", FDBEntry{}, func(e FDBEntry) FDBKey { return e.Key },
		func(s *Snapshot) *Map[FDBKey, FDBEntry] { return &s.FDB }),
	sectionOf("vlan", VLAN{}, func(v VLAN) VLANKey { return v.Key },
		func(s *Snapshot) *Map[VLANKey, VLAN] { return &s.VLANs }),
	sectionOf("qdisc", Qdisc{}, func(q Qdisc) QdiscKey { return q.Key },
		func(s *Snapshot) *Map[QdiscKey, Qdisc] { return &s.Qdiscs }),
	sectionOf("filter", Filter{}, func(f Filter) FilterKey { return f.Key },
		func(s *Snapshot) *Map[FilterKey, Filter] { return &s.Filters }),
	sectionOf("learned4", Exception{}, func(e Exception) Address { return Address(e.Dst) },
		func(s *Snapshot) *Map[Address, Exception] { return &s.Learned4 }),
	sectionOf("learned6", Exception{}, func(e Exception) Address { return Address(e.Dst) },
		func(s *Snapshot) *Map[Address, Exception] { return &s.Learned6 }),
	sectionOf("bound", Exception{}, func(e Exception) Address { return Address(e.Dst) },
		func(s *Snapshot) *Map[Address, Exception] { return &s.Bound }),
	sectionOf("tap", Tap{}, func(t Tap) TapKey { return t.Key }, func(s *Snapshot) *Map[TapKey, Tap] { return &s.Taps }),
	sectionOf("sysctl", Sysctl{}, func(s Sysctl) Name { return Name(s.Path) },
		func(s *Snapshot) *Map[Name, Sysctl] { return &s.Sysctls }),
	sectionOf("hook", Hook{}, func(h Hook) Name { return Name(h.Name) },
		func(s *Snapshot) *Map[Name, Hook] { return &s.Hooks }),
}, rulesetSections)

func printMember(m Member) string { return fmt.Sprintf("%d*%d", m.ID, m.Weight) }

func parseMember(text string) (m Member, err error) {
	id, weight, _ := strings.Cut(text, "*")
	i, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return m, err
	}
	w, err := strconv.ParseUint(weight, 10, 16)
	return Member{uint32(i), uint16(w)}, err
}

var hopFormat = formatOf("", &Hop{})

func printHop(h Hop) string { return string(hopFormat.appendTo(nil, &h, ',', ':')) }

func parseHop(line string) (h Hop, err error) {
	err = hopFormat.parse(&h, line, ',', ':')
	return h, err
}
