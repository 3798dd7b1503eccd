package agent

import (
	"iter"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
)

// made is a face whose program is there, if it is to have one.
type made struct {
	*face
	anew bool                 // the program was made again, be it the same
	spec *ebpf.CollectionSpec // what is to be loaded; nil where the face has what it wants
	err  error                // why there is no spec
}

// maker makes programs for a configuration.
type maker struct {
	snapshot  *introspect.Snapshot
	options   Options
	epochs    slowpath.Epochs
	reshaped  bool
	overtaken func() bool
}

// ahead is how many programs are made while the kernel takes another.
const ahead = 4

// maker gives what it takes to make programs beside the agent: what changes while it works is copied.
func (a *Agent) maker(e slowpath.Epochs, reshaped bool) *maker {
	m := &maker{a.snapshot, a.options, e, reshaped, func() bool { return a.overtaken(e) }}
	m.options.OurXDP = a.ours.snapshot()
	return m
}

// make makes the program of a face, and lets it on if that is the one that it has: it does not wait for others then. One
// that a newer change of code has overtaken stays due.
func (m *maker) make(f *face) made {
	done := made{face: f, anew: f.due}
	if f.due && m.overtaken() && !f.overdue(time.Now()) {
		done.anew = false
		return done
	}
	f.make(m.snapshot, m.options)
	switch {
	case f.needs(m.reshaped):
		done.spec, done.err = emit.Spec(f.program, m.options.Kernel)
	case done.anew && f.port != nil && f.reason == slowpath.None:
		f.goOn(m.epochs)
	}
	return done
}

// all makes programs in order. While the kernel takes one, the next is made.
func (m *maker) all(faces []*face) iter.Seq[made] {
	if !slices.ContainsFunc(faces, func(f *face) bool { return f.due || f.needs(m.reshaped) }) {
		return func(yield func(made) bool) {
			for _, f := range faces {
				if !yield(made{face: f}) {
					return
				}
			}
		}
	}
	return func(yield func(made) bool) {
		results, stop := make(chan any, ahead), make(chan struct{})
		go m.work(faces, results, stop)
		defer func() { // nobody else may look at faces before the work has ended
			close(stop)
			for range results {
			}
		}()
		for result := range results {
			done, ok := result.(made)
			if !ok {
				panic(result)
			}
			if !yield(done) {
				return
			}
		}
	}
}

// work sends what it has made, or what it panicked of.
func (m *maker) work(faces []*face, results chan<- any, stop <-chan struct{}) {
	defer close(results)
	defer func() {
		if cause := recover(); cause != nil {
			select {
			case results <- cause:
			case <-stop:
			}
		}
	}()
	for _, f := range faces {
		select {
		case results <- m.make(f):
		case <-stop:
			return
		}
	}
}

// make makes the program of the face, if it is due.
func (f *face) make(s *introspect.Snapshot, o Options) {
	if f.due {
		f.decision, f.due = f.decision.compiled(s, o, f.shape), false
	}
}

// needs tells whether the program of the face has to be put into the kernel.
func (f *face) needs(reshaped bool) bool {
	switch {
	case f.due, f.reason != slowpath.None, f.program == nil:
		return false
	case f.port == nil:
		return f.failed == "" || f.failed != f.attempt()
	}
	return reshaped || f.current != f.wanted()
}
