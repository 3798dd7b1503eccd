package bench

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ecmpFlows is how many flows choose between nexthops.
const ecmpFlows = 1 << 12

// spreads are the weights of the nexthops between which flows are spread.
var spreads = [][]int{{1, 1}, {1, 1, 1}, {1, 1, 1, 1, 1}, {1, 2, 5}, {1, 1, 1, 1, 1, 1, 1, 1}}

var ecmpCase = Case{Name: "ecmp", Doc: "4096 flows over 2 to 8 nexthops: each on the kernel's own, and the cost", run: ecmp}

func ecmp(o Options) (result Result, err error) {
	result = Result{Case: "ecmp", Figures: map[string]float64{"wrong": 0}}
	var dsts []netip.Addr
	for i := range ecmpFlows {
		dsts = append(dsts, netip.AddrFrom4([4]byte{10, 128, byte(i >> 8), byte(i)}))
	}
	r, err := newRig(2, traffic{format: ipv4, dsts: dsts, watch: true})
	if err != nil {
		return result, err
	}
	defer r.close()
	if err := r.R.Batch(gatewayLines(false)); err != nil {
		return result, err
	}
	if err := r.sameNexthops(&result); err != nil {
		return result, err
	}
	subjects := []subject{dropSubject, kernelSubject, honeSubject}
	if path := forwarder(); path != "" {
		subjects = append(subjects, forwardSubject(path, "direct"))
	}
	if result.Subjects, result.Notes, err = r.compare(o, subjects); err != nil {
		return result, err
	}
	result.addRatios("hone")
	return result, nil
}

// spread routes the flows over nexthops.
func (r *rig) spread(weights []int) error {
	line := "ip route replace 10.128.0.0/16"
	for i, w := range weights {
		line += fmt.Sprintf(" nexthop via %s dev r1 weight %d", gateway(false, i), w)
	}
	return r.R.Run(line)
}

// sameNexthops sends every flow by the kernel and by hone, for each spread, and compares where they arrive.
func (r *rig) sameNexthops(result *Result) error {
	var kernel [][]uint8
	for _, weights := range spreads {
		if err := r.spread(weights); err != nil {
			return err
		}
		went, err := r.ways()
		if err != nil {
			return err
		}
		kernel = append(kernel, went)
	}
	d, err := r.honed()
	if err != nil {
		return err
	}
	defer d.stop()
	for i, weights := range spreads {
		if err := r.spread(weights); err != nil {
			return err
		}
		if err := d.settle(len(r.Ports), 5*time.Second); err != nil {
			return err
		}
		went, err := r.ways()
		if err != nil {
			return err
		}
		r.differ(result, weights, kernel[i], went)
	}
	result.Figures["fast_share"], result.Figures["live_share"], err = r.shares(d)
	return err
}

// differ counts the flows that did not go by one nexthop, or not by the kernel's.
func (r *rig) differ(result *Result, weights []int, kernel, hone []uint8) {
	wrong, used := elsewhere(kernel, hone), uint8(0)
	for _, went := range kernel {
		used |= went
	}
	result.Figures["wrong"] += float64(wrong)
	if wrong > 0 || used != 1<<len(weights)-1 {
		result.Failed = append(result.Failed, fmt.Sprintf("weights %s: %d of %d flows go elsewhere than the kernel's, nexthops %#b used",
			strings.Trim(fmt.Sprint(weights), "[]"), wrong, len(kernel), used))
	}
}

// shares tells what part of the packets so far programs forwarded, and what part by the live lookup.
func (r *rig) shares(d *daemon) (fast, live float64, err error) {
	s, err := d.status()
	if err != nil {
		return 0, 0, err
	}
	for _, i := range s.Interfaces {
		if c := i.Counters; i.Name == r.Ports[0].Name && c != nil {
			all := float64(c.Fast + c.Live + c.Punted())
			fast, live = float64(c.Fast+c.Live)/all, float64(c.Live)/all
		}
	}
	return fast, live, nil
}
