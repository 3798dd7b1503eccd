package script

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control/packet"
	"github.com/hone-net/hone/slowpath/lab"
)

// filled [fast] LENGTH DESCRIPTION sends a frame out of a0 that is filled up to the least length of Ethernet with what does
// not belong to the packet, and wants it to arrive at b0, on the fast path of r0, with LENGTH bytes, of which those behind
// the packet are zeros.
func filled(ts *testscript.TestScript, neg bool, args []string) {
	before, fast := uint64(0), len(args) > 0 && args[0] == "fast"
	if fast {
		before, args = fastPackets(ts), args[1:]
	}
	if len(args) < 2 || neg {
		ts.Fatalf("usage: filled [fast] LENGTH DESCRIPTION")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	p, err := packet.Parse("iif r0 " + strings.Join(args[1:], " "))
	ts.Check(err)
	frame := p.Frame(routerMAC)
	end := len(frame)
	const least = 60
	frame = append(frame, bytes.Repeat([]byte{0xa5}, max(least-end, 0))...)
	fd := ear(ts)
	defer unix.Close(fd)
	ts.Check(inNetns(ts.Getenv("A"), func() error { return transmit("a0", frame, 1) }))
	buffer := make([]byte, 2048)
	for deadline := time.Now().Add(lab.Patience(time.Second)); time.Now().Before(deadline); {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			time.Sleep(time.Millisecond)
			continue
		}
		ts.Check(err)
		if n < end || !bytes.Equal(buffer[26:34], frame[26:34]) {
			continue // somebody else's
		}
		if n != want || len(bytes.Trim(buffer[end:n], "\x00")) > 0 {
			ts.Fatalf("arrived with %d bytes, want %d: %x", n, want, buffer[:n])
		}
		if fast && fastPackets(ts) != before+1 {
			ts.Fatalf("arrived, but not on the fast path")
		}
		return
	}
	ts.Fatalf("nothing arrived")
}

// ear is a socket that hears what comes to b0.
func ear(ts *testscript.TestScript) (fd int) {
	ts.Check(inNetns(ts.Getenv("B"), func() (err error) {
		ip := binary.NativeEndian.Uint16([]byte{8, 0})
		fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(ip))
		return err
	}))
	return fd
}
