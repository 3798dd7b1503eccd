package synth

import (
	"encoding/binary"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/filter"
)

// Walked is the way of a packet through the ruleset.
type Walked struct {
	Visits     []filter.Visit
	End        filter.End
	Tracked    bool // the kernel tracks the connections of its family
	Translated bool // and may translate their addresses; rules are told what they make of those in the frame
}

// Walk tells which rules the packet of a frame meets that comes in by one interface and leaves by another one, 0 if that is
// not known: as part of an established connection, or else of a new one. False: it is no packet of IPv4 or IPv6.
func Walk(s *introspect.Snapshot, ifindex, oif int, frame []byte, established bool) (w Walked, ok bool) {
	link, known := s.Links.Get(introspect.Index(ifindex))
	m, whole := meet(frame)
	if !known || !whole {
		return w, false
	}
	t := trial{ip: m.ip, frame: frame, oif: oif, established: established, tracked: tracks(s, m.ip)}
	t.look()
	w.Tracked, w.Translated = t.tracked, translates(s, m.ip)
	w.Visits, w.End = rulesetOf(s, link, m.ip, Shape{}).Walk(filter.Trial{Value: t.value, Bytes: t.behind()})
	return w, true
}

// trial is the packet of a frame.
type trial struct {
	ip          *layout
	frame       []byte
	end         int  // of the header, with options
	plain       bool // what follows it is what rules look at
	oif         int
	established bool
	tracked     bool
}

// extensions are the headers of IPv6 that rules look behind.
var extensions = []byte{unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_FRAGMENT, unix.IPPROTO_AH, unix.IPPROTO_DSTOPTS}

// look finds where the header ends, and whether rules look at what follows: only the kernel puts fragments together, which
// it does where it tracks connections, and finds what is behind extensions of IPv6.
func (t *trial) look() {
	const offset = 0x1fff
	t.end, t.plain = headerEnd(t.ip, t.frame)
	if t.ip.six {
		t.plain = !slices.Contains(extensions, t.frame[t.ip.protocol])
	} else if !t.tracked {
		t.plain = binary.BigEndian.Uint16(t.frame[atFragment:])&offset == 0
	}
}

// length is that of the packet, without what fills its frame up.
func (t *trial) length() int {
	n := int(binary.BigEndian.Uint16(t.frame[t.ip.total:])) + int(t.ip.rest)
	return min(n, len(t.frame)-atHeader)
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
		return t.load(f.At, f.Width)
	case filter.Network:
		return t.header(at, f)
	case filter.Transport:
		v, ok := t.load(t.end+f.At, f.Width)
		return v, ok && t.plain
	case filter.Meta:
		return t.fact(f)
	case filter.Conn:
		return t.connection(at, f)
	}
	return 0, false
}

func (t *trial) load(at int, width uint8) (uint64, bool) {
	if at+int(width) > len(t.frame) {
		return 0, false
	}
	var word [8]byte
	copy(word[8-width:], t.frame[at:at+int(width)])
	return binary.BigEndian.Uint64(word[:]), true
}

// header reads the header of IP: from the hook forward on, it has been counted down.
func (t *trial) header(at filter.Stage, f filter.Field) (uint64, bool) {
	v, ok := t.load(atHeader+f.At, f.Width)
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

func (t *trial) fact(f filter.Field) (uint64, bool) {
	switch f.At {
	case filter.MetaLen:
		return uint64(t.length()), !t.assembled()
	case filter.MetaL4Proto:
		v, ok := t.load(t.ip.protocol, 1)
		return v, ok && (t.plain || !t.ip.six)
	case filter.MetaOIF:
		return uint64(t.oif), t.oif != 0
	}
	return 0, false
}

// connection tells what is known of connections without looking for one.
func (t *trial) connection(at filter.Stage, f filter.Field) (uint64, bool) {
	const (
		established, fresh = 1 << 1, 1 << 3     // NF_CT_STATE_BIT of IP_CT_ESTABLISHED and IP_CT_NEW
		lasting            = 1<<1 | 1<<2 | 1<<3 // IPS_SEEN_REPLY, IPS_ASSURED, IPS_CONFIRMED
	)
	if !t.tracked || compareStages(at, stageTracks) <= 0 {
		return 0, false
	}
	known := map[int][2]uint64{unix.NFT_CT_STATE: {fresh, established}, unix.NFT_CT_STATUS: {0, lasting}, unix.NFT_CT_DIRECTION: {}, unix.NFT_CT_ZONE: {}}
	v, ok := known[f.At]
	if t.established {
		return v[1], ok
	}
	return v[0], ok
}
