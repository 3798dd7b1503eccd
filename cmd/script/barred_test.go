package script

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control/packet"
)

// The frames of barred are sent in bursts, so that they are spread over all that the script does. To openPort go as many as
// to the port of the description.
const (
	barredBurst = 8
	barredPause = 200 * time.Microsecond
	openPort    = 53
)

// barred SCRIPT DESCRIPTION runs a shell script in $R and sends frames out of a0 all the while, of which none may arrive at
// b0; others, to UDP port 53, are sent as well, of which the program of r0 must have forwarded some. With !, some frames
// of the description must arrive: the script makes a gap, which shows that one would be seen.
func barred(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: barred SCRIPT DESCRIPTION")
	}
	p, err := packet.Parse("iif r0 " + strings.Join(args[1:], " "))
	ts.Check(err)
	frame := p.Frame(routerMAC)
	open := bytes.Clone(frame)
	binary.BigEndian.PutUint16(open[36:], openPort)
	open[40], open[41] = 0, 0 // no checksum
	seen := watchPort(ts, binary.BigEndian.Uint16(frame[36:]))
	before, begin := fastPackets(ts), time.Now()
	c := command(ts, []string{"ip", "netns", "exec", ts.Getenv("R"), "sh", args[0]})
	var said bytes.Buffer
	c.Stderr = &said
	ts.Check(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	var w *outlet
	ts.Check(inNetns(ts.Getenv("A"), func() (err error) { w, err = openOutlet("a0"); return err }))
	defer unix.Close(w.fd)
	sent := 0
	for ended != nil {
		ts.Check(errors.Join(w.transmit(frame, barredBurst), w.transmit(open, barredBurst)))
		sent += barredBurst
		select {
		case err := <-ended:
			if err != nil {
				ts.Fatalf("%s: %v\n%s", args[0], err, said.String())
			}
			ended = nil
		case <-time.After(barredPause):
		}
	}
	time.Sleep(50 * time.Millisecond)
	arrived, fast := seen(), fastPackets(ts)-before
	ts.Logf("%d frames in %v, of which %d arrived; %d of the others on the fast path", sent, time.Since(begin), arrived, fast)
	if neg != (arrived > 0) || !neg && (sent < 500 || fast < 20) {
		ts.Fatalf("%d of %d frames arrived; %d of the others were on the fast path", arrived, sent, fast)
	}
}

// watchPort counts the frames to a UDP port that come to b0 from now on; what is returned ends that.
func watchPort(ts *testscript.TestScript, port uint16) (arrived func() int) {
	fd := -1
	ts.Check(inNetns(ts.Getenv("B"), func() (err error) {
		link, err := net.InterfaceByName("b0")
		if err != nil {
			return err
		}
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: link.Index, Protocol: binary.NativeEndian.Uint16([]byte{8, 0})})
	}))
	ts.Check(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000}))
	quit, result := make(chan struct{}), make(chan int)
	go func() {
		defer unix.Close(fd)
		n, frame := 0, make([]byte, 2048)
		for {
			length, _, err := unix.Recvfrom(fd, frame, 0)
			if err == nil && length >= 38 && binary.BigEndian.Uint16(frame[36:]) == port {
				n++
			}
			select {
			case <-quit:
				if errors.Is(err, unix.EAGAIN) { // nothing is queued any more
					result <- n
					return
				}
			default:
			}
		}
	}()
	return func() int { close(quit); return <-result }
}
