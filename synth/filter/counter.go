package filter

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// CounterID names a counter of the ruleset. Handles of tables are not given twice, nor those of what is in a table.
type CounterID struct {
	Chain  introspect.ChainKey // without a name: Object is one of the table's
	Table  uint64              // handle of the table
	Handle uint64              // of the rule or the object; 0 is the policy of the chain
	Nth    int                 // among the counters of the rule
	Object string              // the name of a named counter
}

// Counters lists the counters of a ruleset that forwarded packets may meet.
func Counters(s *introspect.Snapshot) []CounterID {
	var all []CounterID
	for _, c := range s.Chains.All() {
		if _, ip := families[c.Key.Family]; !ip {
			continue
		}
		if c.Counts {
			all = append(all, policyCounter(s, c.Key))
		}
		for _, r := range c.Rules {
			nth := 0
			for _, e := range r.Exprs {
				if _, ok := e.(introspect.Counter); ok {
					all = append(all, ruleCounter(s, c.Key, r, nth))
					nth++
				}
			}
		}
	}
	for key := range s.Objects.All() {
		if id, ok := namedCounter(s, key); ok {
			all = append(all, id)
		}
	}
	return all
}

// SameCounters tells whether two Snapshots have the same counters, as far as it can be told without looking at rules.
func SameCounters(a, b *introspect.Snapshot) bool {
	return a.Chains.Equal(b.Chains) && a.Tables.Equal(b.Tables) && a.Objects.Equal(b.Objects)
}

func tableHandle(s *introspect.Snapshot, key introspect.TableKey) uint64 {
	table, _ := s.Tables.Get(key)
	return table.Handle
}

func policyCounter(s *introspect.Snapshot, c introspect.ChainKey) CounterID {
	return CounterID{Chain: c, Table: tableHandle(s, c.Of())}
}

func ruleCounter(s *introspect.Snapshot, c introspect.ChainKey, r *introspect.ChainRule, nth int) CounterID {
	return CounterID{Chain: c, Table: tableHandle(s, c.Of()), Handle: r.Handle, Nth: nth}
}

// namedCounter names an object that counts; false if it is none.
func namedCounter(s *introspect.Snapshot, key introspect.ObjectKey) (CounterID, bool) {
	o, ok := s.Objects.Get(key)
	_, ip := families[key.Family]
	table := introspect.TableKey{Family: key.Family, Name: key.Table}
	id := CounterID{Chain: introspect.ChainKey{Family: key.Family, Table: key.Table}, Table: tableHandle(s, table), Handle: o.Handle, Object: key.Name}
	return id, ok && ip && key.Type == unix.NFT_OBJECT_COUNTER
}
