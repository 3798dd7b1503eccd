package filter

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Flags of the match conntrack (XT_CONNTRACK_*): what it asks for, and, in another word, of what the opposite.
const (
	xtConnState = 1 << iota
	xtConnProto
	xtConnSource
	xtConnDest
	xtConnReplySource
	xtConnReplyDest
	xtConnStatus
	xtConnExpires
	xtConnSourcePort
	xtConnDestPort
	xtConnReplySourcePort
	xtConnReplyDestPort
	xtConnDirection
	xtConnAlias // it was called state

	xtConnKnown = (xtConnAlias<<1 - 1) &^ xtConnExpires
)

// Bits of the states of the match beside those of NFT_CT_STATE.
const (
	xtStateSNAT      = 1 << 6
	xtStateDNAT      = 1 << 7
	xtStateUntracked = 1 << 8
)

// conntrackMatch is the data of one match.
type conntrackMatch struct {
	b             []byte
	flags, not    uint16
	state, status uint16
	ends          bool // ranges of ports, in host byte order
	d             *reader
	six           bool
	all           []question
}

// Where the data has what. Each address is followed by its mask.
const (
	atConnProto = 136
	atConnPorts = 138
	atConnFlags = 146
	atConnState = 150
	atConnEnds  = 154
)

// xtConntrack1 has bytes for the states, the second revision words, and the third one ranges of ports, too.
func (d *reader) xtConntrack1(b []byte) ([]question, bool) {
	m := conntrackOf(d, b)
	m.state, m.status = uint16(b[atConnState]), uint16(b[atConnState+1])
	return m.questions()
}

func (d *reader) xtConntrack2(b []byte) ([]question, bool) {
	m := conntrackOf(d, b)
	m.state, m.status = native16At(b, atConnState), native16At(b, atConnState+2)
	return m.questions()
}

func (d *reader) xtConntrack3(b []byte) ([]question, bool) {
	m := conntrackOf(d, b)
	m.state, m.status, m.ends = native16At(b, atConnState), native16At(b, atConnState+2), true
	return m.questions()
}

func conntrackOf(d *reader, b []byte) *conntrackMatch {
	return &conntrackMatch{b: b, flags: native16At(b, atConnFlags), not: native16At(b, atConnFlags+2), d: d, six: d.in.Six}
}

func (m *conntrackMatch) questions() ([]question, bool) {
	m.states()
	if m.d.has != someConnection { // nothing else is asked of it (conntrack_mt)
		if m.flags&xtConnState == 0 {
			m.ask(question{parts: [][]cell{native(0)}})
		}
		return m.all, m.flags&^xtConnKnown == 0
	}
	m.proto()
	m.addresses()
	m.ports()
	if m.flags&xtConnStatus != 0 {
		m.ask(anyBit(m.fact(unix.NFT_CT_STATUS), uint32(m.status), m.not&xtConnStatus != 0))
	}
	return m.all, m.flags&^xtConnKnown == 0
}

func (m *conntrackMatch) ask(q question) { m.all = append(m.all, q) }

func (m *conntrackMatch) fact(key uint32) []cell {
	return m.d.connFact(key)
}

// states asks for the state, or whether a side is translated.
func (m *conntrackMatch) states() {
	if m.flags&xtConnState == 0 {
		return
	}
	bits, status := uint32(m.state&(xtStateSNAT-1)), uint32(0)
	if m.state&xtStateUntracked != 0 {
		bits |= ctStateUntracked
	}
	if m.state&xtStateSNAT != 0 {
		status |= ctStatusSNAT
	}
	if m.state&xtStateDNAT != 0 {
		status |= ctStatusDNAT
	}
	state, nat := anyBit(m.fact(unix.NFT_CT_STATE), bits, false), anyBit(m.fact(unix.NFT_CT_STATUS), status, false)
	none := element{state.all[0][0], nat.all[0][0]}
	m.ask(question{[][]cell{state.parts[0], nat.parts[0]}, []element{none}, m.not&xtConnState == 0})
}

// Bits of NFT_CT_STATE and NFT_CT_STATUS.
const (
	ctStateUntracked = 1 << 6
	ctStatusSNAT     = 1 << 4
	ctStatusDNAT     = 1 << 5
)

func (m *conntrackMatch) proto() {
	if m.flags&xtConnDirection != 0 {
		m.ask(exact(m.fact(unix.NFT_CT_DIRECTION), []byte{0}, m.not&xtConnDirection != 0))
	}
	if m.flags&xtConnProto == 0 {
		return
	}
	n := native16At(m.b, atConnProto)
	q := exact(m.fact(unix.NFT_CT_PROTOCOL), []byte{byte(n)}, m.not&xtConnProto != 0)
	if n > 255 {
		q.all = nil // no packet is of it
	}
	m.ask(q)
}

// tuples are the keys of the match's addresses, and of its ports, in their order.
var tuples = []struct {
	key  uint32
	dir  introspect.Direction
	flag uint16
}{
	{unix.NFT_CT_SRC, 0, xtConnSource}, {unix.NFT_CT_DST, 0, xtConnDest},
	{unix.NFT_CT_SRC, 1, xtConnReplySource}, {unix.NFT_CT_DST, 1, xtConnReplyDest},
}

func (m *conntrackMatch) addresses() {
	const room = 16
	size := 4
	if m.six {
		size = 16
	}
	for i, t := range tuples {
		if m.flags&t.flag == 0 {
			continue
		}
		address, mask := m.b[2*i*room:][:size], m.b[(2*i+1)*room:][:size]
		want := make([]byte, size)
		for i := range want {
			want[i] = address[i] & mask[i]
		}
		m.ask(exact(maskedBy(connCells(t.key, t.dir, m.six), mask), want, m.not&t.flag != 0))
	}
}

func (m *conntrackMatch) ports() {
	for i, t := range tuples {
		key, flag := unix.NFT_CT_PROTO_SRC+(t.key-unix.NFT_CT_SRC), t.flag<<6
		if m.flags&flag == 0 {
			continue
		}
		cells, at, not := connCells(key, t.dir, m.six), atConnPorts+2*i, m.not&flag != 0
		if m.ends {
			m.ask(ports(cells, native16At(m.b, at), native16At(m.b, atConnEnds+2*i), not))
		} else {
			m.ask(exact(cells, m.b[at:at+2], not))
		}
	}
}
