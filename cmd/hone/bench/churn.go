package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

const (
	churnFlows = 1 << 12 // targets, of which each has a route of its own that changes
	churnRate  = 1000    // changes a second
	churnStep  = 10 * time.Millisecond
	churnFlap  = time.Second // from one change of a link or session to the next
	burstSize  = 100_000
)

var churnCase = Case{Name: "churn", Doc: "a full table of which 1000 routes a second change, 100,000 at once, or a link's, under a flood",
	run: func(o Options) (Result, error) {
		result := Result{Case: "churn", Figures: map[string]float64{"wrong": 0}}
		c, err := newChurn(&result)
		if err != nil {
			return result, err
		}
		defer c.close()
		if c.daemon, err = c.honed(); err != nil {
			return result, err
		}
		defer c.daemon.stop()
		c.traffic = c.stream()
		defer c.traffic.stop()
		return result, c.run(o.Time)
	}}

// churn is a router with a full table and what is expected of it.
type churn struct {
	*table
	*Result
	daemon  *daemon
	traffic *stream
	to      *lab.Routes
	words   *words
	burst   []int     // prefixes that change at once; the flows' are the first
	flows   []churned // by target
}

// churned is a flow whose route changes.
type churned struct {
	since uint64 // when the last change was in force
	want  uint8  // receivers that frames may come to since then, one bit each
}

// newChurn builds the router: three ports, so that a link can flap that the traffic does not need.
func newChurn(result *Result) (_ *churn, err error) {
	c := &churn{Result: result, flows: make([]churned, churnFlows)}
	prefixes, err := internet(false)
	if err != nil {
		return nil, err
	}
	c.burst = leaves(prefixes, burstSize)
	if c.sortCovered(prefixes) < churnFlows {
		return nil, fmt.Errorf("bench: choose flows: %d prefixes of 24 bits are too few", len(c.burst))
	}
	dsts := make([]netip.Addr, churnFlows)
	for i := range dsts {
		dsts[i] = within(prefixes[c.burst[i]])
	}
	if c.table, err = newTable(prefixes, 3, traffic{format: ipv4, dsts: dsts, watch: true}); err != nil {
		return nil, err
	}
	if c.to, err = lab.NewRoutes(c.R); err != nil {
		return nil, errors.Join(err, c.table.close())
	}
	return c, nil
}

// sortCovered puts those of the burst first that a shorter prefix covers, and tells how many they are: what has no route is
// the kernel's, and tells nothing.
func (c *churn) sortCovered(prefixes []netip.Prefix) (covered int) {
	rest := map[netip.Prefix]int{}
	for i, p := range prefixes {
		rest[p] = i
	}
	for _, i := range c.burst {
		delete(rest, prefixes[i])
	}
	for n, i := range c.burst {
		if _, ok := cover(rest, prefixes[i].Addr()); ok {
			c.burst[n], c.burst[covered] = c.burst[covered], i
			covered++
		}
	}
	return covered
}

// cover finds the longest prefix of up to 24 bits that an address is in.
func cover(index map[netip.Prefix]int, a netip.Addr) (int, bool) {
	for bits := 24; bits > 0; bits-- {
		if n, ok := index[netip.PrefixFrom(a, bits).Masked()]; ok {
			return n, true
		}
	}
	return 0, false
}

// leaves chooses prefixes of 24 bits that no longer one lies in, at random.
func leaves(prefixes []netip.Prefix, n int) (chosen []int) {
	inner := map[netip.Prefix]bool{}
	for _, p := range prefixes {
		if p.Bits() > 24 {
			inner[netip.PrefixFrom(p.Addr(), 24).Masked()] = true
		}
	}
	for _, i := range rand.New(rand.NewPCG(9, 10)).Perm(len(prefixes)) {
		if p := prefixes[i]; p.Bits() == 24 && !inner[p] && len(chosen) < n {
			chosen = append(chosen, i)
		}
	}
	return chosen
}

