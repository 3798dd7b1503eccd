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

// note says whether something has failed, now or before.
func (b *setback) note(failed bool, now time.Time) {
	switch {
	case !failed:
		*b = setback{}
		return
	case b.pause != 0 && now.Before(b.due):
		return
	}
	b.pause = min(max(firstPause, 2*b.pause), lastPause)
	b.due = now.Add(b.pause)
}

// next waits for the next configuration. Where something has failed it gives the last one once more in time, and where
// somebody else's program keeps an interface, it has the links looked at: that one goes without a word if it is there by a
// BPF link.
func (a *Agent) next(ctx context.Context) (*introspect.Snapshot, slowpath.Epochs, error) {
	for {
		due := a.setback.due
		if a.setback.pause == 0 { // what is switched on in between may fail, too
			due = time.Now().Add(lastPause)
		}
		limited, cancel := context.WithDeadline(ctx, due)
		s, e, err := a.watch.Next(limited)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return s, e, err
		}
		s, e, any, troubled := a.forgive()
		if any {
			return s, e, nil
		}
		if troubled {
			a.watch.Doubt(introspect.Links)
		}
		a.setback.note(troubled, time.Now())
	}
}

// forgive forgets failures that may not come again, and tells whether there were any, and of which configuration, and whether
// there is trouble at all. Who switches interfaces on and off deals with that configuration, too, beside the goroutine of Run.
func (a *Agent) forgive() (s *introspect.Snapshot, e slowpath.Epochs, any, troubled bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.snapshot == nil {
		return nil, e, false, false
	}
	troubled = a.troubled()
	for _, f := range a.faces {
		if f.fallen() {
			f.failed, any = "", true
		}
	}
	return a.snapshot, a.epochs, any || a.fib == nil, troubled
}

// troubled tells whether something has failed that may succeed later.
func (a *Agent) troubled() bool {
	if a.fib == nil {
		return true
	}
	for _, f := range a.faces {
		if f.fallen() || f.reason == slowpath.ForeignXDP {
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
