package synth

import (
	"encoding/binary"
	"net/netip"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// Rows that are always there. Those from rowOwnFirst to rowOwnLast answer for addresses that are the host's own: no
// packet may have them as its source.
const (
	rowNoRoute   = 0
	rowLocal     = 1
	rowBroadcast = 2
	rowTable     = 3
	rowMartian   = 4
	rowFull      = 5
	rowRule      = 6
	fixedRows    = 7

	rowOwnFirst = rowLocal
	rowOwnLast  = rowTable

	maxRows = 1 << 15
	minRows = 256
)

var fixedReasons = [fixedRows]slowpath.Reason{slowpath.NoRoute, slowpath.Local, slowpath.Broadcast, slowpath.RouteTable,
	slowpath.DestMartian, slowpath.TableFull, slowpath.Rule}

// rowKey is what a row answers for: a Reason to leave packets to the kernel, a group of nexthops between which the live
// lookup chooses, or, without either, a nexthop.
type rowKey struct {
	reason slowpath.Reason
	flags  uint16
	group  string // tells groups apart
	oif    introspect.Index
	via    netip.Addr // the neighbour; the zero Addr: one that is not known yet, of a connected network
	mtu    uint32     // of the route; 0: the interface's
	six    bool       // it is for IPv6 packets, whatever the family of via
}

// glean tells whether the row is that of a connected network.
func (k rowKey) glean() bool { return k.reason == slowpath.None && !k.via.IsValid() }

// neighKey names a neighbour.
type neighKey struct {
	oif introspect.Index
	via netip.Addr
}

// rowData is what stands in a row.
type rowData struct {
	dmac, smac introspect.MAC
	mtu, flags uint16
	oif        uint32
	port       uint32 // by which frames leave: that of a bridge, or oif
	reason     slowpath.Reason
}

// word is what stands where a row says either by which port frames leave or why they do not.
func (d rowData) word() uint32 {
	if d.flags&flagUsable != 0 {
		return d.port
	}
	return uint32(d.reason)
}

// limit is the length of the longest frame that is sent without another look: with a tracked neighbour, none.
func (d rowData) limit() uint32 {
	if d.flags&(flagUsable|flagTrack) != flagUsable {
		return 0
	}
	return uint32(d.mtu) + etherHeader
}

// macWord is the word that is written over the first eight bytes of a frame.
func (d rowData) macWord() uint64 {
	frame := [8]byte{6: d.smac[0], 7: d.smac[1]}
	copy(frame[:], d.dmac[:])
	return binary.LittleEndian.Uint64(frame[:])
}

func (d rowData) bytes() []byte {
	b := bytes8(d.macWord())
	b = binary.NativeEndian.AppendUint32(b, binary.LittleEndian.Uint32(d.smac[2:]))
	b = binary.NativeEndian.AppendUint16(b, d.mtu)
	b = binary.NativeEndian.AppendUint16(b, d.flags)
	b = binary.NativeEndian.AppendUint32(b, d.oif)
	b = binary.NativeEndian.AppendUint32(b, d.word())
	b = append(b, make([]byte, atLimit-len(b))...)
	return binary.NativeEndian.AppendUint32(b, d.limit())
}

type row struct {
	key  rowKey
	hops []introspect.Hop // of a group
	refs int              // entries of the route table; 0: it is not in use
	data rowData
}

// needs lists the neighbours that the row depends on.
func (r *row) needs() []neighKey {
	if r.key.reason == slowpath.None && r.key.via.IsValid() {
		return []neighKey{{r.key.oif, r.key.via}}
	}
	var all []neighKey
	for _, h := range r.hops {
		if h.Via.IsValid() {
			all = append(all, neighKey{h.Index, h.Via})
		}
	}
	return all
}

// rows is the nexthop table.
type rows struct {
	list     []row
	byKey    map[rowKey]uint16
	byNeigh  map[neighKey][]uint16
	size     int // that the table has room for; 0 while it is being built and grows
	free     quarantine
	overflow bool
	journal  *journal
}

func newRows(j *journal) *rows {
	r := &rows{byKey: map[rowKey]uint16{}, byNeigh: map[neighKey][]uint16{}, journal: j}
	for i, reason := range fixedReasons {
		r.list = append(r.list, row{key: rowKey{reason: reason}, refs: 1, data: rowData{reason: reason}})
		r.byKey[rowKey{reason: reason}] = uint16(i)
	}
	return r
}

func (r *rows) seal(least int) {
	r.size = min(powerOfTwo(max(2*len(r.list), least), minRows), maxRows)
}

// acquire finds or makes the row of a key; data tells what is to stand in a new one.
func (r *rows) acquire(k rowKey, hops []introspect.Hop, data func(*row) rowData) uint16 {
	if i, ok := r.byKey[k]; ok {
		return i
	}
	i, ok := r.take()
	if !ok {
		r.overflow = true
		return rowFull
	}
	r.put(i, row{key: k, hops: hops}, data)
	return i
}

func (r *rows) put(i uint16, fresh row, data func(*row) rowData) {
	fresh.data = data(&fresh)
	r.list[i] = fresh
	r.byKey[fresh.key] = i
	for _, n := range fresh.needs() {
		r.byNeigh[n] = append(r.byNeigh[n], i)
	}
	r.journal.note(tableNexthop, int(i)*nexthopBytes, fresh.data.bytes())
}

func (r *rows) take() (uint16, bool) {
	if i, ok := r.free.take(); ok {
		return uint16(i), true
	}
	if len(r.list) == maxRows || r.size != 0 && len(r.list) == r.size {
		return 0, false
	}
	r.list = append(r.list, row{})
	return uint16(len(r.list) - 1), true
}

// release lets go of a row that an entry has named.
func (r *rows) release(i uint16) {
	row := &r.list[i]
	if row.refs--; row.refs == 0 {
		delete(r.byKey, row.key)
		r.forget(i)
	}
}

// forget takes a row out of use; what it says stays for those who look at it.
func (r *rows) forget(i uint16) {
	row := &r.list[i]
	for _, n := range row.needs() {
		r.byNeigh[n] = without(r.byNeigh[n], i)
		if len(r.byNeigh[n]) == 0 {
			delete(r.byNeigh, n)
		}
	}
	row.refs = 0
	r.free.put(r.journal, int(i))
}

func without(list []uint16, i uint16) []uint16 {
	kept := list[:0]
	for _, n := range list {
		if n != i {
			kept = append(kept, n)
		}
	}
	return kept
}

// change brings a row in place to what it is to say, by writes that each make a whole difference; false if that cannot
// be. A program reads the words of a row one after the other, and may be held up between any two of them for as long as
// several changes take. So what is sent may be made of words of different times, and of those that it is made of only
// one, the MAC, ever changes in place: oif is part of the key, and another MAC of the interface, another port, or another
// tag, takes another row. Who has passed the limit may still read the MAC, so that it stays when the row is not usable any more.
func (r *rows) change(i uint16, d rowData) bool {
	row := &r.list[i]
	old := row.data
	if old == d {
		return true
	}
	usable := d.flags&flagUsable != 0
	if old.smac != d.smac || old.oif != d.oif || (old.flags^d.flags)>>flagBits != 0 || usable && old.port != 0 && old.port != d.port {
		return false
	}
	if (old.port != 0 || d.port != 0) && (old.flags^d.flags)&flagUsable != 0 {
		return false // who has passed the limit may still read the port
	}
	if !usable {
		d.dmac = old.dmac
	}
	row.data = d
	if d.limit() < old.limit() {
		r.note(i, atLimit, bytes4(d.limit()))
	}
	if old.word() != d.word() {
		r.note(i, atReason, bytes4(d.word())) // nobody reads a reason while the row is usable
	}
	if old.mtu != d.mtu {
		r.note(i, atMTU, bytes2(d.mtu))
	}
	if old.dmac != d.dmac {
		r.note(i, atMAC, bytes8(d.macWord()))
	}
	if old.flags != d.flags {
		r.note(i, atFlags, bytes2(d.flags))
	}
	if d.limit() > old.limit() {
		r.note(i, atLimit, bytes4(d.limit()))
	}
	return true
}

func (r *rows) note(i uint16, at int, data []byte) {
	r.journal.note(tableNexthop, int(i)*nexthopBytes+at, data)
}

// image is the contents of the table, as far as rows were ever used.
func (r *rows) image() []byte {
	b := make([]byte, 0, len(r.list)*nexthopBytes)
	for i := range r.list {
		b = append(b, r.list[i].data.bytes()...)
	}
	return b
}
