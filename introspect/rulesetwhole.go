package introspect

import (
	"errors"
	"fmt"
)

// counted wants as many rules in each chain as it says it has: a dump ends without a word at a rule that is larger than one part
// may be, and leaves out whatever follows in all tables. Another commit that is being prepared may have moved the count, too.
func (p *picture) counted(last bool) error {
	verdicts := p.verdicts
	for k, c := range p.chains {
		shown := make(map[uint64]bool, len(c.Rules))
		for _, r := range c.Rules {
			if shown[r.Handle] {
				return errTorn // as many as are shown twice are not shown at all
			}
			shown[r.Handle] = true
			for _, e := range r.Exprs {
				if v, ok := e.(Verdict); ok && v.Chain != "" {
					verdicts[ChainKey{k.Family, k.Table, v.Chain}]++
				}
			}
		}
	}
	for k, c := range p.chains {
		bound := 0
		if c.Flags&chainBinding != 0 {
			bound = 1 // the rule that an anonymous chain is part of counts twice: its verdict, and its binding
		}
		if int(p.uses[k]) <= len(c.Rules)+verdicts[k]+bound {
			continue
		}
		if !last {
			return errTorn
		}
		c.Unknown, p.missing = append(c.Unknown, "missing-rules"), true
	}
	return nil
}

// countVerdicts counts where the elements of a verdict map lead. Those of one that packets or time change are read for this only.
func (r *ruleset) countVerdicts(p *picture, v Set) error {
	k, elements := v.Key, v.Elements
	if v.Fluid() && r.again {
		var err error
		if elements, _, err = r.elementsOf(k); err != nil && !errors.Is(err, errTorn) {
			return fmt.Errorf("introspect: dump elements of set %s: %w", k.Name, err)
		}
	}
	for _, e := range elements.All() {
		p.verdicts[ChainKey{k.Family, k.Table, e.Verdict.Chain}]++
	}
	return nil
}

// writtenSets are those that rules have packets change, which the kernel allows of more sets than those that say so. What
// is not understood may write to all sets of its table.
func (p *picture) writtenSets() map[SetKey]bool {
	written, any := map[SetKey]bool{}, map[TableKey]bool{}
	for k, c := range p.chains {
		for _, r := range c.Rules {
			for _, e := range r.Exprs {
				switch e := e.(type) {
				case Dynset:
					written[SetKey{k.Family, k.Table, e.Set}] = true
				case Opaque:
					any[k.Of()] = true
				}
			}
		}
	}
	for k := range p.sets {
		written[k] = written[k] || any[TableKey{k.Family, k.Table}]
	}
	return written
}
