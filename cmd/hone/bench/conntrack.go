package bench

import (
	"bufio"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
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
	connRate, wholeConnections,
}

// connRate measures what a connection costs that conntrack does not know, by one packet of each. Of hone no more can be
// asked than that it costs what an empty program does.
var connRate = Case{Name: "conn-rate", Doc: "new connections through a stateful firewall, with hone and without", run: func(o Options) (Result, error) {
	return strangers(o, "conn-rate", func(*rig) error { return nil }, (*rig).newConnections)
}}

// strangers compares subjects by connections that conntrack does not know, and forgets before the next window, so that there
// are a few windows each turn.
func strangers(o Options, name string, prepare func(*rig) error, window func(r *rig, turn int) (run, error)) (Result, error) {
	result := Result{Case: name}
	r, err := newFlowRouter(manyFlows(1<<16, 50), 50, statefulRules)
	if err != nil {
		return result, err
	}
	defer r.close()
	if err := prepare(r); err != nil {
		return result, err
	}
	guard := guarded(&result)
	best := map[string]Speed{}
	turn := 0
	for end := time.Now().Add(o.Time); len(best) == 0 || time.Now().Before(end); {
		for _, s := range []subject{kernelSubject, passSubject, guard} {
			speed, err := r.forgetting(s, &turn, window)
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
}

// forgetting gives a subject one turn of windows, before each of which conntrack forgets all it knows.
func (r *rig) forgetting(s subject, turn *int, window func(*rig, int) (run, error)) (best Speed, err error) {
	stop, err := s.start(r)
	if err != nil {
		return best, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for range windows {
		if err := r.R.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) }); err != nil {
			return best, fmt.Errorf("bench: flush conntrack: %w", err)
		}
		w, err := window(r, *turn)
		if err != nil {
			return best, err
		}
		*turn++
		if speed := w.speed(); best.NS == 0 || speed.NS < best.NS {
			best = speed
		}
	}
	return best, nil
}

// newConnections is a window in which every packet is the first of its flow, which no window before has had.
func (r *rig) newConnections(turn int) (run, error) {
	if err := r.flood.follow(newcomers(turn, r.flood.room)); err != nil {
		return run{}, err
	}
	w, _, err := r.window(r.flood.room)
	return w, err
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
func (r *rig) assured() (int, error) { return r.entries("[ASSURED]") }

// entries counts those entries of conntrack of which its list says all of this.
func (r *rig) entries(that ...string) (n int, err error) {
	err = r.R.Do(func() error {
		f, err := os.Open("/proc/thread-self/net/nf_conntrack")
		if err != nil {
			return fmt.Errorf("bench: read conntrack: %w", err)
		}
		defer f.Close()
		s := bufio.NewScanner(f)
		for s.Scan() {
			if !slices.ContainsFunc(that, func(one string) bool { return !strings.Contains(s.Text(), one) }) {
				n++
			}
		}
		return s.Err()
	})
	return n, err
}
