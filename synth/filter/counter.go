package filter

import "github.com/hone-net/hone/introspect"

// CounterID names a counter of the ruleset. Handles of rules are not given twice.
type CounterID struct {
	Chain  introspect.ChainKey
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
		if c.Counts {
			all = append(all, CounterID{Chain: c.Key})
		}
		for _, r := range c.Rules {
			nth := 0
			for _, e := range r.Exprs {
				if _, ok := e.(introspect.Counter); ok {
					all = append(all, CounterID{c.Key, r.Handle, nth})
					nth++
				}
			}
		}
	}
	return all
}
