package bench

import (
	"errors"
	"net/netip"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

var (
	fulltable4 = Case{Name: "fulltable4", Doc: "forwarding by a full table of 902,000 IPv4 routes, Zipf and uniform destinations",
		run: func(o Options) (Result, error) { return fulltable("fulltable4", o, ipv4Far) }}
	fulltable6 = Case{Name: "fulltable6", Doc: "forwarding by a full table of 160,000 IPv6 routes, Zipf and uniform destinations",
		run: func(o Options) (Result, error) { return fulltable("fulltable6", o, ipv6) }}
)

// newSingle builds a router with one route. The generator goes through as many targets as with a full table, all the
// same, so that it costs the same.
func newSingle(f format) (*rig, error) {
	if f.six {
		return newRouter6(1, f.draws())
	}
	r, err := newRig(2, traffic{format: f, dsts: []netip.Addr{netip.AddrFrom4([4]byte{10, 128, 0, 9})}, room: f.draws()})
	if err != nil {
		return nil, err
	}
	if err := r.R.Run("ip route add 10.128.0.0/24 via 10.2.0.1"); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// fulltable compares, in turns, a router with a full table and one with a single route.
func fulltable(name string, o Options, f format) (result Result, err error) {
	result = Result{Case: name, Subjects: map[string]Speed{}, Figures: map[string]float64{"wrong": 0}}
	one, err := newSingle(f)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, one.close()) }()
	prefixes, err := internet(f.six)
	if err != nil {
		return result, err
	}
	draws := map[string][]netip.Addr{"zipf": zipf(prefixes, f.draws()), "uniform": uniform(prefixes, f.draws())}
	t, err := newTable(prefixes, 2, traffic{format: f, dsts: draws["zipf"]})
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	t.draws = draws
	c := &comparison{Result: &result}
	c.figure("load_ms", float64(t.loaded.Milliseconds()))
	c.figure("routes", float64(len(prefixes)))
	share := o.Time / time.Duration(o.Runs*16)
	for range o.Runs {
		if c.turn(one, t, share); c.failed != nil {
			return result, c.failed
		}
	}
	c.sameWays(t)
	if f.six {
		c.dual(t)
	}
	c.conclude()
	return result, c.failed
}

// dual adds a full table of IPv4 and measures what both families' occupy, and how long it takes until both are fast.
func (c *comparison) dual(t *table) {
	if c.failed != nil {
		return
	}
	four, err := internet(false)
	if err != nil {
		c.failed = err
		return
	}
	both := &table{rig: t.rig, prefixes: four}
	if c.failed = both.load(); c.failed != nil {
		return
	}
	began := time.Now()
	d, err := t.honed()
	if err != nil {
		c.failed = err
		return
	}
	ready := time.Since(began)
	time.Sleep(2 * time.Second) // until what it took to build the tables is given back
	m, err := d.memory()
	c.failed = errors.Join(err, d.stop())
	c.figure("both_ready_ms", float64(ready.Milliseconds()))
	c.figure("both_rss_mb", m.rss)
	c.figure("both_rss_peak_mb", m.peak)
	c.figure("both_table_mb", m.tables)
}

// turn measures every subject once.
func (c *comparison) turn(one *rig, t *table, length time.Duration) {
	c.measure(one, dropSubject, "drop", length)
	c.measure(one, bareSubject, "bare", length)
	c.measure(one, honeSubject, "hone-one", length)
	path := forwarder()
	for name, dsts := range t.draws {
		c.measureAt(t.rig, kernelSubject, "kernel-"+name, dsts, length)
		if path != "" {
			c.measureAt(t.rig, forwardSubject(path, "direct"), "xdp-forward-"+name, dsts, length)
		}
	}
	c.full(t, length)
}

// table is a router with a full table by the sink's eight addresses.
type table struct {
	*rig
	prefixes []netip.Prefix
	draws    map[string][]netip.Addr // targets, by how they were drawn
	loaded   time.Duration           // how long the kernel took
}

// gateways are how many addresses of the sink routes go to.
const gateways = 8

// newTable builds the router; route number i goes by gateway i.
func newTable(prefixes []netip.Prefix, ports int, traffic traffic) (*table, error) {
	r, err := newRig(ports, traffic)
	if err != nil {
		return nil, err
	}
	t := &table{rig: r, prefixes: prefixes}
	if err := t.load(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// load gives the router its routes.
func (t *table) load() error {
	if err := t.gateways(); err != nil {
		return err
	}
	to, err := lab.NewRoutes(t.R)
	if err != nil {
		return err
	}
	defer to.Close()
	routes := make([]lab.Route, len(t.prefixes))
	for i := range routes {
		routes[i] = t.route(i, 0)
	}
	begin := time.Now()
	err = to.Set(routes...)
	t.loaded = time.Since(begin)
	return err
}

func (t *table) gateways() error {
	if t.six() {
		return t.enable6()
	}
	return t.R.Batch(gatewayLines(false))
}

func (t *table) six() bool { return t.prefixes[0].Addr().Is6() }

// route is route number i by a gateway that is by some further.
func (t *table) route(i, by int) lab.Route {
	return lab.Route{Dst: t.prefixes[i], Ifindex: t.Ports[1].Index, Via: gateway(t.six(), i+by)}
}
