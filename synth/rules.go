package synth

import (
	"fmt"
	"strings"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// lookup is one routing table that a rule leads to.
type lookup struct {
	table    uint32
	suppress int32 // answers of prefixes up to this length do not count; suppressNothing: all count
}

const suppressNothing = introspect.Nothing

// lookups are the routing tables that the rules lead a packet to, in order: the first one whose answer counts decides.
type lookups struct {
	tables []lookup
	reject bool // after them, a rule refuses the packet
}

// then is l and one more lookup, unless that cannot find what an earlier one has not found.
func (l lookups) then(next lookup) lookups {
	for _, before := range l.tables {
		if before.table == next.table && before.suppress <= next.suppress {
			return l
		}
	}
	return lookups{tables: append(l.tables[:len(l.tables):len(l.tables)], next)}
}

// String names the lookups: "255 254/0 100 reject".
func (l lookups) String() string {
	var words []string
	for _, t := range l.tables {
		word := fmt.Sprint(t.table)
		if t.suppress != suppressNothing {
			word += fmt.Sprintf("/%d", t.suppress)
		}
		words = append(words, word)
	}
	if l.reject {
		words = append(words, "reject")
	}
	return strings.Join(words, " ")
}

// choice is what the rules make of the packets of one ingress: a test that tells two kinds of packets apart, or, without
// one, where their routes are looked up. Equal choices are the same.
type choice struct {
	test    test
	yes, no *choice
	view    string          // the lookups, by name
	reason  slowpath.Reason // unless they are none: the kernel has such packets
}

// leaf tells whether nothing more has to be asked of the packet.
func (c *choice) leaf() bool { return c.yes == nil }

// views lists the names of the lookups that packets may be sent to, each once, in the order of the rules.
func (c *choice) views() []string {
	var names []string
	seen := map[string]bool{}
	c.walk(func(leaf *choice) {
		if leaf.reason == slowpath.None && !seen[leaf.view] {
			seen[leaf.view] = true
			names = append(names, leaf.view)
		}
	})
	return names
}

// walk visits the leaves, those of packets that match first.
func (c *choice) walk(visit func(leaf *choice)) {
	if c.leaf() {
		visit(c)
		return
	}
	c.yes.walk(visit)
	c.no.walk(visit)
}

// maxTests bounds the tests in a choice: each rule that looks at something else may double them.
const maxTests = 1 << 8

// chooser writes the choice of one ingress.
type chooser struct {
	rules []policy
	found map[string]lookups // by name
	made  map[choice]*choice
	tests int
}

// choose turns rules, in their order, into a choice and the lookups that it names; false if there would be too much to
// ask.
func choose(rules []policy) (*choice, map[string]lookups, bool) {
	c := &chooser{rules: rules, found: map[string]lookups{}, made: map[choice]*choice{}}
	root := c.from(0, nil, lookups{})
	return root, c.found, c.tests <= maxTests
}

// from is the choice of packets that have come as far as a rule.
func (c *chooser) from(i int, known facts, so lookups) *choice {
	for ; i < len(c.rules); i++ {
		r := &c.rules[i]
		if r.match == always {
			return c.act(i, known, so)
		}
		if r.match == sometimes {
			return c.ask(i, r.tests, known, so)
		}
	}
	return c.end(so)
}

// ask goes through the tests of a rule, all of which a packet has to pass for the rule to match it, or not to, if the rule
// is inverted.
func (c *chooser) ask(i int, tests []test, known facts, so lookups) *choice {
	for n, t := range tests {
		switch known.tell(t) {
		case holds:
			continue
		case fails:
			return c.missed(i, known, so)
		}
		if c.tests++; t.field == fieldUnknown || c.tests > maxTests {
			return c.make(choice{reason: slowpath.Rule})
		}
		yes := c.ask(i, tests[n+1:], known.and(t, true), so)
		no := c.unasked(t)
		if no == nil {
			no = c.missed(i, known.and(t, false), so)
		}
		if yes == no {
			return yes
		}
		return c.make(choice{test: t, yes: yes, no: no})
	}
	return c.matched(i, known, so)
}

// unasked is the choice of packets of which a rule may ask what programs do not look at: the ports of those that have none
// that are known.
func (c *chooser) unasked(t test) *choice {
	if t.field != fieldPorts {
		return nil
	}
	return c.make(choice{reason: slowpath.Rule})
}

func (c *chooser) matched(i int, known facts, so lookups) *choice {
	if c.rules[i].invert {
		return c.from(i+1, known, so)
	}
	return c.act(i, known, so)
}

func (c *chooser) missed(i int, known facts, so lookups) *choice {
	if c.rules[i].invert {
		return c.act(i, known, so)
	}
	return c.from(i+1, known, so)
}

// act does what a rule says of packets that it matches.
func (c *chooser) act(i int, known facts, so lookups) *choice {
	r := &c.rules[i]
	switch r.action {
	case actLookup:
		return c.from(i+1, known, so.then(r.lookup))
	case actGoto:
		return c.from(r.target, known, so)
	case actNothing:
		return c.from(i+1, known, so)
	}
	so.reject = true
	return c.end(so)
}

func (c *chooser) end(so lookups) *choice {
	if len(so.tables) == 0 {
		return c.make(choice{reason: slowpath.Rule})
	}
	name := so.String()
	c.found[name] = so
	return c.make(choice{view: name})
}

// make finds or makes a choice.
func (c *chooser) make(fresh choice) *choice {
	old, ok := c.made[fresh]
	if !ok {
		old = &fresh
		c.made[fresh] = old
	}
	return old
}
