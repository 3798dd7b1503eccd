package introspect

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/hone-net/hone/slowpath"
	"golang.org/x/sys/unix"
)

// TestFilterAgreesWithReader runs the filter over recorded and random messages, whole and cut short, and compares what it
// counts with what the reader would.
func TestFilterAgreesWithReader(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to load programs")
	}
	l, err := newLedger()
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	filter, err := l.newFilter("test", nothing)
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	seed := uint64(time.Now().UnixNano())
	r, met := rand.New(rand.NewPCG(seed, 0)), map[domains]int{}
	for _, datagram := range messagesToCount(t, r) {
		before, tallied := l.moved(), l.tallied()
		answer, _, err := filter.Test(append(make([]byte, 14), datagram...)) // the kernel takes off an Ethernet header
		if errors.Is(err, unix.EINVAL) || errors.Is(err, ebpf.ErrNotSupported) {
			continue // too short for a test run
		}
		if err != nil {
			t.Fatal(err)
		}
		if answer != ^uint32(0) {
			t.Fatalf("the filter returned %d: a length trims the message for others", answer)
		}
		want, got, tally := before, l.moved(), l.tallied()
		moves := classify(datagram)
		moves.add(&want)
		if want != got {
			t.Fatalf("seed %d: seen %v, reader %v of % x", seed, got, want, datagram)
		}
		for i := range tally {
			if tally[i]-tallied[i] != got[i]-before[i] {
				t.Fatalf("seed %d: the tally moved from %v to %v, seen from %v to %v", seed, tallied, tally, before, got)
			}
		}
		met[moves]++
	}
	t.Logf("seed %d: %v", seed, met)
	for _, d := range exits() {
		if met[d] < 10 {
			t.Errorf("seed %d: %d messages that move %d", seed, met[d], d)
		}
	}
}

// tallied is what the filters have counted.
func (l *ledger) tallied() slowpath.Epochs {
	fresh := ledger{tallyWords: l.tallyWords}
	fresh.restart()
	return fresh.folded
}

func messagesToCount(t *testing.T, r *rand.Rand) [][]byte {
	var all [][]byte
	for _, m := range recorded(t) {
		b := encodeMessage(m)
		all = append(all, b, b[:r.IntN(len(b))])
	}
	types := []uint16{unix.RTM_NEWROUTE, unix.RTM_DELROUTE, unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH, unix.RTM_NEWLINK, unix.RTM_NEWADDR,
		unix.RTM_NEWNEXTHOP, unix.RTM_NEWRULE, rtmNewPrefix, unix.RTM_NEWQDISC, 999}
	for range 3000 {
		b := make([]byte, 16+r.IntN(60))
		for i := range b {
			b[i] = byte(r.IntN(40))
		}
		native.PutUint16(b[4:], types[r.IntN(len(types))])
		if len(b) > 28 && r.IntN(2) == 0 {
			b[16], b[19], b[23] = []byte{unix.AF_INET, unix.AF_INET6, unix.AF_BRIDGE}[r.IntN(3)], 0, 1
			for at := 28; at+4 <= len(b); at += 8 {
				native.PutUint16(b[at:], 8)
				native.PutUint16(b[at+2:], uint16(1+r.IntN(6)))
			}
		}
		all = append(all, b)
	}
	return all
}
