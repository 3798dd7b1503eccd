package oracle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// arrivals are the frames of a batch that left the router, each with the number of its port in front, in order of their
// bytes.
type arrivals []string

func (a arrivals) equal(o arrivals) bool { return slices.Equal(a, o) }

// play sends frames into r0 and gives what leaves the router, batch by batch.
func (b *bed) play(frames [][]byte) ([]arrivals, error) {
	return b.playWith(frames, func() error { return nil })
}

// playWith calls a function before each batch.
func (b *bed) playWith(frames [][]byte, before func() error) (all []arrivals, err error) {
	if err := b.drain(); err != nil {
		return nil, err
	}
	for batch := range slices.Chunk(frames, batchSize) {
		if err := before(); err != nil {
			return nil, err
		}
		got, err := b.exchange(batch)
		if err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	return all, nil
}

// exchange plays one batch into r0.
func (b *bed) exchange(batch [][]byte) (arrivals, error) { return b.exchangeBy(0, batch, b.comparable) }

// exchangeBy plays one batch into a port: the frames, and behind them a sentinel. When the port has shown that, the router
// is done, and sentinels from its ports mark the end of what it has sent, of which is kept what keep makes of it.
func (b *bed) exchangeBy(port int, batch [][]byte, keep func(port uint32, frame []byte) []byte) (arrivals, error) {
	b.seq++
	mark := sentinel(b.seq)
	err := b.in[port].Send(append(batch[:len(batch):len(batch)], mark)...)
	if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENETDOWN) {
		b.quiet, b.unknown = true, false // nothing can be sent to a port that is down
	} else if err != nil {
		return nil, err
	} else if err := b.passed(port, mark); err != nil {
		return nil, err
	}
	time.Sleep(2 * time.Millisecond)
	return b.collect(mark, keep)
}

// passed waits until the sentinel behind the batch has gone through the port. Where that is known not to show it, it is
// only looked for.
func (b *bed) passed(port int, mark []byte) error {
	wait := patience
	switch {
	case b.unknown:
		wait = learning
	case b.quiet:
		wait = 0
	}
	shown, end := b.shows(port, 0), time.Now().Add(wait)
	for !shown && time.Now().Before(end) {
		if shown = b.shows(port, moment); !shown {
			_ = b.in[port].Send(mark)
		}
	}
	if !shown && !b.unknown && !b.quiet {
		return fmt.Errorf("r%d did not show sentinel %d within %v", port, b.seq, patience)
	}
	b.quiet, b.unknown = !shown, false
	return nil
}

// shows reads the sentinels at a port until the last that was sent is there.
func (b *bed) shows(port int, wait time.Duration) bool {
	buf := make([]byte, 128)
	for end := time.Now().Add(wait); ; {
		n, _, err := unix.Recvfrom(b.taps[port], buf, unix.MSG_DONTWAIT)
		if err == nil && n >= 22 && binary.BigEndian.Uint64(buf[14:]) == b.seq {
			return true
		}
		if err == nil {
			continue
		}
		left := time.Until(end)
		if left <= 0 {
			return false
		}
		// An error other than that there is none is told once: the device was down.
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(b.taps[port]), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
	}
}

// announce sends the sentinel from the ports, or from those that are still waited for, and gives those that take it. A port
// that is down refuses; there is nothing behind it then.
func (b *bed) announce(mark []byte, wanted func(port uint32) bool) map[uint32]bool {
	waiting := map[uint32]bool{}
	for i, s := range b.out {
		if port := uint32(i); s != nil && wanted(port) && s.Send(mark) == nil {
			waiting[port] = true
		}
	}
	return waiting
}

// collect reads what was captured until the sentinel has arrived behind every port.
func (b *bed) collect(mark []byte, keep func(uint32, []byte) []byte) (got arrivals, err error) {
	waiting := b.announce(mark, func(port uint32) bool { return port == 0 || !b.idle })
	end := time.Now().Add(patience)
	for {
		c, ok, err := b.capture.Next(b.rest(waiting))
		if err != nil {
			return nil, err
		}
		if !ok && len(waiting) == 0 {
			break
		}
		if !ok {
			if time.Now().After(end) {
				return nil, fmt.Errorf("sentinel %d did not arrive behind the ports %v within %v", b.seq, slices.Collect(maps.Keys(waiting)), patience)
			}
			waiting = b.announce(mark, func(port uint32) bool { return waiting[port] })
			continue
		}
		if seq, is := sequence(c.Frame); is {
			if seq == b.seq {
				delete(waiting, c.Tag)
			}
			continue
		}
		if f := keep(c.Tag, c.Frame); f != nil {
			got = append(got, string(append([]byte{byte(c.Tag)}, f...)))
		}
	}
	slices.Sort(got)
	return got, nil
}

// rest is how long the next frame may take.
func (b *bed) rest(waiting map[uint32]bool) time.Duration {
	switch {
	case len(waiting) > 0:
		return moment
	case b.quiet:
		return calm
	}
	return 0
}

// drain throws away what has nothing to do with what follows.
func (b *bed) drain() error {
	for {
		if _, ok, err := b.capture.Next(0); !ok || err != nil {
			return err
		}
	}
}

// sentinel is a frame that no stack knows, with a number.
func sentinel(seq uint64) []byte {
	f := make([]byte, lab.MinFrame)
	copy(f, net.HardwareAddr{2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0x0a, 0})
	binary.BigEndian.PutUint16(f[lab.OffEtherType:], sentinelProto)
	binary.BigEndian.PutUint64(f[14:], seq)
	return f
}

func sequence(f []byte) (uint64, bool) {
	if len(f) < 22 || binary.BigEndian.Uint16(f[lab.OffEtherType:]) != sentinelProto {
		return 0, false
	}
	return binary.BigEndian.Uint64(f[14:]), true
}
