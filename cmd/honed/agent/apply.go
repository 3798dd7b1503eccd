package agent

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/ir"
)

// apply makes the programs account for a configuration and vouches for them up to its epochs. Whatever goes wrong in
// the compiler leaves programs that hand everything to the kernel, never half of a change.
func (a *Agent) apply(s *introspect.Snapshot, e slowpath.Epochs) {
	defer a.rescue()
	old := a.snapshot
	a.snapshot, a.counts.Snapshots = s, a.counts.Snapshots+1
	anew := a.learn()
	anew = a.retry(s) || anew
	writes, reshaped := a.update(s)
	a.release(s, a.survey(old, s, reshaped || anew))
	if a.due() && !reshaped && synth.Rules(s) < manyRules {
		defer debug.SetGCPercent(debug.SetGCPercent(leisure)) // the compiler leaves much behind, and packets wait for it
	}
	a.parkStale(e, reshaped)
	a.epochs = e
	if err := a.fill(writes, reshaped); err != nil {
		a.broken(err)
		return
	}
	a.vouchCurrent(e, reshaped)
	a.outdate(reshaped)
	for a.install(e, reshaped); a.simplify(s); a.install(e, reshaped) {
		a.release(s, a.survey(nil, s, reshaped))
	}
	a.counts.Error = ""
	if reshaped || old != nil && !old.SameRuleset(s) && synth.Rules(s) >= manyRules {
		go debug.FreeOSMemory() // to build large tables takes far more memory than to keep them
	}
}

// update brings the contents of the tables up to date.
func (a *Agent) update(s *introspect.Snapshot) (writes []ir.Write, reshaped bool) {
	if a.fib == nil {
		a.fib = synth.NewFIB(s)
		return nil, true
	}
	return a.fib.Update(s)
}

// release lets go of the interfaces that are gone and of those that are to be left to the kernel. Parking comes first:
// it takes no time.
func (a *Agent) release(s *introspect.Snapshot, again bool) {
	if !again {
		return
	}
	for index, f := range a.faces {
		if _, there := s.Links.Get(index); there && f.port != nil && f.reason != slowpath.None {
			f.port.Park()
			f.parked = f.reason.String()
		}
	}
	for index, f := range a.faces {
		_, there := s.Links.Get(index)
		switch {
		case !there:
			a.detach(f, slowpath.None, "the interface is gone")
			delete(a.faces, index)
		case f.port == nil:
		case !f.port.Attached():
			a.detach(f, slowpath.None, "the interface was made anew")
		case wished(f.reason):
			a.detach(f, f.reason, f.detail)
		case f.reason != slowpath.None && f.refused.IsZero():
			f.refused = time.Now()
		case f.reason != slowpath.None:
		case f.current.mode != f.mode:
			a.detach(f, slowpath.None, "another hook is wanted")
		default:
			f.refused = time.Time{}
		}
	}
}

// patience is how long a parked program waits for its interface to come back. Taking it off and putting it on again
// costs the kernel grace periods, and the device perhaps more; parked, it costs a packet some nanoseconds.
const patience = time.Second

// wished tells whether somebody asked for the interface, so that nothing of ours is to stay in the way.
func wished(r slowpath.Reason) bool {
	switch r {
	case slowpath.Off, slowpath.OffAlias, slowpath.AutoVeth, slowpath.ForeignXDP, slowpath.Member:
		return true
	}
	return false
}

// abandon takes off the programs whose interfaces have been left to the kernel for a while, and tells how many interfaces
// were left to it at all.
func (a *Agent) abandon(now time.Time) (refused int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faces {
		if f.port == nil || f.refused.IsZero() || f.listened() {
			continue
		}
		refused++
		if now.Sub(f.refused) >= patience {
			a.detach(f, f.reason, f.detail)
		}
	}
	return refused
}

// parkStale stops the programs that are about to be replaced. A change that the kernel announced has stopped them
// already; this is for one that was found by looking. Ports of a bridge are stopped by their own epoch alone, which moves with
// every change that is announced of what settles.
func (a *Agent) parkStale(e slowpath.Epochs, reshaped bool) {
	if e != a.epochs {
		if a.fib.Settles() && e[slowpath.FDB] == a.epochs[slowpath.FDB] {
			a.park()
		}
		return
	}
	for _, f := range a.faces {
		f.make(a.snapshot, a.options)
		if f.port != nil && (reshaped || a.fib.Settles() || f.current != f.wanted()) {
			f.port.Park()
		}
	}
}

// park stops every program until it is vouched for.
func (a *Agent) park() {
	for _, f := range a.faces {
		if f.port != nil {
			f.port.Park()
		}
	}
}

// fill writes the tables.
func (a *Agent) fill(writes []ir.Write, reshaped bool) error {
	a.host.Drop(a.fib.Gone())
	if reshaped || a.fib.Grew() {
		if err := a.host.Tables(a.fib.Tables()); err != nil {
			return fmt.Errorf("agent: make tables: %w", err)
		}
	}
	if reshaped {
		writes = a.fib.Image()
	}
	if a.fib.Settles() {
		a.host.Settle()
	}
	if err := a.host.Write(writes); err != nil {
		return fmt.Errorf("agent: write tables: %w", err)
	}
	if rested := a.fib.Written(); rested != nil {
		a.host.Later(rested)
	}
	a.tallied.table, a.tallied.number = a.fib.Tallies()
	return nil
}

