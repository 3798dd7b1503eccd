package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/hone-net/hone/slowpath/lab"
)

// subject is something that forwards, or drops, what arrives at the router's first port.
type subject struct {
	name string
	// start puts it to work; the function that is returned takes it away.
	start func(*rig) (stop func() error, err error)
	// drops says that nothing arrives.
	drops bool
}

func nothing() error { return nil }

// kernelSubject is the kernel alone.
var kernelSubject = subject{name: "kernel", start: func(*rig) (func() error, error) { return nothing, nil }}

// dropSubject is what the rig itself costs.
var dropSubject = subject{name: "drop", drops: true, start: func(r *rig) (func() error, error) {
	return r.attach(verdictSpec("drop", xdpDrop))
}}

// passSubject is the cost of having a program at all, on each port as hone has: it hands everything to the kernel.
var passSubject = subject{name: "empty", start: func(r *rig) (func() error, error) {
	return r.attachTo(verdictSpec("pass", xdpPass), r.Ports...)
}}

// bareSubject is the hand-written forwarder.
var bareSubject = subject{name: "bare", start: func(r *rig) (func() error, error) {
	out := r.Ports[1]
	return r.attach(bareSpec(r.flood.format, out.Peer.MAC, out.MAC, int32(out.Index)))
}}

// attach puts a program on the router's first port.
func (r *rig) attach(spec *ebpf.ProgramSpec) (stop func() error, err error) {
	return r.attachTo(spec, r.Ports[0])
}

func (r *rig) attachTo(spec *ebpf.ProgramSpec, ports ...lab.Port) (stop func() error, err error) {
	var all []io.Closer
	stop = func() (err error) {
		for _, c := range slices.Backward(all) {
			err = errors.Join(err, c.Close())
		}
		return err
	}
	err = r.R.Do(func() error {
		prog, err := ebpf.NewProgram(spec)
		if err != nil {
			return fmt.Errorf("bench: load %s: %w", spec.Name, err)
		}
		all = append(all, prog)
		for _, p := range ports {
			l, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: p.Index, Flags: link.XDPDriverMode})
			if err != nil {
				return fmt.Errorf("bench: attach %s: %w", spec.Name, errors.Join(err, stop()))
			}
			all = append(all, l)
		}
		return nil
	})
	return stop, err
}

// forwarder finds xdp-forward of xdp-tools: HONE_XDP_FORWARD, or in the path; empty if there is none.
func forwarder() string {
	if path := os.Getenv("HONE_XDP_FORWARD"); path != "" {
		return path
	}
	path, _ := exec.LookPath("xdp-forward")
	return path
}

// forwardSubject is xdp-forward, which asks the kernel's FIB for each packet.
func forwardSubject(path, mode string) subject {
	return subject{name: "xdp-forward", start: func(r *rig) (func() error, error) {
		ports := r.Ports[0].Name + " " + r.Ports[1].Name
		if out, err := r.R.Output(path + " load -F " + mode + " " + ports); err != nil {
			return nil, fmt.Errorf("bench: start xdp-forward: %w: %s", err, out)
		}
		return func() error { return r.R.Run(path + " unload " + ports) }, nil
	}}
}
