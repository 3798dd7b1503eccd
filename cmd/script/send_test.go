package script

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/slowpath/lab"
)

// routerMAC is the address of r0.
var routerMAC = packet.MAC{2, 0, 0, 0, 0, 0xf0}

// send N DESCRIPTION sends N frames out of a0 to the router and waits until as many have arrived in $B; with !, it
// checks that none arrives. SENT counts the frames that it was asked for.
func send(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: send N DESCRIPTION")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	p, err := packet.Parse("iif r0 " + strings.Join(args[1:], " "))
	ts.Check(err)
	frame := p.Frame(routerMAC)
	before := received(ts)
	ts.Check(inNetns(ts.Getenv("A"), func() error { return transmit("a0", frame, n) }))
	sent, _ := strconv.Atoi(ts.Getenv("SENT")) // none at first
	ts.Setenv("SENT", strconv.Itoa(sent+n))
	wanted, wait := n, lab.Patience(time.Second)
	if neg {
		wanted, wait = 0, time.Second
	}
	for end := time.Now().Add(wait); time.Now().Before(end) && received(ts)-before < n; {
		time.Sleep(10 * time.Millisecond)
	}
	if got := received(ts) - before; neg && got >= n || !neg && got < wanted {
		ts.Fatalf("%d of %d frames arrived, wanted %d", got, n, wanted)
	}
}

// none N DESCRIPTION sends N frames out of a0, of which, and of all others, none may arrive at b0.
func none(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: none N DESCRIPTION")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	p, err := packet.Parse("iif r0 " + strings.Join(args[1:], " "))
	ts.Check(err)
	before := received(ts)
	ts.Check(inNetns(ts.Getenv("A"), func() error { return transmit("a0", p.Frame(routerMAC), n) }))
	time.Sleep(50 * time.Millisecond)
	if got := received(ts) - before; got != 0 {
		ts.Fatalf("%d frames arrived, wanted none", got)
	}
}

// fast N DESCRIPTION is send, and checks that r0 took the frames on the fast path. A sysctl that is written somewhere on
// the machine stops every program for a moment, so that it is tried again.
func fast(ts *testscript.TestScript, neg bool, args []string) {
	var before, after uint64
	for range 10 {
		settled(ts, false, nil)
		before = fastPackets(ts)
		send(ts, false, args)
		if after = fastPackets(ts); strconv.FormatUint(after-before, 10) == args[0] {
			return
		}
	}
	ts.Fatalf("%d of %s frames on the fast path", after-before, args[0])
}

// fastPackets counts what the program of r0 has forwarded.
func fastPackets(ts *testscript.TestScript) uint64 {
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(5*time.Second))
	defer cancel()
	var s control.Status
	ts.Check(control.NewClient(ts.Getenv("SOCKET")).Get(ctx, "/v1/status", nil, &s))
	for _, i := range s.Interfaces {
		if i.Name == "r0" && i.Counters != nil {
			return i.Counters.Fast + i.Counters.Live
		}
	}
	return 0
}

// received counts the frames that have come to b0.
func received(ts *testscript.TestScript) int {
	n := 0
	ts.Check(inNetns(ts.Getenv("B"), func() error {
		text, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		_, rest, _ := strings.Cut(string(text), "b0:")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			return fmt.Errorf("no b0 in %q", text)
		}
		n, err = strconv.Atoi(fields[1])
		return err
	}))
	return n
}

func transmit(name string, frame []byte, n int) error {
	s, err := openOutlet(name)
	if err != nil {
		return err
	}
	defer unix.Close(s.fd)
	return s.transmit(frame, n)
}

// outlet is a socket that puts frames on an interface.
type outlet struct {
	fd int
	to *unix.SockaddrLinklayer
}

// openOutlet opens an interface of the thread's namespace. The kernel takes tens of milliseconds to close it.
func openOutlet(name string) (*outlet, error) {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &outlet{fd, &unix.SockaddrLinklayer{Ifindex: link.Index, Protocol: binary.NativeEndian.Uint16([]byte{8, 0})}}, nil
}

func (w *outlet) transmit(frame []byte, n int) error {
	for i := range n {
		if err := unix.Sendto(w.fd, frame, 0, w.to); err != nil {
			return err
		}
		if i%100 == 99 {
			time.Sleep(lab.Patience(time.Millisecond)) // a veth's ring holds 256
		}
	}
	return nil
}

// inNetns runs f on a thread in a named network namespace.
func inNetns(name string, f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			result <- err
			return
		}
		defer unix.Close(fd)
		if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}
