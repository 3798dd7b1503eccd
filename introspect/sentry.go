package introspect

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// sentry is a timer in the kernel that looks every tapPeriod at what packet sockets and netfilter hooks there are. When they
// have changed it moves the epochs, so that the bound holds while the Watcher is busy or stopped, and wakes it. It looks in a
// microsecond; to wake a process for it costs a hundred times that.
type sentry struct {
	state   *ebpf.Map
	ring    *ebpf.Map
	program *ebpf.Program
	reader  *ringbuf.Reader
	record  ringbuf.Record
	last    sentryReport
}

// sentryReport is what a record of the ring says.
type sentryReport struct {
	changed   uint64 // a bit for each watch
	moves     uint64 // of the epochs until then, toConfig
	late      uint64 // the same, toRoute6
	questions uint64 // how often it has asked for what was learned to be read
}

// newSentry posts a sentry in the calling thread's network namespace, which moves the epochs.
func newSentry(c counters) (*sentry, error) {
	s := &sentry{}
	if err := s.post(c); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *sentry) post(c counters) error {
	way, err := findSentryWay()
	if err != nil {
		return err
	}
	if s.state, err = ebpf.NewMap(sentryMap()); err != nil {
		return fmt.Errorf("introspect: make state of sentry: %w", err)
	}
	if s.ring, err = ebpf.NewMap(&ebpf.MapSpec{Name: "hone_sentry", Type: ebpf.RingBuf, MaxEntries: uint32(os.Getpagesize())}); err != nil {
		return fmt.Errorf("introspect: make ring of sentry: %w", err)
	}
	spec := &ebpf.ProgramSpec{Name: "hone_sentry", Type: ebpf.SchedCLS, License: "GPL",
		Instructions: sentryProgram(way, s.state.FD(), s.ring.FD(), c)}
	if s.program, err = ebpf.NewProgram(spec); err != nil {
		return fmt.Errorf("introspect: load sentry: %w", err)
	}
	if s.reader, err = ringbuf.NewReader(s.ring); err != nil {
		return fmt.Errorf("introspect: read ring of sentry: %w", err)
	}
	failure, err := s.program.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	if err == nil && failure != 0 {
		err = fmt.Errorf("helper returned %d", int32(failure))
	}
	if err != nil {
		return fmt.Errorf("introspect: start sentry: %w", err)
	}
	return nil
}

// read empties the ring and tells what has changed.
func (s *sentry) read() (changed uint64, err error) {
	for s.reader.AvailableBytes() > 0 {
		s.reader.SetDeadline(time.Now())
		err := s.reader.ReadInto(&s.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return changed, fmt.Errorf("introspect: read report of sentry: %w", err)
		}
		if len(s.record.RawSample) >= reportSize {
			word := func(at int) uint64 { return native.Uint64(s.record.RawSample[at:]) }
			s.last = sentryReport{word(reportMask), word(reportMoves), word(reportLate), word(reportQuestions)}
			changed |= s.last.changed
		}
	}
	return changed, nil
}

// close ends the timer: it lives as long as somebody has the map.
func (s *sentry) close() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.program != nil {
		errs = append(errs, s.program.Close())
	}
	for _, m := range []*ebpf.Map{s.state, s.ring} {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
