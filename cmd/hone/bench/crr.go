package bench

import (
	"fmt"

	"github.com/hone-net/hone/slowpath/lab"
)

// talks is how many connections one window of crr has. Conntrack has room for them, as none is forgotten while it lasts.
const talks = 1 << 15

// wholeConnections measures new connections a second as netperf's TCP_CRR counts them: each is opened, has a request and a
// response, and is closed. A speed is that of a frame; figures count connections.
var wholeConnections = Case{Name: "crr", Doc: "whole TCP connections, each opened, used once and closed, through a stateful firewall", run: func(o Options) (Result, error) {
	result, err := strangers(o, "crr", (*rig).converse, (*rig).wholeConnections)
	if result.Figures == nil {
		result.Figures = map[string]float64{}
	}
	for name, s := range result.Subjects {
		result.Figures["connections_"+name] = 1e9 / (s.NS * float64(len(segments)))
	}
	return result, err
}}

// converse makes the rig's generator one of connections, whose answers arrive at the client's end.
func (r *rig) converse() error {
	// What the kernel forwards from the server is to come in with NAPI, as it does from the client.
	if err := r.R.Do(func() error { return lab.SetOffload(r.Ports[1].Name, lab.GRO, true) }); err != nil {
		return err
	}
	if err := r.catchSegments(); err != nil {
		return err
	}
	talking, err := r.newConversations(talks)
	if err != nil {
		return err
	}
	err = r.flood.close()
	r.flood = talking
	return err
}

// catchSegments has sinks at both ends that count the shortest segments, too, which carry no stamp.
func (r *rig) catchSegments() error {
	short := ipv4
	short.stamp = lab.OffL4
	for _, s := range r.sinks {
		if err := s.close(); err != nil {
			return err
		}
	}
	r.sinks = nil
	if err := r.addSinks(short); err != nil {
		return err
	}
	return r.catchReturning(short)
}

// wholeConnections is a window of connections that no window before has had. All of their frames arrive, and conntrack sees
// each of them established and closed.
func (r *rig) wholeConnections(turn int) (run, error) {
	if err := r.flood.talk(newcomers(turn, talks)); err != nil {
		return run{}, err
	}
	w, lost, err := r.window(talks * len(segments))
	if err != nil {
		return w, err
	}
	closed, err := r.entries("TIME_WAIT", "[ASSURED]")
	if err == nil && (lost != 0 || closed != talks) {
		err = fmt.Errorf("bench: %d of %d frames were lost, and conntrack saw %d of %d connections closed", lost, w.packets, closed, talks)
	}
	return w, err
}

// catchReturning puts a sink where the generator is, for what is sent back there.
func (r *rig) catchReturning(f format) error {
	in := r.Ports[0].Peer
	err := in.Net.Do(func() error {
		s, err := newSink(in.Index, f, nil)
		if err == nil {
			r.sinks = append(r.sinks, s)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("bench: catch what comes back: %w", err)
	}
	return nil
}
