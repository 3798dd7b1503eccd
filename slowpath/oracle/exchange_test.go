package oracle

import (
	"encoding/binary"
	"errors"
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

// exchange plays one batch.
func (b *bed) exchange(batch [][]byte) (arrivals, error) {
	b.seq++
	mark := sentinel(b.seq)
	if err := b.in.Send(append(batch[:len(batch):len(batch)], mark)...); err != nil {
		return nil, b.noWay(err)
	}
	b.passed()
	waiting := map[uint32]bool{}
	for i, s := range b.out {
		// A port that is down refuses; there is nothing behind it then.
		if s != nil && s.Send(mark) == nil {
			waiting[uint32(i)] = true
		}
	}
	return b.collect(waiting)
}

// noWay forgives that nothing can be sent where r0 is down.
func (b *bed) noWay(err error) error {
	if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENETDOWN) {
		return nil
	}
	return err
}

// passed waits until the sentinel behind the batch has gone through r0.
func (b *bed) passed() {
	buf := make([]byte, 128)
	for !b.quiet {
		n, _, err := unix.Recvfrom(b.tap, buf, 0)
		if err != nil && err != unix.EINTR {
			b.quiet = true
		} else if err == nil && n >= 22 && binary.BigEndian.Uint64(buf[14:]) == b.seq {
			return
		}
	}
	time.Sleep(2 * time.Millisecond)
}

// collect reads what was captured until the sentinel has arrived behind every port that is waited for.
func (b *bed) collect(waiting map[uint32]bool) (arrivals, error) {
	var got arrivals
	end := time.Now().Add(patience)
	for len(waiting) > 0 {
		c, ok, err := b.capture.Next(time.Until(end))
		if err != nil {
			return nil, err
		}
		if !ok {
			break // the other end of a port captures nothing
		}
		if seq, is := sequence(c.Frame); is {
			if seq == b.seq {
				delete(waiting, c.Tag)
			}
			continue
		}
		if f := b.comparable(c.Tag, c.Frame); f != nil {
			got = append(got, string(append([]byte{byte(c.Tag)}, f...)))
		}
	}
	slices.Sort(got)
	return got, nil
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
