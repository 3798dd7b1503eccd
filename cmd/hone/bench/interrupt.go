package bench

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// interrupted says that nothing more is to be measured.
var interrupted atomic.Bool

var errInterrupted = errors.New("bench: interrupted")

// lastWords is how long a case has to clean up when it is interrupted. What it leaves goes with the process, as the
// namespaces do; but for its agents.
const lastWords = 5 * time.Second

// until measures the case, unless the context ends before.
func (c Case) until(ctx context.Context, o Options) (Result, error) {
	type outcome struct {
		Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := c.run(o)
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.Result, o.err
	case <-ctx.Done():
	}
	interrupted.Store(true)
	defer interrupted.Store(false)
	select {
	case <-done:
	case <-time.After(lastWords):
		launched.kill()
	}
	return Result{}, ctx.Err()
}

// agents are those that were started and not stopped.
type agents struct {
	mu  sync.Mutex
	all map[*daemon]bool
}

var launched = agents{all: map[*daemon]bool{}}

func (a *agents) add(d *daemon) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all[d] = true
}

func (a *agents) remove(d *daemon) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, d)
}

// kill ends them all.
func (a *agents) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for d := range a.all {
		d.cmd.Process.Kill()
		os.RemoveAll(d.dir)
	}
}
