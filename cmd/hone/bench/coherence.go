package bench

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var coherenceCase = Case{Name: "coherence", Doc: "packets by the old configuration after a command returned, under a flood", run: coherence}

func coherence(o Options) (Result, error) {
	result := Result{Case: "coherence", Figures: map[string]float64{}}
	for _, s := range settings {
		if err := s.run(time.Duration(s.share*float64(o.Time-time.Second)), &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// run takes the domains of a setting to and fro for so long.
func (s setting) run(lasting time.Duration, result *Result) error {
	r, err := s.build()
	if err != nil {
		return err
	}
	defer r.close()
	d, err := r.honed()
	if err != nil {
		return err
	}
	defer d.stop()
	shell, err := newNftShell(r.R)
	if err != nil {
		return err
	}
	defer shell.close()
	flood := r.stream()
	defer flood.stop()
	togglers := make([]toggler, len(s.domains))
	for i, dom := range s.domains {
		togglers[i] = toggler{rig: r, daemon: d, nft: shell, domain: dom}
	}
	for end := time.Now().Add(lasting); time.Now().Before(end); {
		for i := range togglers {
			if err := togglers[i].round(); err != nil {
				return fmt.Errorf("%s: %w", togglers[i].name, errors.Join(err, flood.failure()))
			}
		}
	}
	for _, t := range togglers {
		t.report(result)
	}
	return nil
}

// toggler takes one domain to and fro.
type toggler struct {
	rig    *rig
	daemon *daemon
	nft    *nftShell
	domain
	words     *words
	effective int // changes made while the port was fast and packets arrived by the old state
	stale     int // packets that were made after the return of the command and forwarded by the old state
}

// Changes of one round: where both states let packets pass, every one of them can be seen to be in force, and costs
// little; elsewhere only that to the state in which nothing arrives.
const (
	bothWays = 48
	oneWay   = 12
)

// round takes the domain to and fro some times, beginning and ending with state 0.
func (t *toggler) round() (err error) {
	if err := t.command(t.setup...); err != nil {
		return err
	}
	defer func() {
		if t.words != nil {
			t.words.close()
			t.words = nil
		}
		if bad := t.command(t.undo...); err == nil {
			err = bad
		}
	}()
	n := bothWays / 2
	if t.keys[1] < 0 {
		n = oneWay
	}
	for range n {
		for to := range 2 {
			if err := t.change(1 - to); err != nil {
				return err
			}
		}
	}
	return nil
}

// command runs command lines one after the other.
func (t *toggler) command(lines ...string) error {
	for _, line := range lines {
		var err error
		if transaction, nft := strings.CutPrefix(line, "nft "); nft {
			err = t.nft.run(transaction)
		} else {
			err = t.rig.R.Run(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// report adds the domain's figures to those of the case.
func (t *toggler) report(result *Result) {
	result.Figures["changes_"+t.name] = float64(t.effective)
	result.Figures["changes"] += float64(t.effective)
	result.Figures["stale_packets"] += float64(t.stale)
	if t.stale > 0 {
		result.Failed = append(result.Failed, fmt.Sprintf("%s: %d stale packets", t.name, t.stale))
	}
	if t.effective == 0 {
		result.Failed = append(result.Failed, t.name+": no effective change")
	}
}

// patience is how long a port may take to be fast again. Programs are exchanged only after grace periods of RCU, which on a
// machine whose CPUs are taken by real-time work have been seen to last more than six seconds; packets are the kernel's until then.
const patience = 30 * time.Second

// change goes to a state. It counts as effective if the port was fast and packets came by the state before.
func (t *toggler) change(to int) (err error) {
	old := t.keys[1-to]
	if old >= 0 {
		if t.words, err = t.daemon.await(t.words, "r0", patience); err != nil {
			return err
		}
		if err := t.flowing(old); err != nil {
			return err
		}
	}
	effective := old >= 0 && t.words.fresh()
	if err := t.command(t.lines[to]); err != nil {
		return err
	}
	returned := now()
	if !effective {
		return nil
	}
	t.effective++
	first := t.rig.sinks[0].read(old)
	time.Sleep(time.Millisecond)
	if last := t.rig.sinks[0].read(old); last.Stamp > returned {
		t.stale += max(1, int(last.Count-first.Count))
	}
	return nil
}

// flowing waits until packets arrive by a state.
func (t *toggler) flowing(key int) error {
	from, sent, arrived := now(), t.rig.flood.sent(), t.rig.arrived()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Microsecond) {
		if t.rig.sinks[0].read(key).Stamp > from {
			return nil
		}
	}
	return t.daemon.explain(fmt.Errorf("bench: wait for packets of kind %#x: none after %v, in which %d were sent and %d arrived",
		key, patience, t.rig.flood.sent()-sent, t.rig.arrived()-arrived))
}
