package agent

import (
	"cmp"
	"encoding/binary"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// tally is packets and their bytes.
type tally struct{ packets, bytes uint64 }

// tallied is what programs have counted for the counters of the ruleset; the kernel's own counts are not in it.
type tallied struct {
	table  string
	number map[filter.CounterID]int   // in the table; of the ruleset that programs follow
	before map[filter.CounterID]tally // what was counted in tables that are gone
}

// read gives the sums; those of a table that cannot be read are the ones of before.
func (t tallied) read(h host) map[filter.CounterID]tally {
	all := map[filter.CounterID]tally{}
	for id, number := range t.number {
		sum := t.before[id]
		if b, err := h.Read(t.table, number*ir.TallySize, ir.TallySize); err == nil {
			sum.packets += binary.NativeEndian.Uint64(b)
			sum.bytes += binary.NativeEndian.Uint64(b[8:])
		}
		if sum.packets > 0 {
			all[id] = sum
		}
	}
	return all
}

// keepTallies notes the sums before their table is forgotten.
func (a *Agent) keepTallies() {
	a.tallied = tallied{number: a.tallied.number, before: a.tallied.read(a.host)}
}

// Tallies lists what programs have counted for counters of the ruleset, in the order of their tables and chains.
func (a *Agent) Tallies() control.Tallies {
	a.mu.Lock()
	sums := a.tallied.read(a.host)
	a.mu.Unlock()
	all := control.Tallies{PID: os.Getpid(), Counters: []control.Tally{}}
	for id, sum := range sums {
		all.Counters = append(all.Counters, control.Tally{Family: familyNames[id.Chain.Family], Table: id.Chain.Table,
			TableHandle: id.Table, Chain: id.Chain.Name, Object: id.Object, Handle: id.Handle, Nth: id.Nth,
			Packets: sum.packets, Bytes: sum.bytes})
	}
	slices.SortFunc(all.Counters, func(a, b control.Tally) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Chain, b.Chain),
			cmp.Compare(a.Handle, b.Handle), cmp.Compare(a.Nth, b.Nth))
	})
	return all
}

var familyNames = map[uint8]string{unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet"}

// tallyLabels are the values of ruleLabels.
func tallyLabels(t control.Tally) []string {
	counter := t.Object
	if counter == "" {
		counter = strconv.Itoa(t.Nth)
	}
	return []string{t.Family, t.Table, t.Chain, strconv.FormatUint(t.Handle, 10), counter}
}
