package agent

import (
	"cmp"
	"errors"
	"os"
	"slices"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// Status tells what the agent does at the moment.
func (a *Agent) Status() control.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := control.Status{
		Version: control.Version, Netns: control.NetnsName(), PID: os.Getpid(), Started: a.started,
		Disabled: a.options.Switched.Disabled, Coherent: a.coherent(), Interfaces: []control.Interface{}, Agent: a.counts,
	}
	for _, f := range a.faces {
		if f.reason != slowpath.Loopback {
			s.Interfaces = append(s.Interfaces, f.describe())
		}
	}
	slices.SortFunc(s.Interfaces, func(x, y control.Interface) int { return cmp.Compare(x.Index, y.Index) })
	if a.fib != nil {
		s.Tables = tables(a.snapshot, a.fib)
	}
	return s
}

// coherent tells whether the kernel has announced nothing that the programs do not account for.
func (a *Agent) coherent() bool {
	if a.fib == nil {
		return false
	}
	seen, err := a.seen()
	return err == nil && seen == a.epochs
}

// Plan tells what would be done for each interface.
func (a *Agent) Plan() (control.Plan, error) {
	s, o, err := a.view()
	if err != nil {
		return control.Plan{}, err
	}
	return Plan(s, o), nil
}

var errNothingRead = errors.New("agent: the configuration is not read yet")

// view gives the configuration and what decisions depend on, to work with while the agent goes on. What they depend on is
// there with an error, too.
func (a *Agent) view() (*introspect.Snapshot, Options, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.options
	o.OurXDP = a.ours.snapshot()
	if a.snapshot == nil {
		return nil, o, errNothingRead
	}
	return a.snapshot, o, nil
}

// Switch changes what is switched off, now and for the agents that come after this one.
func (a *Agent) Switch(change func(control.Switched) control.Switched) (control.Switched, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wanted := change(a.options.Switched)
	if err := wanted.Save(control.SwitchPath(a.socket)); err != nil {
		return a.options.Switched, err
	}
	a.options.Switched = wanted
	if a.snapshot != nil {
		a.reconsider()
	}
	return wanted, nil
}

// reconsider decides anew for the same configuration.
func (a *Agent) reconsider() {
	s := a.snapshot
	a.snapshot = nil
	a.apply(s, a.epochs)
}
