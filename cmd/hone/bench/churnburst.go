package bench

import (
	"net/netip"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

// replace gives very many routes other gateways at once, to and fro.
func (c *churn) replace() error {
	for turn := range 4 {
		if err := c.all("burst_ms", func(i int) lab.Route { return c.route(i, 1+turn) }, func(i int) uint8 {
			return 1 << ((c.burst[i] + 1 + turn) % gateways)
		}); err != nil {
			return err
		}
	}
	return nil
}

// session takes very many routes away, and brings them again.
func (c *churn) session() error {
	shorter := c.covers()
	err := c.all("withdraw_ms", func(i int) lab.Route {
		r := c.route(i, 0)
		r.Gone = true
		return r
	}, func(i int) uint8 { return shorter[i] })
	if err != nil {
		return err
	}
	return c.all("announce_ms", func(i int) lab.Route { return c.route(i, 0) }, func(i int) uint8 {
		return 1 << (c.burst[i] % gateways)
	})
}

// covers tells which receiver gets the frames of each flow when its own route is gone.
func (c *churn) covers() []uint8 {
	index := map[netip.Prefix]int{}
	for i, p := range c.prefixes {
		index[p] = i
	}
	for _, i := range c.burst {
		delete(index, c.prefixes[i])
	}
	all := make([]uint8, churnFlows)
	for i := range all {
		if n, ok := cover(index, c.prefixes[c.burst[i]].Addr()); ok {
			all[i] = 1 << (n % gateways)
		}
	}
	return all
}

// all changes the routes of the burst, notes how long it takes until everything is fast again, and looks at the flows.
func (c *churn) all(figure string, change func(i int) lab.Route, want func(flow int) uint8) error {
	routes := make([]lab.Route, len(c.burst))
	for n, i := range c.burst {
		routes[n] = change(i)
	}
	if err := c.to.Set(routes...); err != nil {
		return err
	}
	returned := now()
	for i := range c.flows {
		c.flows[i] = churned{returned, want(i)}
	}
	c.Figures["changes"] += float64(len(routes))
	return c.again(figure)
}

// again waits until everything is fast, looks at the flows, and lets the time pass until the next change.
func (c *churn) again(figure string) (err error) {
	begin := time.Now()
	defer func() { time.Sleep(time.Until(begin.Add(churnFlap))) }()
	if c.words, err = c.daemon.await(c.words, c.Ports[0].Name, 30*time.Second); err != nil {
		return err
	}
	c.Figures[figure] = max(c.Figures[figure], float64(time.Since(begin).Microseconds())/1000)
	c.check()
	return nil
}

// link takes a link down and up, by which the kernel loses a thousand routes.
func (c *churn) link() error {
	out := c.Ports[2]
	routes := make([]lab.Route, churnRate)
	for i := range routes {
		routes[i] = lab.Route{Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 200 + byte(i>>8), byte(i), 0}), 24),
			Ifindex: out.Index, Via: out.Peer.Addr.Addr()}
	}
	for range 2 {
		if err := c.to.Set(routes...); err != nil {
			return err
		}
		for _, state := range []string{"down", "up"} {
			if err := c.R.Run("ip link set " + out.Name + " " + state); err != nil {
				return err
			}
			if err := c.again("link_" + state + "_ms"); err != nil {
				return err
			}
		}
	}
	return c.to.Set(routes...)
}
