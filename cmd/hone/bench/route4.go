package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// secondReceiver is another neighbour on the sink's link.
const secondReceiver = "neigh replace 10.2.0.2 lladdr 02:00:00:00:0b:02 dev r1 nud permanent"

// newRouter builds a rig of two ports with n prefixes 10.128.i.0/24 that are routed to the first sink, sends to one
// address in each, and does what the lines say besides (ip's batch form).
func newRouter(n int, lines ...string) (*rig, error) {
	var dsts []netip.Addr
	for i := range n {
		dsts = append(dsts, netip.AddrFrom4([4]byte{10, 128, byte(i), 9}))
		lines = append(lines, fmt.Sprintf("route add 10.128.%d.0/24 via 10.2.0.1", i))
	}
	r, err := newRig(2, traffic{format: ipv4, dsts: dsts})
	if err != nil {
		return nil, err
	}
	if err := r.R.Batch(lines); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// speedCase compares subjects in a rig that forwards to so many prefixes.
func speedCase(name, doc string, f format, prefixes int) Case {
	return Case{Name: name, Doc: doc, run: func(o Options) (Result, error) {
		r, err := newForwarder(f, prefixes)
		if err != nil {
			return Result{}, err
		}
		defer r.close()
		result := Result{Case: name}
		all := []subject{dropSubject, kernelSubject, bareSubject, genericSubject, honeSubject}
		if path := forwarder(); path != "" {
			all = append(all, forwardSubject(path, "direct"))
		}
		result.Subjects, result.Notes, err = r.compare(o, all)
		if err == nil {
			result.addRatios("hone")
		}
		return result, err
	}}
}

func newForwarder(f format, prefixes int) (*rig, error) {
	if f.six {
		return newRouter6(prefixes, 0)
	}
	return newRouter(prefixes)
}

// compare measures the subjects by turns, o.Runs times, and takes for each the least CPU time of its windows: noise
// only adds.
func (r *rig) compare(o Options, subjects []subject) (map[string]Speed, []string, error) {
	rounds, notes, err := r.rounds(o, subjects)
	return fastest(rounds), notes, err
}

// rounds measures the subjects by turns, o.Runs times. A window that lost packets, where none may be lost, is noted.
func (r *rig) rounds(o Options, subjects []subject) (all []map[string]Speed, notes []string, err error) {
	share := o.Time / time.Duration(len(subjects)*o.Runs)
	for range o.Runs {
		round := map[string]Speed{}
		for _, s := range subjects {
			speed, lost, err := r.measure(s, share)
			if err != nil {
				return nil, nil, fmt.Errorf("bench: measure %s: %w", s.name, err)
			}
			if lost > 0 && !s.drops {
				notes = append(notes, fmt.Sprintf("%s lost %d packets in one turn", s.name, lost))
			}
			round[s.name] = speed
		}
		all = append(all, round)
	}
	return all, notes, nil
}

// fastest is the best that each subject did.
func fastest(rounds []map[string]Speed) map[string]Speed {
	best := map[string]Speed{}
	for _, round := range rounds {
		for name, speed := range round {
			if old, ok := best[name]; !ok || speed.NS < old.NS {
				best[name] = speed
			}
		}
	}
	return best
}

// windows are the measurements of one turn.
const windows = 3

// measure puts a subject to work for one turn of about d.
func (r *rig) measure(s subject, d time.Duration) (best Speed, lost int, err error) {
	stop, err := s.start(r)
	if err != nil {
		return best, 0, err
	}
	defer func() {
		if bad := stop(); err == nil {
			err = bad
		}
	}()
	first, _, err := r.window(1 << 16) // warms up and tells how many packets fit
	if err != nil {
		return best, 0, err
	}
	each := min(max(d/(windows+1), 50*time.Millisecond), 400*time.Millisecond)
	for range windows {
		w, missing, err := r.window(sized(first.speed(), each))
		if err != nil {
			return best, lost, err
		}
		lost += missing
		if speed := w.speed(); best.NS == 0 || speed.NS < best.NS {
			best = speed
		}
	}
	return best, lost, nil
}
