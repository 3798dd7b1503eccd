package oracle

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
)

// Scripts of connections, one letter a round: capitals are the client's packets, the others the server's answers.
// S SYN, A ACK, D data, L much data, K keepalive, X the last packet again, F FIN, R RST, Q RST with ACK, O data with a TOS,
// T data whose TTL ends here, Z no checksum, N no flags, Y SYN with FIN, e an ICMP error about what came last.
var (
	scriptsTCP = []string{
		"SsADdADdADdADdADdAFfA", // all well
		"SsADdADdADdADdADdaFa.f.A",
		"SsALaLaLaLalAlAlADdADdADdFfA",
		"SsADdADdADdADdADdRDd", // the client breaks off
		"SsADdADdADdADdADdqDd", // the server does
		"SsADdAKaDdAXdDdADxADdA",
		"SsADdAODdAoTDdADdADdADdADd", // never closed
		"SsADdADdAeDdADdAeDdADdFfA",  // an error in between
		"SsADdADdASsDdADdANYDdADdA",  // flags that do not belong
		"S.s.A.D.d.A.D.d.A.D.d.A.F.f.A",
		"SSSsAD", "S", "Ss", "SqSq", "DdDdDd", "A", "FfA", "RD",
		".....SsADdADdADdADdADdFfA", "..........SsADdADdADdADdADdFfA", // begun late
	}
	scriptsUDP = []string{
		"DdDdDdDdDdDdDdDdDdDdDdDd", "DDddDDddDDddDDddDDddDDdd", "D", "Dd", "DDDDDDDDDDDDDD", "DdZzDdZzDdZzDdZzDdZzDdZz",
		"DdLlDdLlDdOoDdTDdDdDdLlDd", "DdDdeDdDdeDdDdDdeDdDdDd", "D.d.D.d.D.d.D.d.D.d.D.d.", "........DdDdDdDdDdDdDdDd", "XDdXxDdXxDdDdDdXxDdDdDd",
	}
	scriptsEcho = []string{"DdDdDdDdDdDd", "D", "DdeDdDdOo"}
)

// relaxRound is where conntrack is told to leave the windows of TCP alone, as the agent does.
const relaxRound = 6

// alterRound is where the configuration changes, if it does; hone follows a round later.
const alterRound = 14

// rounds is the length of the longest script.
const rounds = 30

// clients is how many of them follow each script.
const clients = 2

// session is all connections of a configuration at once.
type session struct {
	bed   *bed
	c     config
	talks []*talk

	accounts func() ([]emit.Account, error) // what programs have counted for connections, nil without
}

// newSession makes the connections: those to one target follow all scripts of its protocol.
func (b *bed) newSession(c config, seed uint64) (*session, error) {
	s := &session{bed: b, c: c}
	rng := rand.New(rand.NewPCG(seed, 3))
	for _, text := range c.talk {
		side := 0
		if rest, ok := strings.CutPrefix(text, "from b: "); ok {
			side, text = 1, rest
		}
		protocol, to, _ := strings.Cut(text, " ")
		target, err := netip.ParseAddrPort(to)
		if err != nil {
			return nil, fmt.Errorf("oracle: read target %q: %w", text, err)
		}
		number, scripts := byte(6), scriptsTCP
		switch protocol {
		case "udp":
			number, scripts = 17, scriptsUDP
		case "echo":
			number, scripts = 1, scriptsEcho
		}
		for n := range clients * len(scripts) {
			script := scripts[n%len(scripts)]
			t := &talk{id: uint32(len(s.talks) + 1), protocol: number, script: script, net: b.net, side: side, target: target}
			t.client = netip.AddrPortFrom(client(rng, side, target.Addr().Is6()), uint16(10000+len(s.talks)))
			s.talks = append(s.talks, t)
		}
	}
	return s, nil
}

// client is a host behind the port.
func client(rng *rand.Rand, side int, six bool) netip.Addr {
	n := byte(rng.Uint32())
	switch {
	case six && side == 0:
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:6400::%x", 16+int(n)))
	case six:
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:1600::%x", 16+int(n)))
	case side > 0:
		return netip.AddrFrom4([4]byte{172, 16, 7, n})
	case n&1 == 0:
		return netip.AddrFrom4([4]byte{10, 0, 0, 8 + n&0x7f})
	}
	return netip.AddrFrom4([4]byte{100, 64, n & 3, n})
}

