package transparency

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// flow is a stream of frames from A through the router, each with the moment of its making, and what arrives at the ends.
type flow struct {
	net     *lab.Network
	capture *lab.Capture
	sender  *lab.Sender
	sent    atomic.Uint64
	quit    chan struct{}
	wait    sync.WaitGroup

	mu       sync.Mutex
	arrivals []arrival
	failure  error
}

// arrival is a frame that came to an end: the end's tag, and when it was made (CLOCK_MONOTONIC).
type arrival struct {
	tag   uint32
	stamp uint64
}

// flowBurst frames are sent at once, with a pause behind them, so that the rings of the veth pairs do not overrun.
const (
	flowBurst = 16
	flowPause = 200 * time.Microsecond
)

func clock() uint64 {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return uint64(now.Nano())
}

// newFlow captures at every end behind the router: end b0 has tag 1.
func newFlow(n *lab.Network) (*flow, error) {
	f := &flow{net: n, quit: make(chan struct{})}
	var err error
	if f.capture, err = lab.NewCapture(1 << 22); err != nil {
		return nil, err
	}
	for i, p := range n.Ports[1:] {
		if err := f.capture.Add(p.Peer.Net, p.Peer.Index, uint32(i+1), true); err != nil {
			return nil, err
		}
	}
	if f.sender, err = lab.NewSender(n.A, n.Ports[0].Peer.Index); err != nil {
		return nil, err
	}
	f.wait.Add(2)
	go f.send()
	go f.collect()
	return f, nil
}

// send goes on when the device is down or gone: some changes are of the port that it sends to.
func (f *flow) send() {
	defer f.wait.Done()
	in := f.net.Ports[0]
	p := lab.Packet{DstMAC: in.MAC, SrcMAC: in.Peer.MAC, Src: in.Peer.Addr.Addr(), Dst: flowTarget, SrcPort: 1000, DstPort: 9,
		Payload: make([]byte, 32)}
	burst := make([][]byte, flowBurst)
	for {
		select {
		case <-f.quit:
			return
		default:
		}
		for i := range burst {
			binary.NativeEndian.PutUint64(p.Payload, clock()) // and zeros, so that the frame needs no padding
			burst[i] = p.Frame()
		}
		_ = f.sender.Send(burst...)
		f.sent.Add(flowBurst)
		time.Sleep(flowPause)
	}
}

func (f *flow) collect() {
	defer f.wait.Done()
	for {
		c, ok, err := f.capture.Next(20 * time.Millisecond)
		f.mu.Lock()
		if ok && len(c.Frame) >= lab.OffL4+16 && [4]byte(c.Frame[lab.OffDst:]) == flowTarget.As4() {
			f.arrivals = append(f.arrivals, arrival{c.Tag, binary.NativeEndian.Uint64(c.Frame[lab.OffL4+8:])})
		}
		f.failure = err
		f.mu.Unlock()
		select {
		case <-f.quit:
			return
		default:
		}
	}
}

// since counts, by end, the frames that were made after a moment.
func (f *flow) since(moment uint64) (counts map[uint32]int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts = map[uint32]int{}
	for _, a := range f.arrivals {
		if a.stamp > moment {
			counts[a.tag]++
		}
	}
	return counts, f.failure
}

// change runs a command under the flow, which has to go on meanwhile, and looks where the frames arrive that were made
// after it returned: all at one end, or nowhere if that is 0.
func (f *flow) change(t *testing.T, ns *lab.Namespace, want uint32, lines ...string) {
	t.Helper()
	before, begun := f.sent.Load(), clock()
	for _, line := range lines {
		if err := ns.Run(line); err != nil {
			t.Fatal(err)
		}
	}
	returned, during := clock(), f.sent.Load()-before
	sent := f.more(100*time.Millisecond, 10*flowBurst)
	counts, err := f.since(returned)
	if err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%q: %d frames meanwhile, afterwards %v", lines, during, counts)
	t.Log(what)
	if during == 0 && returned-begun > uint64(20*time.Millisecond) {
		t.Errorf("nothing was sent meanwhile: %s", what)
	}
	for tag, n := range counts {
		if tag != want {
			t.Errorf("%d frames arrived at end %d, not %d: %s", n, tag, want, what)
		}
	}
	if want != 0 && counts[want] < sent/2 {
		t.Errorf("of %d frames few arrived at end %d: %s", sent, want, what)
	}
}

// more waits for some time, and until so many frames are sent, and tells how many were; those have arrived if they do.
func (f *flow) more(length time.Duration, least int) (sent int) {
	begun, before := time.Now(), f.sent.Load()
	for sent < least || time.Since(begun) < length {
		time.Sleep(length / 10)
		sent = int(f.sent.Load() - before)
	}
	time.Sleep(length / 2)
	return sent
}

// watch captures at an end that was made anew.
func (f *flow) watch(t *testing.T, ns *lab.Namespace, index int, tag uint32) {
	t.Helper()
	if err := f.capture.Add(ns, index, tag, true); err != nil {
		t.Fatal(err)
	}
}

func (f *flow) close() {
	close(f.quit)
	f.wait.Wait()
	f.sender.Close()
	f.capture.Close()
}
