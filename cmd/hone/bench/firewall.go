package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hone-net/hone/control"
)

// filterCase compares subjects behind so many rules, none of which is about the traffic.
func filterCase(rules int) Case {
	name := fmt.Sprintf("filter%d", rules)
	return Case{Name: name, Doc: fmt.Sprintf("forwarding past %d stateless rules of nft", rules), run: func(o Options) (Result, error) {
		return firewall(o, name, manyFlows(64, 50), oneShape(rules))
	}}
}

var firewallCases = []Case{
	filterCase(1), filterCase(100), filterCase(1000), filterCase(10_000),
	{Name: "set100k", Doc: "forwarding past a set of 100,000 addresses", run: func(o Options) (Result, error) {
		return firewall(o, "set100k", manyFlows(4096, 50), blockList(100_000))
	}},
	{Name: "classbench", Doc: "4096 flows past 1000 rules over addresses, ports and protocol", run: func(o Options) (Result, error) {
		rules := fiveTuples(1000)
		flows := passing(rules, 4096)
		return firewall(o, "classbench", flows, filterOf(texts(rules)...))
	}},
}

// firewall measures one ruleset.
func firewall(o Options, name string, flows []flow, ruleset string) (Result, error) {
	r, err := newFlowRouter(flows, 50, ruleset)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	return r.guarded(o, name)
}

// guarded compares the subjects that forward what passes the rules. The hand-written program knows of no rules: it is the
// physical limit.
func (r *rig) guarded(o Options, name string) (Result, error) {
	result := Result{Case: name}
	speeds, notes, err := r.compare(o, []subject{dropSubject, kernelSubject, bareSubject, guarded(&result)})
	if result.Subjects = speeds; err == nil {
		result.addRatios("hone")
	}
	result.Notes = append(result.Notes, notes...)
	return result, err
}

// guarded is honed where it may leave everything to the kernel: what share of the packets was fast is a figure.
func guarded(result *Result) subject {
	return subject{name: "hone", start: func(r *rig) (func() error, error) {
		d, err := r.launch()
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := d.decided(10 * time.Second); err != nil {
			return nil, errors.Join(err, d.stop())
		}
		if result.Figures == nil {
			result.Figures = map[string]float64{}
		}
		result.Figures["start_ms"] = float64(time.Since(begin).Milliseconds())
		return func() error { return errors.Join(d.report(r.Ports[0].Name, result), d.stop()) }, nil
	}}
}

// decided waits until honed has made up its mind about every port.
func (d *daemon) decided(patience time.Duration) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		s, err := d.status()
		if err == nil && s.Coherent && len(s.Interfaces) > 0 {
			return nil
		}
	}
	return fmt.Errorf("bench: wait for honed: undecided after %v: %s", patience, d.log.String())
}

// report notes what was fast at a port, and why the rest was not.
func (d *daemon) report(port string, result *Result) error {
	s, err := d.status()
	if err != nil {
		return err
	}
	share, why := 0.0, ""
	for _, i := range s.Interfaces {
		if i.Name != port {
			continue
		}
		if why = i.Reason + " " + i.Detail; i.Counters != nil {
			fast := float64(i.Counters.Fast + i.Counters.Live)
			share = fast / max(1, fast+float64(i.Counters.Punted()))
			why = mostly(i)
		}
	}
	if result.Figures["fast_share"] = share; share < 0.5 && len(result.Notes) == 0 {
		result.Notes = append(result.Notes, "left to the kernel: "+strings.TrimSpace(why))
	}
	return nil
}

// mostly is the reason why most packets of an interface were left to the kernel.
func mostly(i control.Interface) (why string) {
	for reason, n := range i.Counters.Punts {
		if why == "" || n > i.Counters.Punts[why] {
			why = reason
		}
	}
	for _, l := range i.Left {
		if l.Reason == why {
			why += ", " + l.Detail
		}
	}
	return why
}

// filterOf is a filter of forwarded packets that accepts what no rule catches.
func filterOf(rules ...string) string {
	return "table inet filter {\n chain forward {\n  type filter hook forward priority filter; policy accept;\n  " + strings.Join(rules, "\n  ") + "\n }\n}\n"
}

// oneShape are rules that differ in their values only, and meet none of the flows.
func oneShape(n int) string {
	rules := make([]string, n)
	for i := range rules {
		rules[i] = fmt.Sprintf("ip saddr 10.%d.%d.%d udp dport %d drop", 64+i>>16, byte(i>>8), byte(i), 10+i%50000)
	}
	return filterOf(rules...)
}

// blockList is a set of addresses that none of the flows comes from.
func blockList(n int) string {
	var elements strings.Builder
	rng, seen := rand.New(rand.NewPCG(5, 6)), map[uint32]bool{}
	for len(seen) < n {
		if a := rng.Uint32N(50 << 24); !seen[a] {
			seen[a] = true
			fmt.Fprintf(&elements, "%d.%d.%d.%d,\n", 1+a>>24, byte(a>>16), byte(a>>8), byte(a))
		}
	}
	return "table inet filter {\n set blocked { type ipv4_addr; elements = {\n" + elements.String() + "} }\n" +
		" chain forward { type filter hook forward priority filter; policy accept;\n  ip saddr @blocked drop\n }\n}\n"
}
