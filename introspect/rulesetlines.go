package introspect

import "fmt"

var (
	chainFormat     = formatOf("nft-chain", &Chain{})
	chainRuleFormat = formatOf("nft-rule", &ruleLine{})
	setFormat       = formatOf("nft-set", &Set{})
	elementFormat   = formatOf("nft-element", &elementLine{})
)

// rulesetSections stand in the order in which a ruleset prints.
var rulesetSections = []section{
	sectionOf("nft-table", Table{}, func(t Table) TableKey { return t.Key }, func(s *Snapshot) *Map[TableKey, Table] { return &s.Tables }),
	chainSection(),
	{format: chainRuleFormat, parse: parseRuleLine},
	setSection(),
	{format: elementFormat, parse: parseElementLine},
	sectionOf("nft-object", StatefulObject{}, func(o StatefulObject) ObjectKey { return o.Key },
		func(s *Snapshot) *Map[ObjectKey, StatefulObject] { return &s.Objects }),
	sectionOf("nft-flowtable", Flowtable{}, func(f Flowtable) FlowtableKey { return f.Key },
		func(s *Snapshot) *Map[FlowtableKey, Flowtable] { return &s.Flowtables }),
}

func chainSection() section {
	s := sectionOf("nft-chain", Chain{}, func(c Chain) ChainKey { return c.Key }, func(s *Snapshot) *Map[ChainKey, Chain] { return &s.Chains })
	s.print = func(b []byte, s *Snapshot) []byte {
		for _, c := range s.Chains.All() {
			b = rulesText(chainFormat.line(b, "", &c), "", c.Key, c.Rules)
		}
		return b
	}
	s.diff = func(out []byte, a, b *Snapshot) []byte {
		for c := range DiffMaps(a.Chains, b.Chains) {
			out = diffChains(out, c.Old, c.New)
		}
		return out
	}
	return s
}

func rulesText(b []byte, sign string, chain ChainKey, rules []*ChainRule) []byte {
	for _, r := range rules {
		b = chainRuleFormat.line(b, sign, &ruleLine{chain, *r})
	}
	return b
}

// diffChains writes the rules between those that two chains begin and end with alike.
func diffChains(out []byte, a, b *Chain) []byte {
	headless := a != nil && b != nil && a.sameHead(*b)
	var old, now []*ChainRule
	if a != nil {
		old = a.Rules
	}
	if b != nil {
		now = b.Rules
	}
	for len(old) > 0 && len(now) > 0 && old[0].Equal(*now[0]) {
		old, now = old[1:], now[1:]
	}
	for len(old) > 0 && len(now) > 0 && old[len(old)-1].Equal(*now[len(now)-1]) {
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	if a != nil {
		if !headless {
			out = chainFormat.line(out, "- ", a)
		}
		out = rulesText(out, "- ", a.Key, old)
	}
	if b != nil {
		if !headless {
			out = chainFormat.line(out, "+ ", b)
		}
		out = rulesText(out, "+ ", b.Key, now)
	}
	return out
}

func parseRuleLine(s *Snapshot, text string) error {
	var l ruleLine
	if err := chainRuleFormat.parse(&l, text, ' ', '='); err != nil {
		return err
	}
	c, ok := s.Chains.Get(l.chain)
	if !ok {
		return fmt.Errorf("a rule of no chain")
	}
	c.Rules = append(c.Rules, &l.ChainRule)
	s.Chains = s.Chains.With(l.chain, c)
	return nil
}

func setSection() section {
	s := sectionOf("nft-set", Set{}, func(v Set) SetKey { return v.Key }, func(s *Snapshot) *Map[SetKey, Set] { return &s.Sets })
	s.print = func(b []byte, s *Snapshot) []byte {
		for _, v := range s.Sets.All() {
			b = setFormat.line(b, "", &v)
			for _, e := range v.Elements.All() {
				b = elementFormat.line(b, "", &elementLine{v.Key, e})
			}
		}
		return b
	}
	s.diff = func(out []byte, a, b *Snapshot) []byte {
		for c := range DiffMaps(a.Sets, b.Sets) {
			out = diffSets(out, c.Old, c.New)
		}
		return out
	}
	return s
}

func diffSets(out []byte, a, b *Set) []byte {
	var old, now Set
	if a != nil {
		old = *a
	}
	if b != nil {
		now = *b
	}
	if a != nil && (b == nil || !a.SameHead(*b)) {
		out = setFormat.line(out, "- ", a)
	}
	if b != nil && (a == nil || !a.SameHead(*b)) {
		out = setFormat.line(out, "+ ", b)
	}
	for c := range DiffMaps(old.Elements, now.Elements) {
		if c.Old != nil {
			out = elementFormat.line(out, "- ", &elementLine{old.Key, *c.Old})
		}
		if c.New != nil {
			out = elementFormat.line(out, "+ ", &elementLine{now.Key, *c.New})
		}
	}
	return out
}

func parseElementLine(s *Snapshot, text string) error {
	var l elementLine
	if err := elementFormat.parse(&l, text, ' ', '='); err != nil {
		return err
	}
	v, ok := s.Sets.Get(l.set)
	if !ok {
		return fmt.Errorf("an element of no set")
	}
	if _, taken := v.Elements.Get(l.Key); taken {
		return fmt.Errorf("a second %s of this key", elementFormat.kind)
	}
	v.Elements = v.Elements.With(l.Key, l.Element)
	s.Sets = s.Sets.With(l.set, v)
	return nil
}
