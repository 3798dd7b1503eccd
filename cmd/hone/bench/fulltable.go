package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

var fulltable4 = Case{Name: "fulltable4", Doc: "forwarding by a full table of 902,000 IPv4 routes, Zipf and uniform destinations",
	run: func(o Options) (Result, error) {
		// The generator goes through as many targets as with a full table, all the same, so that it costs the same.
		one, err := newRig(2, traffic{format: ipv4, dsts: []netip.Addr{netip.AddrFrom4([4]byte{10, 128, 0, 9})}, room: draws})
		if err != nil {
			return Result{}, err
		}
		defer one.close()
		if err := one.R.Run("ip route add 10.128.0.0/24 via 10.2.0.1"); err != nil {
			return Result{}, err
		}
		return fulltable("fulltable4", o, one, false)
	}}

// fulltable compares, in turns, a router with a full table and one with a single route.
func fulltable(name string, o Options, one *rig, six bool) (result Result, err error) {
	result = Result{Case: name, Subjects: map[string]Speed{}, Figures: map[string]float64{}}
	prefixes, err := internet(six)
	if err != nil {
		return result, err
	}
	draws := map[string][]netip.Addr{"zipf": zipf(prefixes), "uniform": uniform(prefixes)}
	t, err := newTable(prefixes, 2, traffic{format: ipv4, dsts: draws["zipf"]})
	if err != nil {
		return result, err
	}
	t.draws = draws
	defer func() { err = errors.Join(err, t.close()) }()
	c := &comparison{Result: &result}
	c.figure("load_ms", float64(t.loaded.Milliseconds()))
	c.figure("routes", float64(len(t.prefixes)))
	path := forwarder()
	share := o.Time / time.Duration(o.Runs*16)
	for range o.Runs {
		for _, s := range []subject{dropSubject, bareOf(six), honeSubject} {
			c.measure(one, s, map[string]string{"drop": "drop", "bare": "bare", "hone": "hone-one"}[s.name], share)
		}
		for name, dsts := range t.draws {
			c.measureAt(t.rig, kernelSubject, "kernel-"+name, dsts, share)
			if path != "" {
				c.measureAt(t.rig, forwardSubject(path, "direct"), "xdp-forward-"+name, dsts, share)
			}
		}
		c.full(t, share)
		if c.failed != nil {
			return result, c.failed
		}
	}
	c.conclude()
	return result, nil
}

// bareOf is the hand-written forwarder of a family.
func bareOf(bool) subject { return bareSubject }

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
	if err := t.R.Batch(gatewayLines()); err != nil {
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

// route is route number i by a gateway that is by some further.
func (t *table) route(i, by int) lab.Route {
	return lab.Route{Dst: t.prefixes[i], Ifindex: t.Ports[1].Index, Via: gateway(i + by)}
}

// gateway is the sink's address number i, all on one link.
func gateway(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 2, 0, byte(1 + i%gateways)}) }

// gatewayLines make the gateways neighbours; the last byte of their MACs tells the sink which it was.
func gatewayLines() (lines []string) {
	for i := range gateways {
		lines = append(lines, fmt.Sprintf("neigh replace %s lladdr 02:00:00:00:0b:%02x dev r1 nud permanent", gateway(i), i))
	}
	return lines
}
