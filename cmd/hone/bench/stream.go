package bench

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// stream is a flood in the background.
type stream struct {
	rig  *rig
	quit chan struct{}
	wait sync.WaitGroup

	before uint64        // frames of the generator until then
	ended  chan struct{} // closed once the flood has ended
	err    error         // why, if it was not told to
}

// streamRun is the number of packets of one run of the generator; between runs it pauses for some 30 ms.
const streamRun = 1 << 21

// stream floods until stop.
func (r *rig) stream() *stream {
	s := &stream{rig: r, quit: make(chan struct{}), ended: make(chan struct{}), before: r.flood.sent()}
	s.wait.Add(2)
	go s.flood()
	go s.nudge()
	return s
}

// breath is how long the flood pauses when the kernel has no pages for it.
const breath = 10 * time.Millisecond

func (s *stream) flood() {
	defer s.wait.Done()
	defer close(s.ended)
	for {
		select {
		case <-s.quit:
			return
		default:
		}
		switch _, err := s.rig.send(streamRun); {
		case errors.Is(err, unix.ENOMEM): // it takes pages without waiting for some: there may be none at the moment
			time.Sleep(breath)
		case err != nil:
			s.err = err
			return
		}
	}
}

// failure is why the flood ended early; nil while it goes on.
func (s *stream) failure() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// nudge wakes up on the generator's CPU again and again: a generator that is alone on its CPU never lets RCU grace
// periods end, which every change of links and programs waits for. A network card's softirq would.
func (s *stream) nudge() {
	defer s.wait.Done()
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(generatorCPU)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return
	}
	for {
		select {
		case <-s.quit:
			return
		default:
			pause := unix.NsecToTimespec(int64(time.Millisecond))
			unix.Nanosleep(&pause, nil)
		}
	}
}

// stop ends the flood and tells how many packets it sent.
func (s *stream) stop() (int, error) {
	close(s.quit)
	s.wait.Wait()
	return int(s.rig.flood.sent() - s.before), s.err
}

// now is CLOCK_MONOTONIC in nanoseconds, the clock of the stamps.
func now() uint64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return uint64(ts.Nano())
}
