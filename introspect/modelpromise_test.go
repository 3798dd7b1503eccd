package introspect

import (
	"testing"
)

func everyOrder(f func([lastVersion]order)) {
	for i := range 1 << lastVersion {
		var o [lastVersion]order
		for at := range o {
			o[at] = order(i >> at & 1)
		}
		f(o)
	}
}

func TestModelKeepsThePromise(t *testing.T) {
	everyOrder(func(o [lastVersion]order) {
		m := model{orders: o}
		m.search()
		t.Logf("orders %v: %d states", o, len(m.visited))
		if m.stale {
			t.Errorf("orders %v: a packet was decided by an old configuration", o)
		}
		if !m.settled {
			t.Errorf("orders %v: the last configuration is never vouched for", o)
		}
	})
}

func TestModelCatchesVariants(t *testing.T) {
	for name, v := range map[string]variant{
		"drain, then read seen":                {drainThenSeen: true},
		"vouch with seen":                      {vouchWithSeen: true},
		"one built for all programs":           {sharedBuilt: true},
		"no barrier":                           {noBarrier: true},
		"the reader counts":                    {lateCount: true},
		"links outlive sockets":                {linksOutlive: true},
		"dump, then join":                      {dumpThenJoin: true},
		"stay in the groups after a loss":      {stayInGroups: true},
		"count what was lost":                  {countMessages: true, noResync: true},
		"count what is queued when it vouches": {vouchThenFetch: true},
	} {
		caught := false
		everyOrder(func(o [lastVersion]order) {
			m := model{variant: v, orders: o}
			m.search()
			caught = caught || m.stale
		})
		if !caught {
			t.Errorf("%s: not caught", name)
		}
	}
}
