package synth

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// liar tells of a host what cannot be: its messages come out of order, twice, or for what was never there, deletions among
// them, and now and then with another byte.
type liar struct {
	*rand.Rand
	all []netlink.Message
}

func newLiar(t *testing.T, seed uint64) *liar {
	text, err := os.ReadFile("../introspect/testdata/host.nl")
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{Rand: rand.New(rand.NewPCG(seed, 1))}
	for line := range strings.Lines(string(text)) {
		var m netlink.Message
		var payload string
		if _, err := fmt.Sscanf(line, "%d %d %s", &m.Header.Type, &m.Header.Flags, &payload); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if m.Data, err = hex.DecodeString(payload); err != nil {
			t.Fatal(err)
		}
		l.all = append(l.all, m)
	}
	return l
}

// message is one of those, or its contrary.
func (l *liar) message() netlink.Message {
	m := l.all[l.IntN(len(l.all))]
	m.Data = slices.Clone(m.Data)
	m.Header.Flags = []netlink.HeaderFlags{0, netlink.Replace, netlink.Append, netlink.Create, netlink.Multi}[l.IntN(5)]
	if l.IntN(10) == 0 {
		m.Header.Type++ // of each kind the number that follows that of NEW is DEL
	}
	if l.IntN(20) == 0 {
		m.Data[l.IntN(len(m.Data))] = byte(l.IntN(8))
	}
	if m.Header.Type == unix.RTM_NEWROUTE && l.IntN(4) == 0 { // of tables that nobody has spoken of
		m.Data[4] = byte(l.IntN(256))
	}
	return m
}

// router is the host as it was.
func (l *liar) router() *introspect.Snapshot {
	s := &introspect.Snapshot{}
	for _, m := range l.all {
		if next, _, err := s.Fold(m); err == nil {
			s = next
		}
	}
	return s
}

// everywhere has every interface forward: what is compared is what programs do.
func everywhere(s *introspect.Snapshot) *introspect.Snapshot {
	next := *s
	for i, l := range s.Links.All() {
		l.XDPFeatures = 7
		next.Links = next.Links.With(i, l)
		next.Netconf = next.Netconf.With(i, introspect.Netconf{Index: i, Forwarding: true})
	}
	for k, r := range s.Rules4.All() {
		if k.Priority == 100 || len(r.Unknown) > 0 { // it is about marks, and leaves everything to the kernel
			next.Rules4 = next.Rules4.Without(k)
		}
	}
	return &next
}

// TestContradictions folds messages that contradict each other, and follows with tables and programs: none panics, and
// what the tables have become by changes says the same as tables made anew.
func TestContradictions(t *testing.T) {
	seed, all := rand.Uint64(), 0
	for round := range 10 {
		l := newLiar(t, seed+uint64(round))
		s := l.router()
		fib, compared := NewFIB(s), 0
		for range 20 {
			for range 30 {
				if next, _, err := s.Fold(l.message()); err == nil {
					s = next
				}
			}
			s = everywhere(s)
			fib.Update(s)
			compared += l.compare(t, s, fib)
			if t.Failed() {
				t.Fatalf("seed %d, round %d", seed, round)
			}
		}
		all += compared
	}
	if t.Logf("%d packets compared", all); all < 800 {
		t.Errorf("seed %d: only %d packets compared", seed, all)
	}
}

// compare runs frames through the programs of all interfaces, with the tables that were changed and with new ones.
func (l *liar) compare(t *testing.T, s *introspect.Snapshot, changed *FIB) (n int) {
	old, fresh := tabled(changed), tabled(NewFIB(s))
	for i, link := range s.Links.All() {
		if reason, _ := Refuse(s, int(i), tested); reason != slowpath.None {
			continue
		}
		old.compile(t, s, int(i))
		fresh.compile(t, s, int(i))
		for range 8 {
			frame := l.frame(s, link)
			a, b := old.run(t, slices.Clone(frame)), fresh.run(t, slices.Clone(frame))
			if a.Kind != b.Kind || a.Oif != b.Oif || a.Reason != b.Reason || string(a.Packet) != string(b.Packet) {
				t.Errorf("%s: tables that followed say %v, new ones %v of %x\n%s", link.Name, a, b, frame, s)
				return n
			}
			if _, there := s.Links.Get(introspect.Index(a.Oif)); a.Kind == ir.RedirectExit && !there {
				t.Errorf("%s: leaves by %d, which is not there", link.Name, a.Oif)
			}
			n++
		}
	}
	return n
}

// frame goes to somewhere that a route leads to.
func (l *liar) frame(s *introspect.Snapshot, link introspect.Link) []byte {
	routes, frame := s.Routes4, datagram(from(10, 77, 0, 9))
	if l.IntN(2) == 0 {
		routes, frame = s.Routes6, datagram6(from6("2001:db8:77::9"))
	}
	var keys []introspect.RouteKey
	for k := range routes.All() {
		keys = append(keys, k)
	}
	if len(keys) > 0 {
		if a := keys[l.IntN(len(keys))].Dst.Addr().AsSlice(); len(a) == 4 {
			frame = repair(to(a...)(frame))
		} else if len(a) == 16 {
			copy(frame[38:], a)
		}
	}
	copy(frame, link.MAC[:])
	return frame
}

// tabled is a bed with tables, and without a program as yet.
func tabled(f *FIB) *bed {
	b := &bed{fib: f, env: f.Env()}
	b.env.FIB = func([]uint64) []byte { return liveRow(0, 3) }
	b.env.FIB6 = b.env.FIB
	return b
}

func (b *bed) compile(t *testing.T, s *introspect.Snapshot, index int) {
	t.Helper()
	var err error
	if b.program, err = Program(s, index, tested, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
}