// run goes through all that can happen to routes.
func (c *churn) run(length time.Duration) error {
	for _, part := range []struct {
		name string
		do   func() error
	}{
		{"", func() error { return c.steady(length / 2) }},
		{"_burst", c.replace},
		{"_session", c.session},
		{"_link", c.link},
	} {
		if err := c.shares(part.name, part.do); err != nil {
			return fmt.Errorf("churn%s: %w", part.name, err)
		}
	}
	m, err := c.daemon.memory()
	if err != nil {
		return err
	}
	c.Figures["rss_mb"], c.Figures["rss_peak_mb"], c.Figures["table_mb"] = m.rss, m.peak, m.tables
	if c.Figures["wrong"] > 0 {
		c.Failed = append(c.Failed, fmt.Sprintf("%.0f flows were forwarded by an old route", c.Figures["wrong"]))
	}
	return nil
}

// shares measures what part of the packets was fast during something, and the agent's time. Packets without a route
// are the kernel's.
func (c *churn) shares(name string, do func() error) error {
	before, err := c.counters()
	if err != nil {
		return err
	}
	busy, err := c.daemon.cpuTime()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := do(); err != nil {
		return err
	}
	took := time.Since(begin)
	after, err := c.counters()
	if err != nil {
		return err
	}
	now, err := c.daemon.cpuTime()
	if err != nil {
		return err
	}
	fast, punts := after.fast-before.fast, after.punts-before.punts
	c.Figures["fast_share"+name] = fast / (fast + punts)
	c.Figures["cpu_pct"+name] = 100 * float64(now-busy) / float64(took)
	for reason, n := range after.reasons {
		if n -= before.reasons[reason]; float64(n) > (fast+punts)/100 {
			c.Notes = append(c.Notes, fmt.Sprintf("churn%s: %.1f %% of the packets left to the kernel: %s", name, 100*float64(n)/(fast+punts), reason))
		}
	}
	return nil
}

// counted is what became of the packets so far.
type counted struct {
	fast, punts float64
	reasons     map[string]uint64
}

func (c *churn) counters() (n counted, err error) {
	s, err := c.daemon.status()
	if err != nil {
		return n, err
	}
	for _, i := range s.Interfaces {
		if i.Name == c.Ports[0].Name && i.Counters != nil {
			n.fast += float64(i.Counters.Fast + i.Counters.Live)
			n.punts += float64(i.Counters.Punted() - i.Counters.Punts["no-route"])
			n.reasons = i.Counters.Punts
		}
	}
	return n, nil
}

// steady changes routes at an even rate, those of the flows by turns.
func (c *churn) steady(length time.Duration) error {
	const batch = churnRate * int(churnStep) / int(time.Second)
	tick := time.NewTicker(churnStep)
	defer tick.Stop()
	next := 0
	for end := time.Now().Add(length); time.Now().Before(end); <-tick.C {
		targets := make([]int, batch)
		for i := range targets {
			targets[i] = (next + i) % churnFlows
		}
		next += batch
		if err := c.change(targets, 1+next/churnFlows); err != nil {
			return err
		}
	}
	c.Figures["changes"] += float64(next)
	c.check()
	return nil
}

// change moves the routes of flows by some gateways, after it has looked at what came of the change before.
func (c *churn) change(targets []int, by int) error {
	routes := make([]lab.Route, len(targets))
	for n, i := range targets {
		c.settle(i)
		routes[n] = c.route(c.burst[i], by)
	}
	if err := c.to.Set(routes...); err != nil {
		return err
	}
	returned := now()
	for _, i := range targets {
		c.flows[i] = churned{returned, 1 << ((c.burst[i] + by) % gateways)}
	}
	return nil
}

// settle looks at what came of the last change of a flow.
func (c *churn) settle(i int) {
	f := &c.flows[i]
	if f.since == 0 {
		return
	}
	got := c.watched.since(i, f.since)
	c.Figures["checks"]++
	if got&^f.want != 0 {
		c.Figures["wrong"]++
	}
	f.since = 0
}

// check looks at all flows, a moment after the last change.
func (c *churn) check() {
	time.Sleep(20 * time.Millisecond)
	for i := range c.flows {
		c.settle(i)
	}
}

func (c *churn) close() error {
	var errs []error
	if c.words != nil {
		errs = append(errs, c.words.close())
	}
	return errors.Join(append(errs, c.to.Close(), c.table.close())...)
}
