package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

// generatorCPU runs the generator and, in its softirq, the router and the sink; everything else runs elsewhere if the
// machine has a second CPU.
const generatorCPU = 0

// rig is a network with a generator at A and a sink at every end B.
type rig struct {
	*lab.Network
	flood   *flood
	sinks   []*sink
	watched *arrivals // nil unless the traffic is watched
}

// traffic is what a rig is made for.
type traffic struct {
	format
	dsts  []netip.Addr // the first targets
	room  int          // for how many targets there is to be room; 0: as many as dsts
	watch bool         // note how each target arrives
}

// newRig builds a router with so many ports. The generator sends to the targets by turns.
func newRig(ports int, t traffic) (_ *rig, err error) {
	n, err := lab.NewNetwork(lab.Layout{Ports: ports})
	if err != nil {
		return nil, err
	}
	r := &rig{Network: n}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	in := n.Ports[0]
	// The kernel's own forwarding is measured with NAPI too: without GRO a veth hands frames to the backlog.
	if err := n.R.Do(func() error { return lab.SetOffload(in.Name, lab.GRO, true) }); err != nil {
		return nil, err
	}
	room := powerOfTwo(max(t.room, len(t.dsts)))
	if t.watch {
		if r.watched, err = newArrivals(room); err != nil {
			return nil, err
		}
	}
	if err := r.addSinks(t.format); err != nil {
		return nil, err
	}
	if r.flood, err = newFlood(in, t.format, room); err != nil {
		return nil, err
	}
	return r, r.flood.aim(t.dsts)
}

func (r *rig) addSinks(f format) error {
	for _, p := range r.Ports[1:] {
		err := p.Peer.Net.Do(func() error {
			s, err := newSink(p.Peer.Index, f, r.watched)
			if err == nil {
				r.sinks = append(r.sinks, s)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func powerOfTwo(least int) int {
	n := 1
	for n < least {
		n *= 2
	}
	return n
}

// send floods from the generator's CPU.
func (r *rig) send(packets int) (result run, err error) {
	if interrupted.Load() {
		return result, errInterrupted
	}
	return result, pinned(generatorCPU, func() error {
		return r.A.Do(func() error {
			result, err = r.flood.send(packets)
			return err
		})
	})
}

// arrived is the number of frames at all sinks.
func (r *rig) arrived() (n uint64) {
	for _, s := range r.sinks {
		n += s.total()
	}
	return n
}

// window measures one run, of frames without stamps. Lost says how many of its packets did not arrive.
func (r *rig) window(packets int) (result run, lost int, err error) {
	before := r.arrived()
	if err := r.flood.stamping(false); err != nil {
		return result, 0, err
	}
	result, err = r.send(packets)
	if err := errors.Join(err, r.flood.stamping(true)); err != nil {
		return result, 0, err
	}
	return result, result.packets - int(r.arrived()-before), nil
}

// sized is the number of packets that take about d at this speed.
func sized(s Speed, d time.Duration) int {
	return max(1<<16, int(float64(d)/max(s.NS, 20)))
}

func (r *rig) close() error {
	var errs []error
	if r.flood != nil {
		errs = append(errs, r.flood.close())
	}
	for _, s := range r.sinks {
		errs = append(errs, s.close())
	}
	if r.watched != nil {
		errs = append(errs, r.watched.m.Close())
	}
	if err := r.Network.Close(); err != nil {
		errs = append(errs, fmt.Errorf("bench: take the network down: %w", err))
	}
	return errors.Join(errs...)
}
