package agent

import (
	"fmt"
	"time"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth"
)

// face is an interface as the agent sees it: what was decided for it, and what runs on it.
type face struct {
	decision
	shape   synth.Shape // of the tables that the decision was made for
	due     bool        // the program is yet to be made: what the decision holds is the one before
	port    port        // nil while it has no program
	id      uint32      // of the program that runs
	current identity    // wanted() of what runs; without text while that is not known to be right
	parked  string      // why its program hands everything to the kernel, empty if it does not
	carried uint64      // packets that its programs had seen when the faces were put in order
	late    time.Time   // since when its program waits to be made; zero if it does not
	refused time.Time   // since when its program stays though the interface is left to the kernel; zero if it is not

	excess      bool   // the program that was last tried is more than the kernel takes
	failed      string // attempt() of what failed, empty without
	failure     slowpath.Reason
	failureText string
}

// identity tells programs apart: equal ones need no swap.
type identity struct {
	mode fastpath.Mode
	text string
}

// wanted identifies the program that the decision asks for.
func (f *face) wanted() identity { return identity{f.mode, f.text} }

// attempt identifies everything that decides whether attaching succeeds: after a failure, only a change of it is worth
// another try.
func (f *face) attempt() string { return fmt.Sprintf("%+v %+v", f.link, f.wanted()) }

func (f *face) installed() {
	f.current, f.parked, f.failed, f.refused, f.late = f.wanted(), "", "", time.Time{}, time.Time{}
}

func (f *face) state() string {
	switch {
	case f.reason != slowpath.None:
		return control.StateKernel
	case f.port != nil && f.parked != "":
		return control.StateParked
	case f.port != nil:
		return control.StateFast
	case f.reason == slowpath.None && f.failed != "":
		return control.StateFailed
	}
	return control.StateKernel
}

// listened tells whether an interface is left to the kernel because somebody listens, who will end. Drivers of cards may close
// and open the device where a program comes or goes (igc_xdp_set_prog, ixgbe_xdp_setup): a look at a network must not stop it.
func (f *face) listened() bool {
	return f.link.Kind == "" && (f.reason == slowpath.Tap || f.reason == slowpath.Promiscuous)
}

// describe is the face in a control document.
func (f *face) describe() control.Interface {
	i := control.Interface{Name: f.link.Name, Index: int(f.link.Index), State: f.state()}
	switch i.State {
	case control.StateParked:
		i.Detail = f.parked
	case control.StateFailed:
		i.Reason, i.Detail = f.failure.String(), f.failureText
	case control.StateKernel:
		i.Reason, i.Detail = f.reason.String(), f.detail
	}
	if f.port == nil {
		return i
	}
	i.Mode, i.Left = modeName(f.mode), f.left
	if info, err := f.port.Info(); err == nil {
		i.Program = &control.Program{ID: info.ID, Instructions: info.Instructions, JITed: info.Machine}
	}
	if stats, err := f.port.Stats(); err == nil {
		i.Counters = counters(stats.Fast, stats.Live, stats.Punts[:])
	}
	return i
}

func counters(fast, live uint64, punts []uint64) *control.Counters {
	c := &control.Counters{Fast: fast, Live: live, Punts: map[string]uint64{}}
	for r, n := range punts {
		if n > 0 {
			c.Punts[slowpath.Reason(r).String()] = n
		}
	}
	return c
}
