package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/cmd/honed/agent"
	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/emit"
)

// source says which configuration a command is about when it does not ask honed.
type source struct {
	file       string
	config     string
	hook       string
	interfaces []string
}

// flag adds the flags that choose the source.
func (s *source) flag(c *cobra.Command) {
	c.Flags().StringVar(&s.file, "from", "", "work on the configuration in `file`, as hone snapshot prints it")
	c.Flags().StringVar(&s.config, "config", "", "honed's configuration `file` (default "+config.DefaultFile+" if it is there)")
	c.Flags().StringVar(&s.hook, "hook", "", "where programs would run: auto, xdp, xdp-generic or off")
	c.Flags().StringArrayVar(&s.interfaces, "interface", nil, "the hook of one interface, `name[=hook]`; may be repeated")
}

// offline tells whether the flags ask for something that honed does not know.
func (s *source) offline() bool {
	return s.file != "" || s.config != "" || s.hook != "" || len(s.interfaces) > 0
}

// read gives the configuration and what decisions depend on.
func (s *source) read(ctx context.Context, o *options) (*introspect.Snapshot, agent.Options, error) {
	ao, err := s.options(o)
	if err != nil {
		return nil, ao, err
	}
	if s.file != "" {
		ao.Kernel, err = fullKernel(), nil
		snapshot, err := readFile(s.file)
		return snapshot, ao, err
	}
	if err := control.EnterNetns(o.netns); err != nil {
		return nil, ao, err
	}
	if ao.Kernel, ao.Unprobed = fastpath.Probe(); ao.Unprobed != nil {
		ao.Kernel = fullKernel()
	}
	snapshot, err := readLive(ctx, o)
	return snapshot, ao, err
}

func (s *source) options(o *options) (agent.Options, error) {
	c, err := config.Load(s.config)
	if err != nil {
		return agent.Options{}, err
	}
	if s.hook != "" {
		c.Hook = s.hook
	}
	for _, i := range s.interfaces {
		if err := c.Interface(i); err != nil {
			return agent.Options{}, usageError{err}
		}
	}
	if err := c.Check(); err != nil {
		return agent.Options{}, usageError{err}
	}
	ao := agent.Options{Config: c}
	if s.file == "" {
		ao.Switched, err = control.LoadSwitched(control.SwitchPath(o.socketPath()))
	}
	return ao, err
}

func readFile(path string) (*introspect.Snapshot, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	return introspect.ParseSnapshot(text)
}

// readLive reads what the kernel has, without the programs of a honed that runs: to another one they would be foreign.
func readLive(ctx context.Context, o *options) (*introspect.Snapshot, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s, err := introspect.Read(ctx)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("read configuration: %w: the kernel tells all of it to root only", err)
	} else if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var status control.Status
	if o.client().Get(ctx, "/v1/status", nil, &status) == nil {
		s = without(s, status)
	}
	return s, nil
}

// without takes honed's programs off a configuration.
func without(s *introspect.Snapshot, status control.Status) *introspect.Snapshot {
	n := *s
	for _, i := range status.Interfaces {
		l, ok := n.Links.Get(introspect.Index(i.Index))
		if ok && i.Program != nil && l.XDPProgID == i.Program.ID {
			l.XDPMode, l.XDPProgID = 0, 0
			n.Links = n.Links.With(l.Index, l)
		}
	}
	return &n
}

// fullKernel is a kernel with everything that hone makes use of: what a plan for another machine, or by somebody who
// may not ask this one, assumes.
func fullKernel() emit.Kernel {
	return emit.Kernel{CPUs: runtime.NumCPU(), FIBLookup: true, CPUv4: true, VethTag: &emit.VethTag{SummedMask: 0x60},
		Conntrack: &emit.Conntrack{Accounts: true}}
}
