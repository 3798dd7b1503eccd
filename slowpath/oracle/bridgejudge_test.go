package oracle

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// trialLAN is a bridge and its twin on the way through the same frames; the twin may have programs.
type trialLAN struct {
	c           lanConfig
	kernel, two *lan
	m           *machine // nil compares the kernel with itself
	gen         *lanGenerator
	o           outcome
	restore     func()
}

// fdbEach is after how many batches the databases are compared, beside the end of every run.
const fdbEach = 8

// newTrialLAN makes both bridges.
func newTrialLAN(c lanConfig, seed uint64) (_ *trialLAN, err error) {
	t := &trialLAN{c: c, o: outcome{runs: map[string]fastpath.Stats{}, sent: map[string]int{}}}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if t.restore, err = lab.Pin(0); err != nil {
		return nil, err
	}
	if err := t.build(c); err != nil {
		return nil, err
	}
	for _, l := range []*lan{t.kernel, t.two} {
		if c.open != nil {
			if err := l.net.R.Do(c.open); err != nil {
				return nil, err
			}
		}
	}
	t.gen = newLANGenerator(seed, c, t.kernel.net)
	return t, nil
}

// build makes both at the same time: most of it is waiting for the kernel.
func (t *trialLAN) build(c lanConfig) error {
	var failures [2]error
	var all sync.WaitGroup
	all.Go(func() { t.kernel, failures[0] = newLAN(c) })
	all.Go(func() { t.two, failures[1] = newLAN(c) })
	all.Wait()
	return errors.Join(failures[:]...)
}

// closing are those that are taken apart.
var closing sync.WaitGroup

// close takes both apart, once; whoever wants them gone waits for closing.
func (t *trialLAN) close() {
	if t.restore != nil {
		release()
		t.restore()
	}
	m, all := t.m, []*lan{t.two, t.kernel}
	t.restore, t.m, t.two, t.kernel = nil, nil, nil, nil
	closing.Go(func() {
		m.close()
		for _, l := range all {
			if l != nil {
				l.close()
			}
		}
	})
}

// run plays frames through both and compares what comes out, and what the bridges have learned. Before is called before each
// batch.
func (t *trialLAN) run(name string, frames []entry, before func(batch int) error) error {
	stats, err := t.stats()
	if err != nil {
		return err
	}
	if err := errors.Join(t.kernel.drain(), t.two.drain()); err != nil {
		return err
	}
	for i, batch := range slices.Collect(slices.Chunk(frames, batchSize)) {
		if before != nil {
			if err := before(i); err != nil {
				return err
			}
		}
		if err := t.batch(fmt.Sprintf("%s, batch %d", name, i), batch); err != nil {
			return err
		}
		if i%fdbEach == fdbEach-1 {
			if err := t.compareFDB(fmt.Sprintf("%s, batch %d", name, i)); err != nil {
				return err
			}
		}
	}
	if !strings.HasPrefix(name, "greetings") {
		if err := t.compareFDB(name); err != nil {
			return err
		}
	}
	after, err := t.stats()
	t.o.runs[name] = difference(after, stats)
	t.o.sent[name] = len(frames)
	t.o.packets += len(frames)
	return err
}

func (t *trialLAN) stats() (fastpath.Stats, error) {
	if t.m == nil {
		return fastpath.Stats{}, nil
	}
	return t.m.stats()
}

// batch plays some frames through both.
func (t *trialLAN) batch(where string, batch []entry) error {
	kernel, err := t.kernel.exchange(batch)
	if err != nil {
		return fmt.Errorf("%s, kernel: %w", where, err)
	}
	other, err := t.two.exchange(batch)
	if err != nil {
		return fmt.Errorf("%s, twin: %w", where, err)
	}
	if kernel.equal(other) {
		return nil
	}
	t.find(where, describe(kernel, other), append(missingFrom(other, kernel), missingFrom(kernel, other)...), batch)
	return nil
}

// zeros are most of long frames.
var zeros = regexp.MustCompile(`0{40,}`)

// find notes a difference, and of which frames it is.
func (t *trialLAN) find(where, text string, frames arrivals, batch []entry) {
	for _, f := range frames[:min(len(frames), 3)] {
		text += "  of " + sourceOf(batch, f) + "\n"
	}
	if len(t.o.findings) < maxFindings {
		text = zeros.ReplaceAllString(text, "0..0")
		t.o.findings = append(t.o.findings, where+"\n"+text)
	}
}

// missingFrom is what is in b and not in a.
func missingFrom(a, b arrivals) (all arrivals) {
	for _, f := range b {
		if !slices.Contains(a, f) {
			all = append(all, f)
		}
	}
	return all
}

// compareFDB compares what the bridges know.
func (t *trialLAN) compareFDB(where string) error {
	kernel, err := t.kernel.fdb()
	if err != nil {
		return err
	}
	other, err := t.two.fdb()
	if err != nil {
		return err
	}
	if slices.Equal(kernel, other) {
		return nil
	}
	t.find(where, "  the databases differ\n  only the kernel:\n"+lacks(other, kernel)+"  only the twin:\n"+lacks(kernel, other), nil, nil)
	return nil
}

// lacks lists what is in b and not in a.
func lacks(a, b []string) string {
	var out strings.Builder
	shown := 0
	for _, line := range b {
		if !slices.Contains(a, line) && shown < 5 {
			shown++
			out.WriteString("    " + line + "\n")
		}
	}
	return out.String()
}

// alter changes the configuration of both.
func (t *trialLAN) alter() error {
	for _, l := range []*lan{t.kernel, t.two} {
		if err := errors.Join(l.configure(t.c.alter), l.net.R.Do(l.addresses), l.devices()); err != nil {
			return err
		}
		l.unknown = false
	}
	return nil
}
