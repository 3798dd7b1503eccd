package script

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// call is a connection of a scene.
type call struct{ net.Conn }

// traffic is frames from one host to another, each with the moment of its making.
type traffic struct {
	mu   sync.Mutex
	from uint64 // a moment
	n    int    // that were made after it, and have arrived
	sent int    // since then
	quit chan struct{}
	wait sync.WaitGroup
}

// act does what takes a socket in a host.
func (p *play) act(word, one, more string) error {
	two, three, _ := strings.Cut(more, " ")
	switch word {
	case "serve":
		return p.serve(one, two)
	case "connect":
		return p.connect(one, two, three)
	case "echo":
		return p.echo(one, two)
	case "traffic":
		return p.traffic(one, two, three)
	case "change":
		return p.change(one, two, three)
	}
	n, err := strconv.Atoi(two)
	if err != nil {
		return err
	}
	return p.flood(one, n)
}

func (p *play) serve(host, port string) error {
	var l net.Listener
	silent := net.ListenConfig{KeepAlive: -1} // says nothing in its own time, from which a bridge would learn
	err := inNetns(p.namespace(host), func() (err error) { l, err = silent.Listen(context.Background(), "tcp4", ":"+port); return err })
	if err != nil {
		return err
	}
	p.undo = append(p.undo, func() { l.Close() })
	go answer(l, func(c net.Conn) { _, _ = io.Copy(c, c) })
	return nil
}

func (p *play) connect(name, host, addr string) error {
	return inNetns(p.namespace(host), func() error {
		silent := net.Dialer{Timeout: lab.Patience(10 * time.Second), KeepAlive: -1}
		c, err := silent.Dial("tcp4", addr)
		if err == nil {
			p.calls[name] = &call{c}
			p.undo = append(p.undo, func() { c.Close() })
		}
		return err
	})
}

// echo sends bytes by a connection and wants them back.
func (p *play) echo(name, bytes string) error {
	n, err := strconv.Atoi(bytes)
	c := p.calls[name]
	if err != nil || c == nil {
		return fmt.Errorf("no connection, or no number: %w", err)
	}
	if err := c.SetDeadline(time.Now().Add(lab.Patience(15 * time.Second))); err != nil {
		return err
	}
	go func() { _, _ = c.Write(make([]byte, n)) }()
	got, err := io.ReadFull(c, make([]byte, n))
	if err != nil {
		p.say("echo "+name, fmt.Sprintf("not everything came back: %v", err))
		return nil
	}
	p.say("echo "+name, fmt.Sprintf("%d came back", got))
	return nil
}

// experimental is the type of the frames of traffic (IEEE 802), in network order for sockets.
const experimental = 0x88b5

// packetSocket opens a packet socket at e0 of a host.
func (p *play) packetSocket(host string, protocol int) (fd int, err error) {
	return fd, inNetns(p.namespace(host), func() error {
		i, err := net.InterfaceByName("e0")
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(protocol>>8 | protocol&0xff<<8), Ifindex: i.Index})
	})
}

// hostMAC is that of e0 of a host.
func hostMAC(host string) net.HardwareAddr {
	n, _ := strconv.Atoi(strings.TrimPrefix(host, "h"))
	return net.HardwareAddr{2, 0, 0, 0, 0, byte(n)}
}

func nanoseconds() uint64 {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return uint64(now.Nano())
}

// traffic sends 1000 frames a second.
func (p *play) traffic(name, from, to string) error {
	out, err := p.packetSocket(from, 0)
	if err != nil {
		return err
	}
	in, err := p.packetSocket(to, experimental)
	if err != nil {
		return err
	}
	t := &traffic{quit: make(chan struct{})}
	p.flows[name] = t
	t.wait.Go(func() { t.send(out, hostMAC(from), hostMAC(to)) })
	t.wait.Go(func() { t.receive(in) })
	p.undo = append(p.undo, func() {
		close(t.quit)
		t.wait.Wait()
		unix.Close(out)
		unix.Close(in)
	})
	return nil
}

func (t *traffic) over() bool {
	select {
	case <-t.quit:
		return true
	default:
		return false
	}
}

func (t *traffic) send(fd int, from, to net.HardwareAddr) {
	f := make([]byte, 80)
	copy(f, to)
	copy(f[6:], from)
	binary.BigEndian.PutUint16(f[12:], experimental)
	for !t.over() {
		binary.NativeEndian.PutUint64(f[14:], nanoseconds())
		_ = unix.Send(fd, f, unix.MSG_DONTWAIT) // the port may be down
		t.mu.Lock()
		t.sent++
		t.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
}

func (t *traffic) receive(fd int) {
	buf := make([]byte, 128)
	for !t.over() {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 20)
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
		if err != nil || n < 22 {
			continue
		}
		made := binary.NativeEndian.Uint64(buf[14:])
		t.mu.Lock()
		if made > t.from {
			t.n++
		}
		t.mu.Unlock()
	}
}

// change runs a command under traffic and tells how many frames arrive that were made after it: none, or some.
func (p *play) change(name, host, line string) error {
	t := p.flows[name]
	if t == nil {
		return fmt.Errorf("no traffic of that name")
	}
	if line != "" {
		p.say(host+" "+line, p.run(host, line))
	}
	t.mu.Lock()
	t.from, t.n, t.sent = nanoseconds(), 0, 0
	t.mu.Unlock()
	arrives := ""
	for end := time.Now().Add(lab.Patience(3 * time.Second)); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var over bool
		if arrives, over = t.arrive(); over {
			break
		}
	}
	p.say("change "+name, arrives)
	return nil
}

// What tells whether frames arrive: of so many that were sent, more than a few; of few, how many is told.
const (
	enoughSent    = 250
	momentSent    = 50
	enoughArrived = 20
)

// arrive tells how many frames have arrived, and whether that is how it will stay. None takes all to be sent and a moment
// more; where only a few come, the sender may have had no processor.
func (t *traffic) arrive() (text string, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.sent > enoughSent
	switch {
	case t.n == 0:
		return "no frame arrives", t.sent > enoughSent+momentSent
	case t.n < enoughArrived:
		return fmt.Sprintf("%d frames arrive", t.n), false
	}
	return "frames arrive", all
}

// flood sends one frame from each of n senders to everybody, as fast as the bridge takes them.
func (p *play) flood(host string, n int) error {
	fd, err := p.packetSocket(host, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	f := make([]byte, 60)
	copy(f, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x06})
	binary.BigEndian.PutUint16(f[12:], experimental+1)
	for i := range n {
		binary.BigEndian.PutUint32(f[8:], uint32(i))
		if _, err := unix.Write(fd, f); err != nil {
			return err
		}
		if i%100 == 99 {
			time.Sleep(time.Millisecond) // a veth's ring holds 256
		}
	}
	return nil
}
