package transparency

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// probe is a stream of numbered UDP packets from one host to another, one a millisecond.
type probe struct {
	in, out *net.UDPConn
	stop    chan struct{}
	done    sync.WaitGroup

	sent, arrived, wrong int
	seen                 map[uint64]bool
	last                 time.Time
	gap                  time.Duration // the longest time without a packet
}

const probePort = 7654

// newProbe begins to send and to count.
func (f *fabric) newProbe(from, to, address string) *probe {
	f.t.Helper()
	p := &probe{stop: make(chan struct{}), seen: map[uint64]bool{}}
	var err error
	if p.in, err = udpIn(f.prefix+to, func() (*net.UDPConn, error) {
		return net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(address), Port: probePort})
	}); err != nil {
		f.t.Fatal(err)
	}
	if p.out, err = udpIn(f.prefix+from, func() (*net.UDPConn, error) {
		return net.DialUDP("udp", nil, &net.UDPAddr{IP: net.ParseIP(address), Port: probePort})
	}); err != nil {
		f.t.Fatal(err)
	}
	p.done.Add(2)
	go p.send()
	go p.receive()
	return p
}

// udpIn makes a socket in a named network namespace.
func udpIn(ns string, open func() (*net.UDPConn, error)) (c *net.UDPConn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		var fd int
		if fd, err = unix.Open("/run/netns/"+ns, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(fd)
		if err = unix.Setns(fd, unix.CLONE_NEWNET); err == nil {
			c, err = open()
		}
	}()
	<-done
	return c, err
}

// payload is a packet's number, and the rest follows from it, so that a change of any byte shows.
func payload(number uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, number)
	for i := range 56 {
		b = append(b, byte(number*31+uint64(i)*7))
	}
	return b
}

func (p *probe) send() {
	defer p.done.Done()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-tick.C:
			p.out.Write(payload(uint64(p.sent))) // an ICMP error that came back is no reason to stop
			p.sent++
		}
	}
}

func (p *probe) receive() {
	defer p.done.Done()
	buffer := make([]byte, 1<<11)
	for {
		n, err := p.in.Read(buffer)
		if err != nil {
			return
		}
		now := time.Now()
		if !p.last.IsZero() {
			p.gap = max(p.gap, now.Sub(p.last))
		}
		p.last = now
		p.take(buffer[:n])
	}
}

// take counts a packet; wrong is one that nobody sent so, or that comes again.
func (p *probe) take(b []byte) {
	p.arrived++
	if len(b) < 8 {
		p.wrong++
		return
	}
	number := binary.BigEndian.Uint64(b)
	if p.seen[number] || string(b) != string(payload(number)) {
		p.wrong++
	}
	p.seen[number] = true
}

// finish ends the stream and tells what became of it.
func (p *probe) finish(t *testing.T) (lost int, gap time.Duration) {
	t.Helper()
	close(p.stop)
	time.Sleep(200 * time.Millisecond)
	p.in.Close()
	p.done.Wait()
	p.out.Close()
	if p.wrong > 0 {
		t.Errorf("%d of %d packets were wrong", p.wrong, p.arrived)
	}
	return p.sent - p.arrived, p.gap
}

func (p *probe) String() string {
	return fmt.Sprintf("%d sent, %d arrived, gap %v", p.sent, p.arrived, p.gap)
}
