package synth

import (
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// Connection is what is known of the established connection of a packet.
type Connection struct {
	Source, Dest netip.AddrPort // of the packet once its addresses are translated; not valid: that is not known
	Reply        bool           // it goes against the connection's first packet
	Mark         uint32
	Status       uint32 // IPS_*
}

// known tells whether it is known what becomes of the packet's addresses.
func (c *Connection) known() bool { return c != nil && c.Source.IsValid() }

// Translates tells whether they are known to be translated.
func (c *Connection) Translates() bool {
	return c.known() && c.Status&(ir.StatusSourceNAT|ir.StatusDestNAT) != 0
}

// Walked is the way of a packet through the ruleset.
type Walked struct {
	Visits    []filter.Visit
	End       filter.End
	Tracked   bool   // the kernel tracks the connections of its family
	Untracked bool   // but not this packet's: a rule says notrack
	Opens     bool   // it is the first one of its connection, as far as its header tells
	NAT       NATUse // what the translation of addresses is to it
	Routed    []byte // the frame when its route is looked for
	Route     string // what is to say of its route instead; mostly empty
	Source    string // what chains make of the source of a packet that opens a connection
	Dest      string // and of its destination
}

// Walk tells which rules the packet of a frame meets that comes in by an interface: as part of an established connection,
// or, if that is nil, of a new one. False: it is no packet of IPv4 or IPv6.
func Walk(s *introspect.Snapshot, ifindex int, frame []byte, c *Connection) (w Walked, ok bool) {
	link, known := s.Links.Get(introspect.Index(ifindex))
	m, whole := meet(frame)
	if !known || !whole {
		return w, false
	}
	t := trial{snapshot: s, link: link, ip: m.ip, connection: c, tracked: tracks(s, m.ip)}
	t.look(frame)
	w.Tracked, w.Opens, w.NAT = t.tracked, t.opens, t.use()
	asked, path := filter.Trial{Value: t.value, Bytes: t.behind()}, rulesetOf(s, link, m.ip, Shape{})
	if w.NAT == NATAsked {
		asked.Translate = t.translate
	}
	var behind *filter.Path
	w.Visits, w.End, behind = path.Walk(asked, filter.Hooks[:1]...)
	if w.Untracked = behind != path; w.Untracked {
		if c != nil {
			return Walk(s, ifindex, frame, nil) // nothing of it is translated
		}
		w.NAT = NATNone
	}
	w.Routed, w.Route = t.frames[1], t.elsewhere(&w)
	if w.End == filter.Passes {
		w.End = t.route()
	}
	if w.End == filter.Passes {
		var more []filter.Visit
		more, w.End, _ = behind.Walk(asked, filter.Hooks[1:]...)
		w.Visits = append(w.Visits, more...)
	}
	w.Dest, w.Source = t.said[0], t.said[1]
	return w, true
}

// Untracked tells whether a rule says that the packet of a frame, which comes in by an interface, is not tracked.
func Untracked(s *introspect.Snapshot, ifindex int, frame []byte) bool {
	w, ok := Walk(s, ifindex, frame, nil)
	return ok && w.Untracked
}

// Leaves is why programs leave the packet of a frame to the kernel for what its connection is, as far as its status says; None if
// that is no reason to. An entry outlives the chains that have translated its addresses, and nothing is translated without any.
func (c *Connection) Leaves(s *introspect.Snapshot, frame []byte) slowpath.Reason {
	m, ok := meet(frame)
	switch {
	case c == nil || !ok:
		return slowpath.None
	case c.Status&ir.StatusSpecial != 0:
		return slowpath.ConntrackSpecial
	case c.Translates() && !translates(s, m.ip):
		return slowpath.ConntrackNAT
	}
	return slowpath.None
}

// Tracks tells whether the kernel tracks the connection of the packet of a frame.
func Tracks(s *introspect.Snapshot, frame []byte) bool {
	m, ok := meet(frame)
	return ok && tracks(s, m.ip)
}

// trial is the packet of a frame.
type trial struct {
	snapshot   *introspect.Snapshot
	link       introspect.Link // by which it came
	ip         *layout
	frames     [3][]byte // as it comes, once its destination is translated, and its source as well
	end        int       // of the header, with options
	plain      bool      // what follows it is what rules look at
	oif        int
	hops       []introspect.Hop // one of which it takes
	connection *Connection
	tracked    bool
	opens      bool // a packet of no connection, if there is none
	translated bool // as its connection says
	natted
}

// extensions are the headers of IPv6 that rules look behind.
var extensions = []byte{unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_FRAGMENT, unix.IPPROTO_AH, unix.IPPROTO_DSTOPTS}

// look finds where the header ends, and whether rules look at what follows: only the kernel puts fragments together, which
// it does where it tracks connections, and finds what is behind extensions of IPv6.
func (t *trial) look(frame []byte) {
	const offset = 0x1fff
	t.end, t.plain = headerEnd(t.ip, frame)
	if t.ip.six {
		t.plain = !slices.Contains(extensions, frame[t.ip.protocol])
	} else if !t.tracked {
		t.plain = binary.BigEndian.Uint16(frame[atFragment:])&offset == 0
	}
	t.frames, t.opens = [3][]byte{frame, frame, frame}, t.connection == nil && t.first(frame)
	t.translated = t.connection.Translates() && translates(t.snapshot, t.ip)
	if c := t.connection; t.translated {
		t.frames[1] = t.rewritten(frame, t.ip.dest[0], t.end+2, c.Dest)
		t.frames[2] = t.rewritten(t.frames[1], t.ip.source[0], t.end, c.Source)
	}
}

// rewritten is a frame with another address, and another port of TCP or UDP.
func (t *trial) rewritten(frame []byte, address, port int, to netip.AddrPort) []byte {
	frame = slices.Clone(frame)
	copy(frame[address:], to.Addr().AsSlice())
	protocol := frame[t.ip.protocol]
	if t.plain && len(frame) >= port+2 && (protocol == unix.IPPROTO_TCP || protocol == unix.IPPROTO_UDP) {
		binary.BigEndian.PutUint16(frame[port:], to.Port())
	}
	return frame
}

// length is that of the packet, without what fills its frame up.
func (t *trial) length() int {
	n := int(binary.BigEndian.Uint16(t.frames[0][t.ip.total:])) + int(t.ip.rest)
	return min(n, len(t.frames[0])-atHeader)
}

// behind is how many bytes follow the header; where rules do not look at those, nobody knows.
func (t *trial) behind() int {
	if !t.plain {
		return math.MaxInt
	}
	return atHeader + t.length() - t.end
}

// value is what rules are told.
func (t *trial) value(at filter.Stage, f filter.Field) (uint64, bool) {
	switch f.Base {
	case filter.Link:
		return t.load(at, f.At, f.Width)
	case filter.Network:
		return t.header(at, f)
	case filter.Transport:
		v, ok := t.load(at, t.end+f.At, f.Width)
		sum := f.At == atTCPChecksum || f.At == atUDPChecksum
		return v, ok && t.plain && !(sum && t.changed(at))
	case filter.Meta:
		return t.fact(at, f)
	case filter.Conn:
		return t.fromConnection(at, f)
	}
	return 0, false
}

// translations is how many translations there have been before a stage, and by the end of it.
func translations(at filter.Stage) (before, by int) {
	for _, place := range []filter.Stage{stageTranslatesDest, stageTranslateSource} {
		if c := compareStages(at, place); c > 0 {
			before, by = before+1, by+1
		} else if c == 0 {
			by++
		}
	}
	if at.NAT {
		by = before
	}
	return before, by
}

// changed tells whether the packet may have been translated, so that its checksums are others.
func (t *trial) changed(at filter.Stage) bool {
	_, by := translations(at)
	return by > 0 && (t.translated || t.takes[by])
}

// load reads a number as it is at a stage. Where addresses are translated just there, only what stays the same is known.
func (t *trial) load(at filter.Stage, place int, width uint8) (uint64, bool) {
	before, by := translations(at)
	v, ok := number(t.frames[before], place, width)
	after, _ := number(t.frames[by], place, width)
	return v, ok && v == after && !t.hidden(by, place, place+int(width))
}

func number(frame []byte, at int, width uint8) (uint64, bool) {
	if at+int(width) > len(frame) {
		return 0, false
	}
	var word [8]byte
	copy(word[8-width:], frame[at:at+int(width)])
	return binary.BigEndian.Uint64(word[:]), true
}

// header reads the header of IP: from the hook forward on, it has been counted down.
func (t *trial) header(at filter.Stage, f filter.Field) (uint64, bool) {
	v, ok := t.load(at, atHeader+f.At, f.Width)
	if !t.ip.six && f == filter.FieldSum && t.changed(at) {
		return 0, false
	}
	if t.assembled() && f.At < t.ip.hops-atHeader && f.At+int(f.Width) > t.ip.total-atHeader {
		return 0, false
	}
	switch {
	case at.Hook < unix.NF_INET_FORWARD:
		return v, ok
	case t.ip.six && f == filter.FieldHopLimit, !t.ip.six && f == filter.FieldTTL:
		return v - 1, ok && v > 0
	}
	return v, ok && (t.ip.six || f != filter.FieldSum)
}

// assembled tells whether the packet may be a fragment of one that rules see whole: its length and what stands between that
// and the TTL are others then.
func (t *trial) assembled() bool { return !t.plain && t.tracked }

func (t *trial) fact(at filter.Stage, f filter.Field) (uint64, bool) {
	switch f.At {
	case filter.MetaLen:
		return uint64(t.length()), !t.assembled()
	case filter.MetaL4Proto:
		v, ok := t.load(at, t.ip.protocol, 1)
		return v, ok && (t.plain || !t.ip.six)
	case filter.MetaOIF:
		return uint64(t.oif), t.oif != 0
	case filter.MetaBack, filter.MetaBackIn:
		return t.wayBack(f)
	case filter.MetaSourceType:
		return t.addressType(t.ip.source)
	case filter.MetaDestType:
		return t.addressType(t.ip.dest)
	}
	return 0, false
}

// fromConnection tells what is known of the packet's connection. Of one that nobody has looked for, that is little.
func (t *trial) fromConnection(at filter.Stage, f filter.Field) (uint64, bool) {
	const established, fresh = 1 << 1, 1 << 3 // NF_CT_STATE_BIT of IP_CT_ESTABLISHED and IP_CT_NEW
	c, known := t.connection, map[int]uint64{}
	if c != nil || t.opens { // else it may be of none, or go against the first packet of one
		known[unix.NFT_CT_DIRECTION], known[unix.NFT_CT_ZONE] = 0, 0
	}
	if !t.tracked || compareStages(at, stageTracks) <= 0 {
		return 0, false
	}
	if t.opens {
		known[unix.NFT_CT_STATE] = fresh
		if before, by := translations(at); t.status[before] == t.status[by] && !t.unsure[by] {
			known[unix.NFT_CT_STATUS] = t.status[by]
		}
	}
	if c != nil {
		known[unix.NFT_CT_STATE], known[unix.NFT_CT_STATUS] = established, uint64(c.Status)
	}
	if c.known() {
		known[unix.NFT_CT_MARK] = uint64(c.Mark)
	}
	if c != nil && c.Reply {
		known[unix.NFT_CT_DIRECTION] = 1
	}
	v, ok := known[f.At]
	return v, ok
}
