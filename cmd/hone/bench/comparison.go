package bench

import (
	"fmt"
	"net/netip"
	"time"
)

// comparison collects what subjects need in several rigs. After a failure it measures no more.
type comparison struct {
	*Result
	failed error
}

// figure keeps the least value of a figure.
func (c *comparison) figure(name string, value float64) {
	if old, ok := c.Figures[name]; !ok || value < old {
		c.Figures[name] = value
	}
}

// most keeps the greatest value of a figure.
func (c *comparison) most(name string, value float64) { c.Figures[name] = max(c.Figures[name], value) }

// measure gives a subject a turn in a rig and notes its speed by another name.
func (c *comparison) measure(r *rig, s subject, name string, length time.Duration) {
	if c.failed != nil {
		return
	}
	speed, lost, err := r.measure(s, length)
	if err != nil {
		c.failed = fmt.Errorf("bench: measure %s: %w", name, err)
		return
	}
	if lost > 0 && !s.drops {
		c.Notes = append(c.Notes, fmt.Sprintf("%s lost %d packets in one turn", name, lost))
	}
	if old, ok := c.Subjects[name]; !ok || speed.NS < old.NS {
		c.Subjects[name] = speed
	}
}

// measureAt does the same with other targets.
func (c *comparison) measureAt(r *rig, s subject, name string, dsts []netip.Addr, length time.Duration) {
	if c.failed == nil {
		c.failed = r.flood.aim(dsts)
	}
	c.measure(r, s, name, length)
}

// full starts an agent in a router that has a full table, and measures how long it takes until that is fast, how fast it
// is then and what it occupies.
func (c *comparison) full(t *table, length time.Duration) {
	if c.failed != nil {
		return
	}
	begin := time.Now()
	d, err := t.honed()
	if err != nil {
		c.failed = err
		return
	}
	defer func() {
		if err := d.stop(); c.failed == nil {
			c.failed = err
		}
	}()
	c.figure("ready_ms", float64(time.Since(begin).Milliseconds()))
	running := subject{name: "hone", start: func(*rig) (func() error, error) { return nothing, nil }}
	for name, dsts := range t.draws {
		c.measureAt(t.rig, running, "hone-"+name, dsts, length)
	}
	fast, _, err := t.shares(d)
	if err != nil {
		c.failed = err
		return
	}
	c.figure("fast_share", fast)
	m, err := d.memory()
	if err != nil {
		c.failed = err
		return
	}
	c.most("rss_mb", m.rss)
	c.most("rss_peak_mb", m.peak)
	c.most("table_mb", m.tables)
}

// conclude adds the ratios: of speeds, and how many times the cost of one route a full table has.
func (c *comparison) conclude() {
	c.Ratios = map[string]float64{}
	drop := c.Subjects["drop"].NS
	ratio := func(name, a, b string) {
		x, ok := c.Subjects[a]
		y, there := c.Subjects[b]
		if ok && there {
			c.Ratios[name], c.Ratios[name+"_marginal"] = y.NS/x.NS, (y.NS-drop)/(x.NS-drop)
		}
	}
	ratio("hone/bare", "hone-one", "bare")
	for _, draw := range []string{"zipf", "uniform"} {
		ratio("hone/kernel_"+draw, "hone-"+draw, "kernel-"+draw)
		ratio("hone/xdp-forward_"+draw, "hone-"+draw, "xdp-forward-"+draw)
		c.Figures[draw+"_cost"] = c.Subjects["hone-"+draw].NS / c.Subjects["hone-one"].NS
	}
}