// course is what came of a session.
type course struct {
	arrivals []arrivals // of each exchange
	where    []string   // round and port of each
	entries  []entries  // of conntrack, now and then
	after    []time.Duration
	begin    time.Time
	counted  counters
	frames   int
}

// hold holds the session, with a machine or without. What the function before does comes before each exchange.
func (s *session) hold(m *machine, before func(round int) error) (c course, err error) {
	if err := s.bed.net.R.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) }); err != nil {
		return c, fmt.Errorf("oracle: flush conntrack: %w", err)
	}
	if err := s.bed.drain(); err != nil {
		return c, err
	}
	counting := s.bed.counting
	if m != nil {
		counting, s.accounts = m.counting, m.host.Accounts
	}
	c.begin = time.Now()
	c.counted, err = counting(s.c, func() error {
		for round := range rounds {
			if err := s.round(&c, round, before); err != nil {
				return err
			}
		}
		return nil
	})
	return c, err
}

func (s *session) round(c *course, round int, before func(round int) error) error {
	if err := assure(s.bed.net.R); err != nil {
		return err
	}
	switch round {
	case relaxRound:
		if err := relax(s.bed.net.R); err != nil {
			return err
		}
	case alterRound:
		if err := s.bed.configure(s.c.alter); err != nil {
			return err
		}
		if s.c.marked {
			if err := setMarks(s.bed.net.R, 5); err != nil {
				return err
			}
		}
	}
	frames := make([][][]byte, s.bed.sides)
	for _, t := range s.talks {
		if side, f := t.move(round); f != nil {
			if vid := s.c.vlans[side]; vid != 0 {
				f = withTag(f, 0x8100, vid)
			}
			frames[side] = append(frames[side], f)
			c.frames++
		}
	}
	for side := range frames {
		for batch := range slices.Chunk(frames[side], batchSize) {
			if err := before(round); err != nil {
				return err
			}
			got, err := s.bed.exchangeBy(side, batch, s.keep)
			if err != nil {
				return err
			}
			c.arrivals, c.where = append(c.arrivals, got), append(c.where, fmt.Sprintf("round %d, port %d", round, side))
		}
	}
	if round%4 == 3 || round == rounds-1 {
		e, err := readEntries(s.bed.net.R, s.accounts)
		if err != nil {
			return err
		}
		c.entries, c.after = append(c.entries, e), append(c.after, time.Since(c.begin))
	}
	return nil
}

// keep gives the part of a frame that is the same each time, and its tag.
func (s *session) keep(port uint32, f []byte) []byte {
	tag, bare := untagged(f)
	kept := s.keepBare(port, bare)
	if kept == nil || tag == nil {
		return kept
	}
	return slices.Concat(kept[:lab.OffEtherType], tag, kept[lab.OffEtherType:])
}

// keepBare tells the talks what has arrived. Their packets are compared whole, others as far as the kernel decides alike.
func (s *session) keepBare(port uint32, f []byte) []byte {
	if len(f) >= lab.OffL4 {
		if id, server, ok := talkOf(f); ok && id > 0 && int(id) <= len(s.talks) && s.whole(f) {
			if !server {
				s.talks[id-1].hear(int(port), trimmed(f))
			}
			return trimmed(f)
		}
	}
	return s.bed.comparable(port, f)
}

// whole tells whether a packet is not one that the router may have made in the name of an end.
func (s *session) whole(f []byte) bool {
	l := fieldsOf(f)
	return f[l.next] != 6 || f[l.l4+13]&rst == 0
}

// trimmed cuts off what a device of the least length of frames has put behind the packet.
func trimmed(f []byte) []byte {
	l := fieldsOf(f)
	end := lab.OffIP + int(f[lab.OffTotal])<<8 + int(f[lab.OffTotal+1])
	if l.size == 16 {
		end = lab.Off6L4 + int(f[lab.Off6Length])<<8 + int(f[lab.Off6Length+1])
	}
	return slices.Clone(f[:max(lab.OffL4, min(end, len(f)))])
}
