package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/upkeep"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/emit"
)

// watcher is what the agent asks of introspect.Watcher; tests put a fake in its place.
type watcher interface {
	Next(context.Context) (*introspect.Snapshot, slowpath.Epochs, error)
	Doubt(introspect.Kind)
	Silent() []slowpath.Silent
}

// Agent serves one network namespace: the one that the process is in.
type Agent struct {
	options    Options
	socket     string
	log        *slog.Logger
	watch      watcher
	host       host
	neighbours neighbours
	windows    windows // nil where programs ask for none
	events     events
	started    time.Time
	seen       func() (slowpath.Epochs, error)
	probe      func() (emit.Kernel, error) // asks what the kernel can do
	modules    func() fastpath.Modules     // with these modules
	ready      func(string)                // told the state in words after each change
	closers    []func() error
	setback    setback       // of the goroutine of Run alone
	progress   atomic.Uint64 // programs that the kernel has taken or refused

	mu       sync.Mutex // guards what follows
	snapshot *introspect.Snapshot
	epochs   slowpath.Epochs
	fib      *synth.FIB
	tallied  tallied
	ageing   ageing
	misses   bool // that programs cannot count for connections has just turned out
	simple   int  // rules for which programs had to be made simpler, 0 while they have not
	faces    map[introspect.Index]*face
	ours     ours
	loaded   fastpath.Modules // when the kernel was asked what it can do
	counts   control.Agent
}

// New opens what the agent needs of the kernel. Nothing is attached before Run.
func New(ctx context.Context, o Options, socket string, log *slog.Logger) (*Agent, error) {
	if err := checkCapabilities(); err != nil {
		return nil, err
	}
	loaded := fastpath.LoadedModules()
	kernel, err := fastpath.Probe()
	if err != nil {
		return nil, fmt.Errorf("agent: probe kernel: %w", err)
	}
	o.Kernel = kernel
	w, err := introspect.Watch(ctx)
	if err != nil {
		return nil, fmt.Errorf("agent: watch configuration: %w", err)
	}
	h, err := fastpath.Open(kernel, w.Seen())
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("agent: open fast path: %w", err)
	}
	release, err := fastpath.Outlive(w.Descriptors())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("agent: keep epochs: %w", err), h.Close(), w.Close())
	}
	n, err := upkeep.Open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("agent: %w", err), h.Close(), release(), w.Close())
	}
	a := newAgent(o, socket, log, w, realHost{h})
	a.neighbours = n
	a.seen = func() (slowpath.Epochs, error) {
		var e slowpath.Epochs
		err := w.Seen().Lookup(uint32(0), &e)
		return e, err
	}
	a.options.Connection = upkeep.FindConnection
	a.probe, a.modules, a.loaded = fastpath.Probe, fastpath.LoadedModules, loaded
	a.closers = []func() error{h.Close, release, w.Close}
	a.openWindows()
	return a, nil
}

func newAgent(o Options, socket string, log *slog.Logger, w watcher, h host) *Agent {
	a := &Agent{
		options: o, socket: socket, log: log, watch: w, host: h, started: time.Now(), ready: func(string) {},
		faces: map[introspect.Index]*face{}, ours: ours{ids: map[uint32]bool{}}, modules: func() fastpath.Modules { return fastpath.Modules{} },
	}
	a.options.OurXDP = a.ours.has
	return a
}

// Ready makes the agent call f after each configuration that it has dealt with, with its state in words.
func (a *Agent) Ready(f func(state string)) { a.ready = f }

// Recall reads what is switched off. It is to be called once the control socket is there: before, the command line leaves
// word in a file.
func (a *Agent) Recall() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, err := control.LoadSwitched(control.SwitchPath(a.socket))
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	a.options.Switched = s
	return nil
}

// Run keeps programs true to the configuration until the context ends. It blocks its goroutine for good: call it in
// the process's namespace.
func (a *Agent) Run(ctx context.Context) error {
	go a.upkeep(ctx)
	if a.windows != nil {
		go a.relax()
	}
	told := ""
	for {
		s, e, err := a.next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			a.parkAll("the configuration cannot be read: " + err.Error())
			return fmt.Errorf("agent: watch configuration: %w", err)
		}
		if now := a.step(s, e); now != told {
			a.ready(now)
			told = now
		}
	}
}

// step deals with one configuration and tells the state in words.
func (a *Agent) step(s *introspect.Snapshot, e slowpath.Epochs) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	begin := time.Now()
	a.apply(s, e)
	a.counts.Last = time.Since(begin)
	a.setback.note(a.troubled(), time.Now())
	a.events.send(control.Event{Kind: "update", Took: a.counts.Last})
	return a.summary()
}

// Close takes every program off and gives everything back.
func (a *Agent) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faces {
		a.detach(f, slowpath.None, "honed stops")
	}
	var failures []error
	for _, c := range a.closers {
		failures = append(failures, c())
	}
	return errors.Join(failures...)
}

// Alive waits until no work is in progress, or some of it is done: an agent that is stuck never returns. With very many
// interfaces one change is the work of minutes, for each exchange of programs waits for a grace period.
func (a *Agent) Alive() {
	const step = 100 * time.Millisecond
	for before := a.progress.Load(); a.progress.Load() == before; time.Sleep(step) {
		if a.mu.TryLock() {
			a.mu.Unlock()
			return
		}
	}
}

// summary is one line for `systemctl status`.
func (a *Agent) summary() string {
	fast := 0
	for _, f := range a.faces {
		if f.state() == control.StateFast {
			fast++
		}
	}
	return fmt.Sprintf("%d of %d interfaces on the fast path", fast, len(a.faces))
}
