package agent

import (
	"context"
	"errors"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// setback is what failed and may succeed later without any change of the configuration, as with memory that was short.
type setback struct {
	pause time.Duration // until the next try; zero while nothing has failed
	due   time.Time
}

// The first try again comes soon, each next one after twice the time.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// note says whether something has failed.
func (b *setback) note(failed bool, now time.Time) {
	if !failed {
		*b = setback{}
		return
	}
	b.pause = min(max(firstPause, 2*b.pause), lastPause)
	b.due = now.Add(b.pause)
}

// next waits for the next configuration. Where something has failed it gives the last one once more in time.
func (a *Agent) next(ctx context.Context) (*introspect.Snapshot, slowpath.Epochs, error) {
	if a.setback.pause == 0 {
		return a.watch.Next(ctx)
	}
	limited, cancel := context.WithDeadline(ctx, a.setback.due)
	defer cancel()
	s, e, err := a.watch.Next(limited)
	if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return s, e, err
	}
	a.forgive()
	return a.snapshot, a.epochs, nil
}

// forgive forgets failures that may not come again.
func (a *Agent) forgive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faces {
		if f.fallen() {
			f.failed = ""
		}
	}
}

// troubled tells whether something has failed that may succeed later.
func (a *Agent) troubled() bool {
	if a.fib == nil {
		return true
	}
	for _, f := range a.faces {
		if f.fallen() {
			return true
		}
	}
	return false
}

// fallen tells whether the interface has no program for a failure that may not come again. Of the others, such as a driver
// without XDP, some change has to be announced first.
func (f *face) fallen() bool {
	return f.port == nil && f.reason == slowpath.None && f.failed != "" && f.failure == slowpath.AttachFailed
}