// vouchCurrent lets the programs on that need no change. It comes before the slow work of the others.
func (a *Agent) vouchCurrent(e slowpath.Epochs, reshaped bool) {
	if reshaped {
		return
	}
	for _, f := range a.faces {
		if f.port != nil && f.program != nil && !f.due && f.current == f.wanted() {
			f.goOn(e)
		}
	}
	a.counts.Updates++
}

// outdate sees to it that parked programs are not vouched for with tables that they do not have.
func (a *Agent) outdate(reshaped bool) {
	for _, f := range a.faces {
		if reshaped && f.reason != slowpath.None {
			f.current = identity{}
		}
	}
}

// goOn lets the program of the face on: it needs no change.
func (f *face) goOn(e slowpath.Epochs) {
	f.port.Vouch(e)
	f.parked, f.late = "", time.Time{}
}

// install attaches and swaps what is not yet as it is wanted, until a program turns out to be too much.
func (a *Agent) install(e slowpath.Epochs, reshaped bool) {
	failed := false
	for f := range a.maker(e, reshaped).all(a.busiest()) {
		failed = failed || f.anew && f.reason != slowpath.None
		switch needs := f.needs(reshaped); {
		case f.due, needs && a.overtaken(e) && !f.overdue(time.Now()):
			if reshaped {
				f.current = identity{} // its tables are not those of the others any more
			}
		case needs:
			a.renew(f, e)
		}
		if f.excess {
			return
		}
	}
	if failed {
		a.release(a.snapshot, true)
	}
}

// renew gives an interface the program that its decision wants.
func (a *Agent) renew(m made, e slowpath.Epochs) {
	defer a.progress.Add(1)
	begin, kind := time.Now(), "attach"
	f, spec, err := m.face, m.spec, m.err
	f.excess = err != nil
	if caches := connections(f.program); err == nil && len(caches) > 0 {
		err = a.host.Tables(caches)
	}
	switch {
	case err != nil:
	case f.port == nil:
		if f.port, err = a.host.Attach(int(f.link.Index), spec, f.mode); err == nil {
			f.port.Vouch(e)
		}
	default:
		kind = "swap"
		err = f.port.Swap(spec, e)
	}
	f.excess = f.excess || errors.Is(err, fastpath.ErrNoAccounts) && a.uncounted()
	if f.excess = f.excess || errors.Is(err, fastpath.ErrRejected); f.excess && (a.misses || a.simpler()) {
		if f.port != nil {
			f.port.Park()
		}
		f.current = identity{}
		return
	}
	if f.excess = false; err != nil { // nothing can be left out: that one is the kernel's, the others go on
		a.failed(f, kind, err)
		return
	}
	f.installed()
	if info, err := f.port.Info(); err == nil {
		a.ours.replace(f.id, info.ID)
		f.id = info.ID
	}
	a.count(kind)
	took := time.Since(begin)
	a.events.send(control.Event{Kind: kind, Interface: f.link.Name, Took: took})
	a.log.Info(kind, "interface", f.link.Name, "mode", modeName(f.mode), "took", took)
}

func (a *Agent) count(kind string) {
	if kind == "swap" {
		a.counts.Swapped++
	} else {
		a.counts.Attached++
	}
}

// failed leaves an interface to the kernel, until something changes that could make the difference, or a while has passed.
func (a *Agent) failed(f *face, kind string, err error) {
	if f.port != nil {
		f.port.Park()
		a.close(f)
	}
	f.failed, f.failure, f.failureText = f.attempt(), reasonOf(err), err.Error()
	if errors.Is(err, fastpath.ErrGone) {
		return // the next configuration will say so
	}
	a.counts.Failures++
	a.events.send(control.Event{Kind: "fail", Interface: f.link.Name, Reason: f.failure.String(), Detail: err.Error()})
	a.log.Warn(kind+" failed", "interface", f.link.Name, "error", err)
}

// reasonOf says what an error of fastpath means for an interface.
func reasonOf(err error) slowpath.Reason {
	switch {
	case errors.Is(err, fastpath.ErrForeign):
		return slowpath.ForeignXDP
	case errors.Is(err, fastpath.ErrTooLarge):
		return slowpath.LargeMTU
	case errors.Is(err, fastpath.ErrUnsupported):
		return slowpath.NoDriver
	}
	return slowpath.AttachFailed
}

// detach takes a program off.
func (a *Agent) detach(f *face, r slowpath.Reason, detail string) {
	if f.port == nil {
		return
	}
	a.close(f)
	a.counts.Detached++
	event := control.Event{Kind: "detach", Interface: f.link.Name, Detail: detail}
	attributes := []any{"interface", f.link.Name, "detail", detail}
	if r != slowpath.None {
		event.Reason = r.String()
		attributes = append(attributes, "reason", event.Reason)
	}
	a.events.send(event)
	a.log.Info("detach", attributes...)
}

func (a *Agent) close(f *face) {
	if err := f.port.Close(); err != nil {
		a.log.Warn("detach failed", "interface", f.link.Name, "error", err)
	}
	a.ours.replace(f.id, 0)
	f.port, f.id, f.current, f.parked, f.refused = nil, 0, identity{}, "", time.Time{}
}
