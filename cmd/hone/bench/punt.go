package bench

import (
	"errors"
	"maps"
	"slices"
)

// puntCase forwards frames that a program must leave to the kernel and compares with the kernel without a program and
// with an empty one. One part of them is left as soon as the route is known, which is one of two that differ in TOS; the
// other at the very end, because it would leave by the interface that it came from, of which the kernel tells the sender.
var puntCase = Case{Name: "punt", Doc: "the extra cost of a packet that is handed to the kernel", run: func(o Options) (Result, error) {
	result := Result{Case: "punt", Subjects: map[string]Speed{}, Figures: map[string]float64{}}
	o.Time, o.Runs = o.Time/2, o.Runs*puntRounds
	for _, late := range []bool{false, true} {
		if err := punts(o, late, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}}

// puntRounds is how many times as many turns there are as for a ratio: the difference of two speeds that are nearly the same
// is a matter of where code and data happen to lie, which each turn changes.
const puntRounds = 4

func punts(o Options, late bool, result *Result) error {
	r, err := newPunting(late)
	if err != nil {
		return err
	}
	defer r.close()
	rounds, notes, err := r.rounds(o, []subject{dropSubject, kernelSubject, passSubject, honeSubject})
	if err != nil {
		return err
	}
	result.Notes = append(result.Notes, notes...)
	if late {
		result.Figures["late_ns"] = extra(rounds, "hone", "empty")
		for name, s := range fastest(rounds) {
			result.Subjects[name+"-late"] = s
		}
		return nil
	}
	result.Figures["extra_ns"], result.Figures["extra_empty_ns"] = extra(rounds, "hone", "kernel"), extra(rounds, "empty", "kernel")
	maps.Copy(result.Subjects, fastest(rounds))
	return nil
}

// extra is what one subject takes more than another one of the same round; the median, in nanoseconds.
func extra(rounds []map[string]Speed, subject, than string) float64 {
	var all []float64
	for _, round := range rounds {
		all = append(all, round[subject].NS-round[than].NS)
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// newPunting builds a router that a program leaves all packets to, early or late.
func newPunting(late bool) (*rig, error) {
	if !late {
		return newRouter(1, "route add 10.128.0.0/24 tos 0x10 via 10.2.0.1")
	}
	r, err := newRouter(1)
	if err != nil {
		return nil, err
	}
	if err := r.R.Run("ip route replace 10.128.0.0/24 via 10.0.0.1"); err != nil {
		return nil, errors.Join(err, r.close())
	}
	if err := r.catchReturning(ipv4); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}
