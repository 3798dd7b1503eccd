package bench

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// changes by which reaction is measured: each line by turns, behind the rules of a ruleset.
var reactions = []struct {
	name    string
	lines   [2]string
	ruleset string
}{
	{name: "route", lines: [2]string{"ip route replace 10.128.0.0/24 via 10.2.0.2", "ip route replace 10.128.0.0/24 via 10.2.0.1"}},
	{name: "neighbour", lines: [2]string{"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:05 dev r1 nud permanent",
		"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:00 dev r1 nud permanent"}},
	{name: "config", lines: [2]string{"ip address add 10.77.0.1/32 dev lo", "ip address del 10.77.0.1/32 dev lo"}},
	{name: "rules", lines: [2]string{"nft add rule inet filter forward ip saddr 10.63.0.1 udp dport 9 drop",
		"nft insert rule inet filter forward ip saddr 10.63.0.2 udp dport 9 drop"}, ruleset: oneShape(1000)},
	{name: "elements", lines: [2]string{"nft add element inet filter blocked { 100.127.0.1 }",
		"nft delete element inet filter blocked { 100.127.0.1 }"}, ruleset: blockList(1000)},
}

var reactionCase = Case{Name: "reaction", Doc: "from the return of a command to fast again, under a flood", run: func(o Options) (Result, error) {
	result := Result{Case: "reaction", Figures: map[string]float64{}}
	r, err := newRouter(1, secondReceiver)
	if err != nil {
		return result, err
	}
	defer r.close()
	d, err := r.honed()
	if err != nil {
		return result, err
	}
	defer d.stop()
	s := r.stream()
	defer s.stop()
	var all []time.Duration
	for _, kind := range reactions {
		took, err := d.reactBehind(r, kind.ruleset, kind.lines, o.Time/time.Duration(2*len(reactions)))
		if err != nil {
			return result, fmt.Errorf("%s: %w", kind.name, err)
		}
		result.Figures[kind.name+"_changes"] = float64(len(took))
		result.Figures[kind.name+"_p50_ms"] = millis(took, 0.5)
		result.Figures[kind.name+"_p99_ms"] = millis(took, 0.99)
		all = append(all, took...)
	}
	result.Figures["p50_ms"], result.Figures["p99_ms"] = millis(all, 0.5), millis(all, 0.99)
	return result, nil
}}

// reactBehind is react behind the rules of a ruleset, if there is one.
func (d *daemon) reactBehind(r *rig, ruleset string, lines [2]string, length time.Duration) ([]time.Duration, error) {
	if ruleset == "" {
		return d.react(r, lines, length)
	}
	if err := r.R.Feed("nft -f -", ruleset); err != nil {
		return nil, err
	}
	took, err := d.react(r, lines, length)
	return took, errors.Join(err, r.R.Run("nft flush ruleset"))
}

// react makes changes for about d and measures from the return of each until the port is fast again.
func (d *daemon) react(r *rig, lines [2]string, length time.Duration) (took []time.Duration, err error) {
	w, err := d.await(nil, "r0", patience)
	if err != nil {
		return nil, err
	}
	defer func() { w.close() }()
	for end := time.Now().Add(length); len(took) < 20 || time.Now().Before(end); {
		if err := r.R.Run(lines[len(took)%2]); err != nil {
			return nil, err
		}
		returned := time.Now()
		if w, err = d.await(w, "r0", patience); err != nil {
			return nil, err
		}
		took = append(took, time.Since(returned))
		time.Sleep(time.Millisecond)
	}
	return took, nil
}

// millis is the quantile q of the durations in milliseconds.
func millis(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(q*float64(len(d))))]) / 1e6
}

var portsCase = Case{Name: "ports", Doc: "a change of every program, with 2 and 64 ports", run: func(o Options) (Result, error) {
	result := Result{Case: "ports", Figures: map[string]float64{}}
	for _, ports := range []int{2, 64} {
		if err := manyPorts(o, ports, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}}

// manyPorts measures how long it takes until all ports have new programs.
func manyPorts(o Options, ports int, result *Result) error {
	var lines []string
	for i := 2; i < ports; i += 2 {
		lines = append(lines, fmt.Sprintf("link add x%d up type veth peer name y%d", i, i), fmt.Sprintf("link set y%d up", i))
	}
	r, err := newRouter(1, lines...)
	if err != nil {
		return err
	}
	defer r.close()
	d, err := r.launch()
	if err != nil {
		return err
	}
	defer d.stop()
	if err := d.settle(ports, 30*time.Second); err != nil {
		return err
	}
	var took []time.Duration
	for end := time.Now().Add(o.Time / 4); len(took) < 6 || time.Now().Before(end); {
		if err := r.ownAddress(len(took)); err != nil {
			return err
		}
		returned := time.Now()
		if err := d.settle(ports, 30*time.Second); err != nil {
			return err
		}
		took = append(took, time.Since(returned))
	}
	result.Figures[fmt.Sprintf("ports%d_p50_ms", ports)] = millis(took, 0.5)
	result.Figures[fmt.Sprintf("ports%d_max_ms", ports)] = millis(took, 1)
	return nil
}
