package agent

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hone-net/hone/control"
)

// rescue is deferred: it parks every program when the compiler panics, and starts over with the next configuration.
func (a *Agent) rescue() {
	if cause := recover(); cause != nil {
		a.log.Error("panic", "cause", cause, "stack", string(debug.Stack()))
		a.broken(fmt.Errorf("agent: internal error: %v", cause))
	}
}

// broken hands everything to the kernel and forgets the tables, so that the next configuration starts from nothing.
func (a *Agent) broken(err error) {
	a.startOver(err.Error())
	a.counts.Failures++
	a.counts.Error = err.Error()
	a.events.send(control.Event{Kind: "fail", Detail: err.Error()})
	a.log.Error("everything is left to the kernel", "error", err)
}

// startOver hands everything to the kernel until it was made anew.
func (a *Agent) startOver(why string) {
	a.fib = nil
	for _, f := range a.faces {
		if f.port != nil {
			f.port.Park()
			f.parked = why
			f.current.text = ""
		}
	}
	a.keepTallies() // now that nobody counts any more
	a.host.Forget()
}

func (a *Agent) parkAll(why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken(errors.New(why))
}
