package script

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hone-net/hone/slowpath/lab"
)

// streamsKey is where the connections of a script are kept, by their names.
type streamsKey struct{}

// streamed is a TCP connection of $A whose other end sends everything back.
type streamed struct {
	net.Conn
	sent, received int
}

// silence is how long nothing may come back for it to be nothing at all.
const silence = 600 * time.Millisecond

// listen ADDR [PEER] makes $B send back what comes by TCP to an address and port; all of it must come from PEER.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: listen ADDR:PORT [PEER]")
	}
	var l net.Listener
	ts.Check(inNetns(ts.Getenv("B"), func() (err error) { l, err = net.Listen("tcp", args[0]); return err }))
	ts.Defer(func() { l.Close() })
	go answer(l, func(c net.Conn) {
		if len(args) == 1 || strings.HasPrefix(c.RemoteAddr().String(), args[1]+":") {
			_, _ = io.Copy(c, c)
		} // else it is closed, which the other end notices
	})
}

// answer serves each connection that comes, and then closes it, until the listener is closed.
func answer(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			serve(c)
		}()
	}
}

// stream NAME ADDR BYTES [PERCENT] sends bytes from $A by a connection of that name, which is made with the first ones, and
// wants them back; of the packets that arrive in $B, the program of r0 must have forwarded so many percent. With !, nothing
// may come back, nor be forwarded by the program.
func stream(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 && len(args) != 4 {
		ts.Fatalf("usage: stream NAME ADDR:PORT BYTES [PERCENT]")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	s := streamOf(ts, args[0], args[1])
	if neg {
		ts.Check(s.silent(n))
		return
	}
	if len(args) == 3 {
		ts.Check(s.carry(n))
		return
	}
	least, err := strconv.Atoi(args[3])
	ts.Check(err)
	share := 0
	// A sysctl that is written somewhere on the machine stops every program for a moment, and what the kernel sees of a
	// connection then makes it watch the window again until the program asks anew.
	for end := time.Now().Add(lab.Patience(4 * time.Second)); time.Now().Before(end); {
		settled(ts, false, nil)
		fast, arrived := fastPackets(ts), received(ts)
		ts.Check(s.carry(n))
		share = int(fastPackets(ts)-fast) * 100 / max(1, received(ts)-arrived)
		if share >= least {
			return
		}
	}
	ts.Fatalf("%d %% of the packets on the fast path, wanted %d", share, least)
}

// streamOf is the connection of a name.
func streamOf(ts *testscript.TestScript, name, addr string) *streamed {
	all := ts.Value(streamsKey{}).(map[string]*streamed)
	if s, ok := all[name]; ok {
		return s
	}
	s := &streamed{}
	ts.Check(inNetns(ts.Getenv("A"), func() (err error) {
		s.Conn, err = net.DialTimeout("tcp", addr, lab.Patience(5*time.Second))
		return err
	}))
	ts.Defer(func() { s.Close() })
	all[name] = s
	return s
}

// pattern is the byte at a place of the stream.
func pattern(at int) byte { return byte(at ^ at>>8 ^ at>>16) }

// write sends n bytes more; what the other end does not take in time stays to be sent.
func (s *streamed) write(n int) error {
	data := make([]byte, n)
	for i := range data {
		data[i] = pattern(s.sent + i)
	}
	written, err := s.Conn.Write(data)
	s.sent += written
	return err
}

// carry sends bytes, and wants back everything that was ever sent.
func (s *streamed) carry(n int) error {
	if err := s.SetDeadline(time.Now().Add(lab.Patience(20 * time.Second))); err != nil {
		return err
	}
	wrote, total := make(chan error, 1), s.sent+n
	go func(want int) { wrote <- s.write(want) }(n)
	buffer := make([]byte, 64<<10)
	for want := total; s.received < want; {
		got, err := s.Read(buffer[:min(len(buffer), want-s.received)])
		if err != nil {
			return fmt.Errorf("%d of %d bytes came back: %w", s.received, want, err)
		}
		for i, b := range buffer[:got] {
			if b != pattern(s.received+i) {
				return fmt.Errorf("byte %d came back as %#x", s.received+i, b)
			}
		}
		s.received += got
	}
	return <-wrote
}

// silent sends bytes, and wants nothing back.
func (s *streamed) silent(n int) error {
	if err := s.write(n); err != nil {
		return err
	}
	if err := s.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	if got, err := s.Read(make([]byte, 1)); err == nil || got > 0 {
		return fmt.Errorf("something came back")
	}
	return nil
}
