package bench

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
)

// statefulRules let in what is established, and what the inside begins.
const statefulRules = `table inet filter {
 chain forward {
  type filter hook forward priority filter; policy drop;
  ct state established,related accept
  iifname "r0" ct state new accept
 }
}
`

// masqueradeRules hide the inside behind the router's address besides.
const masqueradeRules = statefulRules + `table ip nat {
 chain postrouting {
  type nat hook postrouting priority srcnat; policy accept;
  ip saddr 100.64.0.0/10 oifname "r1" masquerade
 }
}
`

// statefulCase compares subjects where conntrack knows every flow.
func statefulCase(name, doc string, flows int, rules string, seenFrom netip.Addr) Case {
	const prefixes = 50
	return Case{Name: name, Doc: doc, run: func(o Options) (Result, error) {
		all := manyFlows(flows, prefixes)
		r, err := newFlowRouter(all, prefixes, rules)
		if err != nil {
			return Result{}, err
		}
		defer r.close()
		if err := r.establish(all, seenFrom); err != nil {
			return Result{}, err
		}
		return r.guarded(o, name)
	}}
}

var statefulCases = []Case{
	statefulCase("established", "1000 established flows through a stateful firewall", 1000, statefulRules, netip.Addr{}),
	statefulCase("established100k", "the same with 100,000 flows", 100_000, statefulRules, netip.Addr{}),
	statefulCase("nat", "1000 established flows through a stateful firewall that masquerades", 1000, masqueradeRules, netip.MustParseAddr("10.2.0.254")),
	connRate,
}

// connRate measures what a connection costs that conntrack does not know, by one packet of each. Of hone no more can be
// asked than that it costs what an empty program does.
var connRate = Case{Name: "conn-rate", Doc: "new connections through a stateful firewall, with hone and without", run: func(o Options) (Result, error) {
	result := Result{Case: "conn-rate"}
	r, err := newFlowRouter(manyFlows(1<<16, 50), 50, statefulRules)
	if err != nil {
		return result, err
	}
	defer r.close()
	guard := guarded(&result)
	best := map[string]Speed{}
	// Connections of one window are forgotten before the next, so there is one window each turn.
	turns := 0
	for end := time.Now().Add(o.Time); len(best) == 0 || time.Now().Before(end); {
		for _, s := range []subject{kernelSubject, passSubject, guard} {
			speed, err := r.newConnections(s, &turns)
			if err != nil {
				return result, fmt.Errorf("bench: measure %s: %w", s.name, err)
			}
			if old, ok := best[s.name]; !ok || speed.NS < old.NS {
				best[s.name] = speed
			}
		}
	}
	result.Subjects = best
	result.addRatios("hone")
	return result, nil
}}

// newConnections measures windows in which every packet is the first of its flow, which no window before has had.
func (r *rig) newConnections(s subject, turns *int) (best Speed, err error) {
	stop, err := s.start(r)
	if err != nil {
		return best, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for range windows {
		if err := r.R.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) }); err != nil {
			return best, fmt.Errorf("bench: flush conntrack: %w", err)
		}
		if err := r.flood.follow(newcomers(*turns, r.flood.room)); err != nil {
			return best, err
		}
		*turns++
		w, _, err := r.window(r.flood.room)
		if err != nil {
			return best, err
		}
		if speed := w.speed(); best.NS == 0 || speed.NS < best.NS {
			best = speed
		}
	}
	return best, nil
}

// newcomers are n flows from hosts that are others for each of some turns.
func newcomers(turn, n int) []flow {
	all := manyFlows(n, 50)
	for i := range all {
		a := all[i].src.As4()
		a[1] += byte(turn % 64)
		all[i].src = netip.AddrFrom4(a)
	}
	return all
}

// assured counts conntrack's entries that are assured.
func (r *rig) assured() (n int, err error) {
	err = r.R.Do(func() error {
		f, err := os.Open("/proc/thread-self/net/nf_conntrack")
		if err != nil {
			return fmt.Errorf("bench: read conntrack: %w", err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if strings.Contains(s.Text(), "[ASSURED]") {
				n++
			}
		}
		return nil
	})
	return n, err
}
