package oracle

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
)

func needConnections(t *testing.T) {
	t.Helper()
	needRoot(t)
	needTags(t)
	if k, err := fastpath.Probe(); err != nil || k.Conntrack == nil {
		t.Skipf("programs cannot read this kernel's connections (%v)", err)
	}
}

// life is a router with a program and some connections from A to B.
type life struct {
	*testing.T
	*bed
	m *machine
	r *rand.Rand
	s *introspect.Snapshot
}

func newLife(t *testing.T, after ...string) *life {
	t.Helper()
	needConnections(t)
	c := config{name: "translated", setup: translates, after: after}
	l := &life{t, start(t, c), nil, rand.New(rand.NewPCG(seed(), 0)), nil}
	m, s, err := l.newMachine(c, fault{})
	if err != nil {
		t.Fatal(err)
	}
	l.m, l.s = m, s
	t.Cleanup(m.close)
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	if refused, err := m.start(s); err != nil || refused != slowpath.None {
		t.Fatalf("%v %s, %v", refused, m.cause, err)
	}
	return l
}

// connect makes a connection of A to B.
func (l *life) connect(protocol uint8, port uint16) lab.Connection {
	l.Helper()
	c := lab.Connection{Protocol: protocol, Status: 2 | 4 | 8, Seconds: 30, State: 3, Liberal: true,
		Source: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port), Dest: netip.MustParseAddrPort("10.2.0.1:7")}
	if err := l.net.R.Connect(c); err != nil {
		l.Fatal(err)
	}
	return c
}

// send plays n packets of a connection and tells how many were fast, and why the others were not.
func (l *life) send(c lab.Connection, n int) fastpath.Stats {
	l.Helper()
	return l.play(l.frames(c, n))
}

// frames are n packets of a connection.
func (l *life) frames(c lab.Connection, n int) (frames [][]byte) {
	for len(frames) < n {
		f := segment(l.r, l.net.Ports[0].Peer.MAC, l.net.Ports[0].MAC, c.Protocol, c.Source, c.Dest)
		mend(f)
		frames = append(frames, f)
	}
	return frames
}

// play sends frames and tells how many were fast.
func (l *life) play(frames [][]byte) fastpath.Stats {
	l.Helper()
	before, err := l.m.ingress[0].port.Stats()
	if err != nil {
		l.Fatal(err)
	}
	l.mustPlay(l.T, frames)
	after, err := l.m.ingress[0].port.Stats()
	if err != nil {
		l.Fatal(err)
	}
	return difference(after, before)
}

// TestConnectionEnds deletes connections: not one packet is fast after that, in the cache or not, until there is another.
func TestConnectionEnds(t *testing.T) {
	l := newLife(t)
	for round := range 50 {
		c := l.connect(unix.IPPROTO_UDP, 1000+uint16(round%2))
		if s := l.send(c, 20); s.Fast != 20 {
			t.Fatalf("round %d: %d packets of a connection were fast; %v", round, s.Fast, s.Punts)
		}
		if err := l.net.R.Disconnect(c); err != nil {
			t.Fatal(err)
		}
		if s := l.send(c, 20); s.Fast != 0 {
			t.Fatalf("round %d: %d packets were fast when the connection had gone", round, s.Fast)
		}
		if err := l.net.R.Disconnect(c); err != nil { // the kernel has made a new one
			t.Fatal(err)
		}
	}
}

