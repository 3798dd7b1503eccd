package agent

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// tally is what programs have counted for a counter of the ruleset; the kernel's own count is not in it.
type tally struct {
	id             filter.CounterID
	packets, bytes uint64
}

// tallies lists the counters of the ruleset for which programs have counted.
func (a *Agent) tallies() []tally {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fib == nil {
		return nil
	}
	var all []tally
	table, places := a.fib.Tallies()
	for id, at := range places {
		sums, err := a.host.Read(table, at, ir.TallySize)
		if err != nil {
			continue // the table is yet to be made
		}
		t := tally{id, binary.NativeEndian.Uint64(sums), binary.NativeEndian.Uint64(sums[8:])}
		if t.packets > 0 {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b tally) int {
		return cmp.Or(a.id.Chain.Compare(b.id.Chain), cmp.Compare(a.id.Handle, b.id.Handle), cmp.Compare(a.id.Nth, b.id.Nth))
	})
	return all
}

var familyNames = map[uint8]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet"}

// labels are the values of ruleLabels.
func (t tally) labels() []string {
	return []string{familyNames[t.id.Chain.Family], t.id.Chain.Table, t.id.Chain.Name, strconv.FormatUint(t.id.Handle, 10),
		strconv.Itoa(t.id.Nth)}
}
