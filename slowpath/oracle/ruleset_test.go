package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hone-net/hone/slowpath/lab"
)

// loadRules hands a ruleset to nft or, in the form of iptables-save, to iptables-nft.
func loadRules(ns *lab.Namespace, text string) error {
	switch {
	case text == "":
		return nil
	case strings.HasPrefix(text, "*"):
		return ns.Feed("iptables-nft-restore", text)
	}
	return ns.Feed("nft -f -", text)
}

// refusedLine is where nft says what is wrong with a line.
var refusedLine = regexp.MustCompile(`/dev/stdin:(\d+):`)

// loadSome hands over what nft accepts of a ruleset that has been made at random: it names a few lines that it refuses at
// a time.
func loadSome(ns *lab.Namespace, text string) error {
	lines := strings.Split(text, "\n")
	for range 50 {
		err := loadRules(ns, strings.Join(lines, "\n"))
		if err == nil {
			return nil
		}
		found := refusedLine.FindAllStringSubmatch(err.Error(), -1)
		if len(found) == 0 {
			return err
		}
		// The kernel refuses what follows in the chain, too.
		if n, _ := strconv.Atoi(found[0][1]); n >= 1 && n <= len(lines) {
			lines[n-1] = ""
		}
	}
	return fmt.Errorf("oracle: load a ruleset: too much of it is refused")
}

// counter is what one counter of a ruleset has seen.
type counter struct{ packets, bytes uint64 }

// counters are the counters of a ruleset: of rules by table, chain, handle and place, of named ones by table and name.
type counters map[string]counter

func (c counters) minus(o counters) counters {
	d := counters{}
	for k, v := range c {
		d[k] = counter{v.packets - o[k].packets, v.bytes - o[k].bytes}
	}
	return d
}

func (c counters) plus(o counters) counters {
	s := maps.Clone(c)
	for k, v := range o {
		s[k] = counter{s[k].packets + v.packets, s[k].bytes + v.bytes}
	}
	return s
}

// differences tells where two runs of the same packets have counted differently.
func (c counters) differences(fast counters) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(c)) {
		if c[k] != fast[k] {
			out = append(out, fmt.Sprintf("  counter of %s: kernel %v, fast path %v", k, c[k], fast[k]))
		}
	}
	return strings.Join(out, "\n")
}

// readCounters reads the kernel's counters of all tables.
func readCounters(ns *lab.Namespace) (counters, error) {
	out, err := ns.Output("nft -j list ruleset")
	if err != nil {
		return nil, err
	}
	return parseCounters(out)
}

// counterName names a counter of a rule by its place among them.
func counterName(family, table, chain string, handle uint64, nth int) string {
	return fmt.Sprintf("%s %s %s handle %d/%d", family, table, chain, handle, nth)
}

func namedCounter(family, table, name string) string {
	return fmt.Sprintf("%s %s counter %s", family, table, name)
}

// listed is an object of nft's JSON: one of its fields is there.
type listed struct {
	Rule *struct {
		Family, Table, Chain string
		Handle               uint64
		Expr                 []struct{ Counter json.RawMessage }
	}
	Counter *struct {
		Family, Table, Name string
		Packets, Bytes      uint64
	}
}

func parseCounters(text string) (counters, error) {
	var doc struct{ Nftables []listed }
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("oracle: read counters: %w", err)
	}
	all := counters{}
	for _, l := range doc.Nftables {
		if n := l.Counter; n != nil {
			all[namedCounter(n.Family, n.Table, n.Name)] = counter{n.Packets, n.Bytes}
		}
		if l.Rule == nil {
			continue
		}
		nth := 0
		for _, e := range l.Rule.Expr {
			// The counter is an object; a reference to a named one is a string.
			var c struct{ Packets, Bytes uint64 }
			if len(e.Counter) > 0 && e.Counter[0] == '{' && json.Unmarshal(e.Counter, &c) == nil {
				all[counterName(l.Rule.Family, l.Rule.Table, l.Rule.Chain, l.Rule.Handle, nth)] = counter{c.Packets, c.Bytes}
				nth++
			}
		}
	}
	return all, nil
}