// TestConnectionLives wants the time-outs of connections kept as the packets would.
func TestConnectionLives(t *testing.T) {
	l := newLife(t)
	udp, tcp := l.connect(unix.IPPROTO_UDP, 1000), l.connect(unix.IPPROTO_TCP, 1001)
	for _, c := range []lab.Connection{udp, tcp} {
		if s := l.send(c, 20); s.Fast != 20 {
			t.Fatalf("%d packets were fast; %v", s.Fast, s.Punts)
		}
	}
	all, err := l.net.R.Connections(unix.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	want, late := map[uint8]uint32{unix.IPPROTO_UDP: 120, unix.IPPROTO_TCP: 432000}, uint32(3)
	if lab.Emulated() {
		late = 20
	}
	for _, c := range all {
		if c.Seconds > want[c.Protocol] || c.Seconds+late < want[c.Protocol] {
			t.Errorf("a connection of protocol %d lives %d seconds", c.Protocol, c.Seconds)
		}
	}
}

// TestConnectionExpires has connections whose time-out is short: packets keep them for longer than that, and when it is over,
// not one packet is fast any more, be it that none came for as long or that the flow cache has the entry still.
func TestConnectionExpires(t *testing.T) {
	seconds := time.Duration(2)
	if lab.Emulated() {
		seconds = 10 // a packet is sure to keep the connection for this less one: so long may the machine stand still
	}
	l := newLife(t, fmt.Sprintf("sysctl netfilter/nf_conntrack_udp_timeout_stream=%d", seconds))
	c := l.connect(unix.IPPROTO_UDP, 1000)
	fast := uint64(0)
	for begin := time.Now(); time.Since(begin) < 2*seconds*time.Second; time.Sleep(250 * time.Millisecond) {
		s := l.send(c, 4)
		fast += s.Fast
		if s.Punts[slowpath.ConntrackMiss] > 0 {
			t.Fatalf("after %v the connection is gone; %v", time.Since(begin), s.Punts)
		}
	}
	if fast < 20 {
		t.Fatalf("%d packets were fast", fast)
	}
	time.Sleep(seconds*time.Second + 200*time.Millisecond)
	if s := l.send(c, 20); s.Fast != 0 || s.Punts[slowpath.ConntrackMiss] == 0 {
		t.Errorf("%d packets were fast when the connection had expired; %v", s.Fast, s.Punts)
	}
	c = l.connect(unix.IPPROTO_UDP, 1001)
	for range 10 {
		if s := l.send(c, 20); s.Fast != 20 {
			t.Fatalf("%d packets were fast; %v", s.Fast, s.Punts)
		}
		if err := l.net.R.Expire(c); err != nil {
			t.Fatal(err)
		}
		if s := l.send(c, 20); s.Fast != 0 {
			t.Fatalf("%d packets were fast when it was over", s.Fast)
		}
		if err := l.net.R.Disconnect(c); err != nil { // the kernel has made a new one
			t.Fatal(err)
		}
		l.connect(unix.IPPROTO_UDP, 1001)
	}
}

// watched makes a TCP connection whose window the kernel watches.
func (l *life) watched(port uint16) lab.Connection {
	l.Helper()
	c := l.connect(unix.IPPROTO_TCP, port)
	if err := l.net.R.Disconnect(c); err != nil {
		l.Fatal(err)
	}
	c.Liberal = false
	if err := l.net.R.Connect(c); err != nil {
		l.Fatal(err)
	}
	return c
}

// asked is what the program asks for.
func (l *life) asked() <-chan emit.Ask {
	asked := make(chan emit.Ask, 8)
	go func() {
		for {
			a, err := l.m.host.NextAsk()
			if err != nil {
				return
			}
			asked <- a
		}
	}()
	return asked
}

// TestConnectionDropped has a rule before the tracking drop the packets of connections: they keep none alive, and no window
// is left alone for them.
func TestConnectionDropped(t *testing.T) {
	l := newLife(t, "nft add table ip early", "nft add chain ip early raw { type filter hook prerouting priority -300 ; }",
		"nft add rule ip early raw ip saddr 10.0.0.1 drop")
	asked := l.asked()
	udp, tcp := l.connect(unix.IPPROTO_UDP, 1000), l.watched(1001)
	for range 3 { // the first time the window is too young to ask
		u, w := l.send(udp, 20), l.send(tcp, 20)
		if u.Punts[slowpath.RulesetDrop] != 20 || w.Punts[slowpath.RulesetDrop]+w.Punts[slowpath.ConntrackWindow] != 20 {
			t.Fatalf("%v, %v", u.Punts, w.Punts)
		}
		time.Sleep(200 * time.Millisecond)
	}
	all, err := l.net.R.Connections(unix.AF_INET)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d connections, %v", len(all), err)
	}
	for _, c := range all {
		if c.Seconds > udp.Seconds {
			t.Errorf("a connection of protocol %d lives %d seconds", c.Protocol, c.Seconds)
		}
	}
	if len(asked) > 0 {
		t.Errorf("asked for %+v", <-asked)
	}
}

// TestConnectionAsks wants a connection to be asked for whose window the kernel watches, and not at once.
func TestConnectionAsks(t *testing.T) {
	l := newLife(t)
	c := l.watched(1001)
	asked := l.asked()
	if s := l.send(c, 20); s.Punts[slowpath.ConntrackWindow] != 20 || len(asked) > 0 {
		t.Fatalf("%v, %d asked", s.Punts, len(asked))
	}
	time.Sleep(200 * time.Millisecond)
	l.send(c, 20)
	select {
	case a := <-asked:
		if a.Source != c.Source || a.Dest != c.Dest || a.Protocol != c.Protocol {
			t.Errorf("asked for %+v", a)
		}
	case <-time.After(lab.Patience(2 * time.Second)):
		t.Error("nothing was asked")
	}
	if len(asked) > 0 {
		t.Error("more than one was asked")
	}
}
