package script

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// plug NS NAME ADDRESS PORT ADDRESS connects a namespace with $R, which has the port, and its default route goes there.
func plug(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 5 {
		ts.Fatalf("usage: plug NS NAME ADDRESS PORT ADDRESS")
	}
	ns, name, own, port, gateway := args[0], args[1], args[2], args[3], args[4]
	r := ts.Getenv("R")
	for _, n := range []string{ns, r} {
		if command(ts, []string{"ip", "netns", "pids", n}).Run() != nil {
			shell(ts, "ip netns add "+n)
		}
	}
	at, err := netip.ParsePrefix(gateway)
	ts.Check(err)
	for _, line := range []string{
		"ip -n " + ns + " link add " + name + " type veth peer name " + port + " netns " + r,
		"ip -n " + ns + " link set " + name + " up", "ip -n " + r + " link set " + port + " up",
		"ip -n " + ns + " addr add " + own + " dev " + name, "ip -n " + r + " addr add " + gateway + " dev " + port,
		"ip -n " + ns + " route add default via " + at.Addr().String(),
		"ip netns exec " + ns + " ethtool -K " + name + " tx off gro on",
		"ip netns exec " + r + " sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf." + port + ".rp_filter=0",
	} {
		shell(ts, line)
	}
}

// serve WHO NS ADDRESS tells every visitor who is there and what address he comes from, and then gives back what he says.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: serve WHO NS ADDRESS:PORT")
	}
	network := "tcp4" // and no more: "tcp" may listen to IPv6 with 0.0.0.0, too
	if strings.HasPrefix(args[2], "[") {
		network = "tcp6"
	}
	var l net.Listener
	ts.Check(inNetns(args[1], func() (err error) { l, err = net.Listen(network, args[2]); return err }))
	ts.Defer(func() { l.Close() })
	go answer(l, func(c net.Conn) {
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		fmt.Fprintf(c, "%s sees %s\n", args[0], host)
		_, _ = io.Copy(c, c)
	})
}

// visits FILE makes the connections that the lines of a file name, "NS ADDRESS:PORT", one after the other, and prints what
// became of each.
func visits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: visits FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		words := strings.Fields(line)
		if len(words) != 2 {
			ts.Fatalf("%q is not a visit", line)
		}
		fmt.Fprintf(ts.Stdout(), "%s %s: %s\n", words[0], words[1], visit(ts.Getenv(words[0]), words[1]))
	}
}

// What a visit carries in each direction: with the first bytes programs find the connection, with those that follow they ask to
// have its windows left alone, which takes a moment; the rest is theirs.
const (
	someBytes = 20_000
	moreBytes = 600_000
	moment    = 400 * time.Millisecond
)

// visit makes a connection and tells what became of it.
func visit(ns, addr string) string {
	var c net.Conn
	err := inNetns(ns, func() (err error) { c, err = net.DialTimeout("tcp", addr, lab.Patience(time.Second)); return err })
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return "refused"
	case errors.Is(err, unix.EHOSTUNREACH):
		return "unreachable"
	case err != nil:
		return "nothing"
	}
	defer c.Close()
	in := bufio.NewReader(c)
	_ = c.SetDeadline(time.Now().Add(lab.Patience(20 * time.Second)))
	greeting, err := in.ReadString('\n')
	if err != nil {
		return "no greeting: " + err.Error()
	}
	talk := &streamed{Conn: reading{c, in}}
	for range 2 {
		if err := talk.carry(someBytes); err != nil {
			return err.Error()
		}
		time.Sleep(moment)
	}
	if err := talk.carry(moreBytes); err != nil {
		return err.Error()
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err.Error()
	}
	if n, err := io.Copy(io.Discard, in); n > 0 || err != nil {
		return fmt.Sprintf("%d bytes after the end, %v", n, err)
	}
	return strings.TrimSpace(greeting)
}

// reading is a connection that is read with a buffer.
type reading struct {
	net.Conn
	in io.Reader
}

func (r reading) Read(b []byte) (int, error) { return r.in.Read(b) }
