package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
)

// genericSubject is hone's program for the router's first port without all that is worked out beforehand: as synthesis wrote
// it, and with the kernel asked about route and neighbour of each packet, as programs do while honed has not followed a change.
var genericSubject = subject{name: "hone-generic", start: func(r *rig) (func() error, error) {
	g := &generic{}
	if err := r.R.Do(func() error { return g.start(r.Ports[0].Index) }); err != nil {
		return nil, fmt.Errorf("bench: start generic program: %w", errors.Join(err, g.stop()))
	}
	return g.stop, nil
}}

// generic is what such a program needs.
type generic struct {
	seen *ebpf.Map
	host *fastpath.Host
	port *fastpath.Port
}

// behind are the epochs of changes of routes and neighbours that no program has followed.
var behind = slowpath.Epochs{slowpath.Any: 1, slowpath.Route4: 1, slowpath.Route6: 1, slowpath.Neigh: 1}

func (g *generic) start(ifindex int) error {
	kernel, err := fastpath.Probe()
	if err != nil {
		return err
	}
	s, err := introspect.Read(context.Background())
	if err != nil {
		return err
	}
	fib := synth.NewFIB(s)
	spec, err := genericSpec(s, ifindex, kernel, fib.Shape())
	if err != nil {
		return err
	}
	if err := g.open(kernel, fib); err != nil {
		return err
	}
	if g.port, err = g.host.Attach(ifindex, spec, fastpath.Native); err != nil {
		return err
	}
	g.port.Vouch(slowpath.Epochs{})
	return g.seen.Put(uint32(0), behind)
}

// open makes the tables, which say more than routes.
func (g *generic) open(kernel emit.Kernel, fib *synth.FIB) (err error) {
	g.seen, err = ebpf.NewMap(&ebpf.MapSpec{Name: emit.MapSeen, Type: ebpf.Array, KeySize: 4, ValueSize: 8 * uint32(slowpath.NumDomains),
		MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return err
	}
	if g.host, err = fastpath.Open(kernel, g.seen); err != nil {
		return err
	}
	if err := g.host.Tables(fib.Tables()); err != nil {
		return err
	}
	return g.host.Write(fib.Image())
}

func genericSpec(s *introspect.Snapshot, ifindex int, kernel emit.Kernel, shape synth.Shape) (*ebpf.CollectionSpec, error) {
	options := synth.Options{Hook: "xdp", VethTag: kernel.VethTag != nil,
		VethSummed: kernel.VethTag != nil && kernel.VethTag.SummedMask != 0, FIBLookup: kernel.FIBLookup}
	if reason, cause := synth.Refuse(s, ifindex, options); reason != slowpath.None {
		return nil, fmt.Errorf("%s: %s", reason, cause)
	}
	program, err := synth.Program(s, ifindex, options, shape)
	if err != nil {
		return nil, err
	}
	return emit.Spec(program, kernel)
}

func (g *generic) stop() error {
	var errs []error
	if g.port != nil {
		errs = append(errs, g.port.Close())
	}
	if g.host != nil {
		errs = append(errs, g.host.Close())
	}
	if g.seen != nil {
		errs = append(errs, g.seen.Close())
	}
	return errors.Join(errs...)
}
