package script

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/slowpath/lab"
)

// listing is a ruleset as `nft -j list ruleset` and `hone ruleset -j` print it.
type listing struct {
	Nftables []struct {
		Chain *struct{ Family, Table, Name, Type string }
		Rule  *struct {
			Family, Table, Chain string
			Expr                 []map[string]json.RawMessage
		}
	}
}

// counts COMMAND... runs a command that prints a ruleset as JSON, and prints in short what its rules have counted. Chains of
// NAT see the first packet of each connection, so that their numbers are exact; of other rules it prints whether they have
// carried the connections, were met or not, because nobody knows how many packets TCP makes.
func counts(ts *testscript.TestScript, neg bool, args []string) {
	out, err := command(ts, args).Output()
	ts.Check(err)
	var all listing
	ts.Check(json.Unmarshal(out, &all))
	translating, place := all.translating(), map[string]int{}
	for _, o := range all.Nftables {
		if o.Rule == nil {
			continue
		}
		chain := o.Rule.Family + " " + o.Rule.Table + " " + o.Rule.Chain
		place[chain]++
		if n, ok := counter(o.Rule.Expr); ok {
			fmt.Fprintf(ts.Stdout(), "%s %d: %s\n", chain, place[chain], n.tell(translating[chain]))
		}
	}
}

// counted is the counter of a rule.
type counted struct{ Packets, Bytes uint64 }

func counter(expr []map[string]json.RawMessage) (n counted, ok bool) {
	for _, e := range expr {
		if text, is := e["counter"]; is && json.Unmarshal(text, &n) == nil {
			return n, true
		}
	}
	return n, false
}

// tell describes a counter.
func (n counted) tell(exact bool) string {
	switch {
	case exact:
		return fmt.Sprint(n.Packets)
	case n.Bytes > moreBytes:
		return "carried"
	case n.Packets > 0:
		return "met"
	}
	return "-"
}

// translating finds the chains that the base chains of NAT lead to.
func (l listing) translating() map[string]bool {
	found := map[string]bool{}
	for _, o := range l.Nftables {
		if o.Chain != nil && o.Chain.Type == "nat" {
			found[o.Chain.Family+" "+o.Chain.Table+" "+o.Chain.Name] = true
		}
	}
	for more := true; more; {
		more = false
		for _, o := range l.Nftables {
			if o.Rule == nil || !found[o.Rule.Family+" "+o.Rule.Table+" "+o.Rule.Chain] {
				continue
			}
			for _, to := range targets(o.Rule.Expr) {
				name := o.Rule.Family + " " + o.Rule.Table + " " + to
				more, found[name] = more || !found[name], true
			}
		}
	}
	return found
}

// targets are the chains that a rule jumps or goes to.
func targets(expr []map[string]json.RawMessage) (all []string) {
	for _, e := range expr {
		for _, kind := range []string{"jump", "goto"} {
			var to struct{ Target string }
			if text, is := e[kind]; is && json.Unmarshal(text, &to) == nil {
				all = append(all, to.Target)
			}
		}
	}
	return all
}

// carried N checks that the programs have forwarded at least so many packets.
func carried(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: carried N")
	}
	least, n := 0, uint64(0)
	_, err := fmt.Sscan(args[0], &least)
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(5*time.Second))
	defer cancel()
	var s control.Status
	ts.Check(control.NewClient(ts.Getenv("SOCKET")).Get(ctx, "/v1/status", nil, &s))
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			n += i.Counters.Fast
		}
	}
	ts.Logf("%d packets on the fast path", n)
	if n < uint64(least) {
		ts.Fatalf("%d packets on the fast path, wanted %d", n, least)
	}
}
