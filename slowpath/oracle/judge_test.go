package oracle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
)

// outcome is what became of the packets of one configuration.
type outcome struct {
	refused  slowpath.Reason
	cause    string // of the refusal
	packets  int    // compared
	frames   int    // sent in one run
	runs     map[string]fastpath.Stats
	findings []string
	unsteady int    // batches that differed once, and then no more
	last     string // the last of them
}

// maxFindings bounds what is said about one configuration.
const maxFindings = 5

// judge runs the packets through the kernel, through the copied tables and through the live lookup. If the configuration
// has a change, others go through what is there before and after hone has followed it: the kernel bounds its errors by
// their receiver, so that the same packets cannot be sent too often.
func (b *bed) judge(c config, f fault, frames, more [][]byte) (o outcome, err error) {
	o = outcome{frames: len(frames), runs: map[string]fastpath.Stats{}}
	m, s, err := b.newMachine(c, f)
	if err != nil {
		return o, err
	}
	defer m.close()
	if err := b.open(); err != nil {
		return o, err
	}
	kernel, err := b.play(frames)
	if err != nil {
		return o, err
	}
	if o.refused, err = m.start(s); err != nil || o.refused != slowpath.None {
		o.cause = m.cause
		return o, err
	}
	if err := m.trial(&o, "fast", frames, kernel); err != nil {
		return o, err
	}
	if len(c.alter) > 0 {
		return o, m.change(&o, c, more)
	}
	if err := m.move(); err != nil {
		return o, err
	}
	return o, m.trial(&o, "live", frames, kernel)
}

// change alters the configuration under the running program.
func (m *machine) change(o *outcome, c config, frames [][]byte) error {
	var kernel []arrivals
	err := m.aside(func() (err error) {
		if err := errors.Join(m.bed.configure(c.alter), m.bed.net.R.Do(m.bed.addresses)); err != nil {
			return err
		}
		kernel, err = m.bed.play(frames)
		return err
	})
	if err != nil {
		return err
	}
	if m.fault.kernel != nil {
		kernel = m.fault.kernel
	}
	if err := m.trial(o, "behind", frames, kernel); err != nil {
		return err
	}
	if err := m.follow(); err != nil {
		return err
	}
	return m.trial(o, "after", frames, kernel)
}

// trial plays the frames with the program and compares.
func (m *machine) trial(o *outcome, name string, frames [][]byte, kernel []arrivals) error {
	before, err := m.port.Stats()
	if err != nil {
		return err
	}
	keepUp := m.follow
	if name == "behind" {
		keepUp = func() error { return nil }
	}
	fast, err := m.bed.playWith(frames, keepUp)
	if err != nil {
		return err
	}
	after, err := m.port.Stats()
	if err != nil {
		return err
	}
	o.runs[name] = difference(after, before)
	o.packets += len(frames)
	for i, batch := range slices.Collect(slices.Chunk(frames, batchSize)) {
		if kernel[i].equal(fast[i]) || len(o.findings) >= maxFindings {
			continue
		}
		if err := m.findIn(o, name, batch); err != nil {
			return err
		}
		if o.unsteady > 0 {
			o.last = fmt.Sprintf("%s, batch %d:\n%s", name, i, describe(kernel[i], fast[i]))
		}
	}
	return nil
}

func difference(a, b fastpath.Stats) fastpath.Stats {
	a.Fast -= b.Fast
	a.Live -= b.Live
	for i := range a.Punts {
		a.Punts[i] -= b.Punts[i]
	}
	return a
}

// findIn sends the frames of a batch one by one, through the kernel and through the program. It believes only what
// happens twice.
func (m *machine) findIn(o *outcome, name string, batch [][]byte) error {
	found := false
	for _, f := range batch {
		text, differs, err := m.twice(f)
		if err != nil {
			return err
		}
		if differs && len(o.findings) < maxFindings {
			found = true
			o.findings = append(o.findings, fmt.Sprintf("%s: %s\n%s", name, hex.EncodeToString(f), text))
		}
	}
	if !found {
		o.unsteady++
	}
	return nil
}

func (m *machine) twice(frame []byte) (text string, differs bool, err error) {
	for range 2 {
		var kernel, fast arrivals
		err := m.aside(func() (err error) { kernel, err = m.bed.exchange([][]byte{frame}); return err })
		if err != nil {
			return "", false, err
		}
		if fast, err = m.bed.exchange([][]byte{frame}); err != nil {
			return "", false, err
		}
		if kernel.equal(fast) {
			return "", false, nil
		}
		text = describe(kernel, fast)
	}
	return text, true, nil
}

// share is the part of the frames that were forwarded by the program, in percent.
func (o *outcome) share(run string) int {
	s := o.runs[run]
	return int(100 * (s.Fast + s.Live) / uint64(max(o.frames, 1)))
}

// reasons lists why packets of a run were left to the kernel.
func (o *outcome) reasons(run string) []slowpath.Reason {
	var all []slowpath.Reason
	s := o.runs[run]
	for r, n := range s.Punts {
		if n > 0 {
			all = append(all, slowpath.Reason(r))
		}
	}
	return all
}

// left tells how many packets of a run were left to the kernel for which reason.
func (o *outcome) left(run string) string {
	if o.refused != slowpath.None {
		return "everything, " + o.cause
	}
	var words []string
	s := o.runs[run]
	for _, r := range o.reasons(run) {
		words = append(words, fmt.Sprintf("%s %d", r, s.Punts[r]))
	}
	return strings.Join(words, ", ")
}

func (o *outcome) String() string {
	if o.refused != slowpath.None {
		return "refused " + o.refused.String()
	}
	var words []string
	for _, run := range []string{"fast", "live", "behind", "after"} {
		if _, ok := o.runs[run]; ok {
			words = append(words, fmt.Sprintf("%s %d", run, o.share(run)))
		}
	}
	return strings.Join(words, ", ")
}
