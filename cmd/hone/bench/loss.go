package bench

import (
	"fmt"
	"time"
)

// lossy runs change again and again under a flood and counts what did not arrive.
func (r *rig) lossy(o Options, result *Result, change func(i int) error) error {
	before := r.arrived()
	s := r.stream()
	n := 0
	var err error
	for end := time.Now().Add(o.Time / 2); err == nil && time.Now().Before(end); n++ {
		err = change(n)
	}
	sent, bad := s.stop()
	if err == nil {
		err = bad
	}
	if err != nil {
		return err
	}
	time.Sleep(10 * time.Millisecond)
	lost := float64(sent) - float64(r.arrived()-before)
	result.Figures["swaps"], result.Figures["lost"], result.Figures["packets"] = float64(n), lost, float64(sent)
	if lost != 0 {
		result.Failed = append(result.Failed, fmt.Sprintf("%.0f of %d packets were lost", lost, sent))
	}
	return nil
}

// ownAddress makes or removes a local address: programs know those by heart, so that their code changes.
func (r *rig) ownAddress(i int) error {
	verb := [2]string{"add", "del"}[i%2]
	return r.R.Run(fmt.Sprintf("ip address %s 10.77.0.1/32 dev lo", verb))
}

var swapCase = Case{Name: "swap", Doc: "programs are exchanged under a flood: nothing may be lost", run: func(o Options) (Result, error) {
	result := Result{Case: "swap", Figures: map[string]float64{}}
	r, err := newRouter(1)
	if err != nil {
		return result, err
	}
	defer r.close()
	d, err := r.honed()
	if err != nil {
		return result, err
	}
	defer d.stop()
	before, err := d.status()
	if err != nil {
		return result, err
	}
	err = r.lossy(o, &result, func(i int) error {
		if err := r.ownAddress(i); err != nil {
			return err
		}
		return d.settle(2, 5*time.Second)
	})
	if after, bad := d.status(); bad == nil {
		result.Figures["swaps"] = float64(after.Agent.Swapped - before.Agent.Swapped)
	}
	if err == nil && result.Figures["swaps"] < 10 {
		result.Failed = append(result.Failed, "fewer than 10 programs were exchanged")
	}
	return result, err
}}

var restartCase = Case{Name: "restart", Doc: "honed is ended and started again under a flood: nothing may be lost", run: func(o Options) (Result, error) {
	result := Result{Case: "restart", Figures: map[string]float64{}}
	r, err := newRouter(1)
	if err != nil {
		return result, err
	}
	defer r.close()
	return result, r.lossy(o, &result, func(int) error {
		d, err := r.honed()
		if err != nil {
			return err
		}
		return d.stop()
	})
}}
