package filter

import "github.com/hone-net/hone/introspect"

// CounterID names a counter of the ruleset. Handles of tables are not given twice, nor those of the rules in a table.
type CounterID struct {
	Chain  introspect.ChainKey
	Table  uint64 // handle of the table
	Handle uint64 // of the rule; 0 is the policy of the chain
	Nth    int    // among the counters of the rule
}

// Counters lists the counters of a ruleset that forwarded packets may meet.
func Counters(s *introspect.Snapshot) []CounterID {
	var all []CounterID
	for _, c := range s.Chains.All() {
		if _, ip := families[c.Key.Family]; !ip {
			continue
		}
		table, _ := s.Tables.Get(c.Key.Of())
		if c.Counts {
			all = append(all, CounterID{Chain: c.Key, Table: table.Handle})
		}
		for _, r := range c.Rules {
			nth := 0
			for _, e := range r.Exprs {
				if _, ok := e.(introspect.Counter); ok {
					all = append(all, CounterID{c.Key, table.Handle, r.Handle, nth})
					nth++
				}
			}
		}
	}
	return all
}

// counter names a counter of a chain.
func (p *Path) counter(b *body, handle uint64, nth int) CounterID {
	table, _ := p.snapshot.Tables.Get(b.chain.Key.Of())
	return CounterID{b.chain.Key, table.Handle, handle, nth}
}
