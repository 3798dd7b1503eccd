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
	dsts  []netip.Addr
	flood *flood
	sinks []*sink
}

// newRig builds a router with so many ports. The generator sends to the destinations by turns.
func newRig(ports int, dsts []netip.Addr) (_ *rig, err error) {
	n, err := lab.NewNetwork(lab.Layout{Ports: ports})
	if err != nil {
		return nil, err
	}
	r := &rig{Network: n, dsts: dsts}
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
	for _, p := range n.Ports[1:] {
		err := p.Peer.Net.Do(func() error {
			s, err := newSink(p.Peer.Index)
			if err == nil {
				r.sinks = append(r.sinks, s)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if r.flood, err = newFlood(in.Peer.Index, r.frames(dsts)); err != nil {
		return nil, err
	}
	return r, nil
}

// frames makes one header for each destination, repeated up to a power of two.
func (r *rig) frames(dsts []netip.Addr) (frames [][]byte) {
	in := r.Ports[0]
	n := 1
	for n < len(dsts) {
		n *= 2
	}
	for i := range n {
		p := lab.Packet{DstMAC: in.MAC, SrcMAC: in.Peer.MAC, Src: in.Peer.Addr.Addr(), Dst: dsts[i%len(dsts)],
			SrcPort: 1000, DstPort: 9, Payload: make([]byte, frameSize-42)}
		f := p.Frame()
		// The stamp changes with every frame, so the UDP checksum is a fixed wrong one: nobody on the way verifies it, and it
		// is neither zero nor the pseudo header's.
		f[40], f[41] = 0xbe, 0xef
		frames = append(frames, f)
	}
	return frames
}

// send floods from the generator's CPU.
func (r *rig) send(packets int) (result run, err error) {
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

// window measures one run. Lost says how many of its packets did not arrive.
func (r *rig) window(packets int) (result run, lost int, err error) {
	before := r.arrived()
	if result, err = r.send(packets); err != nil {
		return result, 0, err
	}
	return result, result.packets - int(r.arrived()-before), nil
}

// sized is the number of packets that take about d at this speed.
func sized(s Speed, d time.Duration) int {
	return max(1<<16, int(float64(d)/max(s.NS, 20)))
}

func (r *rig) close() error {
	errs := []error{}
	if r.flood != nil {
		r.flood.close()
	}
	for _, s := range r.sinks {
		errs = append(errs, s.close())
	}
	if err := r.Network.Close(); err != nil {
		errs = append(errs, fmt.Errorf("bench: take the network down: %w", err))
	}
	return errors.Join(errs...)
}
