package oracle

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"

	"golang.org/x/sys/unix"
)

// outcome is what became of the packets of one configuration.
type outcome struct {
	refused  slowpath.Reason
	cause    string         // of the refusal
	packets  int            // compared
	frames   int            // sent in one run
	sent     map[string]int // in each, where they are not alike
	runs     map[string]fastpath.Stats
	findings []string
	unsteady int               // batches that differed once, and then no more
	last     string            // the last of them
	alone    []slowpath.Reason // of ports that have no fast path where others have
	why      []slowpath.Reason // most of the packets that are left to the kernel, where that is told with the shares
}

// maxFindings bounds what is said about one configuration.
const maxFindings = 5

// sentryLook is for how long the ends' sockets may be there before the sentry has seen them, and has moved the epochs.
const sentryLook = 90 * time.Millisecond

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
	if len(c.alter) > 0 {
		time.Sleep(sentryLook)
	}
	kernel, err := b.record(c, frames)
	if err != nil {
		return o, err
	}
	if o.refused, err = m.start(s); err != nil || o.refused != slowpath.None {
		o.cause = m.cause
		return o, err
	}
	if err := m.trial(&o, c, "fast", frames, kernel); err != nil {
		return o, err
	}
	if len(c.alter) > 0 {
		return o, m.change(&o, c, more)
	}
	if err := m.move(); err != nil {
		return o, err
	}
	return o, m.trial(&o, c, "live", frames, kernel)
}

// change alters the configuration under the running program.
func (m *machine) change(o *outcome, c config, frames [][]byte) error {
	var kernel record
	err := m.aside(func() (err error) {
		if err := errors.Join(m.bed.configure(c.alter), m.bed.net.R.Do(m.bed.addresses)); err != nil {
			return err
		}
		kernel, err = m.bed.record(c, frames)
		return err
	})
	if err != nil {
		return err
	}
	if m.fault.kernel != nil {
		kernel = record{arrivals: m.fault.kernel}
	}
	if err := m.trial(o, c, "behind", frames, kernel); err != nil {
		return err
	}
	if err := m.follow(); err != nil {
		return err
	}
	return m.trial(o, c, "after", frames, kernel)
}

// record is what the kernel does with frames: what leaves the router, and what its rules count.
type record struct {
	arrivals []arrivals
	counted  counters // nil where there are no rules
}

// record plays the frames without a program.
func (b *bed) record(c config, frames [][]byte) (r record, err error) {
	r.counted, err = b.counting(c, func() (err error) { r.arrivals, err = b.play(frames); return err })
	return r, err
}

// counting tells what the rules of a configuration count while something is done.
func (b *bed) counting(c config, do func() error) (counters, error) {
	if c.rules == "" {
		return nil, do()
	}
	before, err := readCounters(b.net.R)
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	after, err := readCounters(b.net.R)
	return after.minus(before), err
}

// counting is what kernel and programs together count while something is done.
func (m *machine) counting(c config, do func() error) (counters, error) {
	if c.rules == "" {
		return nil, do()
	}
	before, err := m.tallied()
	if err != nil {
		return nil, err
	}
	all, err := m.bed.counting(c, do)
	if err != nil {
		return nil, err
	}
	after, err := m.tallied()
	return all.plus(after.minus(before)), err
}

// tallied is what programs have counted for rules since they were there.
func (m *machine) tallied() (counters, error) {
	all := counters{}
	table, numbers := m.fib.Tallies()
	for id, number := range numbers {
		sums, err := m.host.Read(table, number*ir.TallySize, ir.TallySize)
		if err != nil {
			return nil, err
		}
		n := counter{binary.NativeEndian.Uint64(sums), binary.NativeEndian.Uint64(sums[8:])}
		if id.Handle == 0 || n == (counter{}) {
			continue
		}
		family := map[uint8]string{unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6"}[id.Chain.Family]
		name := counterName(family, id.Chain.Table, id.Chain.Name, id.Handle, id.Nth)
		if id.Object != "" {
			name = namedCounter(family, id.Chain.Table, id.Object)
		}
		all[name] = n
	}
	return all, nil
}

// trial plays the frames with the program and compares.
func (m *machine) trial(o *outcome, c config, name string, frames [][]byte, kernel record) error {
	keepUp := m.follow
	if name == "behind" {
		keepUp = func() error { return nil }
	}
	before, err := m.stats()
	if err != nil {
		return err
	}
	var fast []arrivals
	counted, err := m.counting(c, func() (err error) { fast, err = m.bed.playWith(frames, keepUp); return err })
	if err != nil {
		return err
	}
	after, err := m.stats()
	if err != nil {
		return err
	}
	o.runs[name] = difference(after, before)
	o.packets += len(frames)
	same := true
	for i, batch := range slices.Collect(slices.Chunk(frames, batchSize)) {
		if kernel.arrivals[i].equal(fast[i]) || len(o.findings) >= maxFindings {
			continue
		}
		same = false
		if err := m.findIn(o, name, batch); err != nil {
			return err
		}
		if o.unsteady > 0 {
			o.last = fmt.Sprintf("%s, batch %d:\n%s", name, i, describe(kernel.arrivals[i], fast[i]))
		}
	}
	// Frames that are sent once more are counted once more.
	if text := kernel.counted.differences(counted); same && text != "" {
		return m.recount(o, c, name, frames, text)
	}
	return nil
}

// recount plays the frames once more both ways: only counters that differ twice are a finding.
func (m *machine) recount(o *outcome, c config, name string, frames [][]byte, text string) error {
	var kernel record
	if err := m.aside(func() (err error) { kernel, err = m.bed.record(c, frames); return err }); err != nil {
		return err
	}
	counted, err := m.counting(c, func() error { _, err := m.bed.playWith(frames, m.follow); return err })
	if err != nil {
		return err
	}
	if again := kernel.counted.differences(counted); again != "" {
		o.findings = append(o.findings, fmt.Sprintf("%s: counted differently:\n%s\nand once more:\n%s", name, text, again))
		return nil
	}
	o.unsteady, o.last = o.unsteady+1, name+": counted differently, and not once more:\n"+text
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
	s, frames := o.runs[run], o.frames
	if n, ok := o.sent[run]; ok {
		frames = n
	}
	return int(100 * (s.Fast + s.Live) / uint64(max(frames, 1)))
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
	for _, r := range o.why {
		words = append(words, r.String())
	}
	return strings.Join(words, ", ")
}
