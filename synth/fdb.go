package synth

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// mostStations bounds the entries of a forwarding database that programs know; frames to and from others are the kernel's.
const mostStations = 1 << 16

// leastStations is the number of entries that a table has room for at least.
const leastStations = 1 << 10

// Bytes of a row of a forwarding database and the places in it.
const (
	stationBytes = 32

	atStation = 0 // the key: MAC and VLAN
	atBody    = 8
	atHere    = 16 // port and freshness in one word
	atFresh   = 20
)

// Flags of a station's row.
const (
	stationIsolated = 1 << iota
	stationTagged   // the VLAN leaves with a tag by the port
)

var stationFields = []ir.Field{
	{Name: "limit", Offset: atBody, Width: 4}, {Name: "reason", Offset: 12, Width: 4}, {Name: "here", Offset: atHere, Width: 8},
	{Name: "port", Offset: atHere, Width: 4}, {Name: "fresh", Offset: atFresh, Width: 4}, {Name: "flags", Offset: 24, Width: 4},
	{Name: "tagged", Offset: 28, Width: 4},
}

// station is an entry of a forwarding database: where somebody is.
type station struct {
	key    uint64
	port   introspect.Index // 0: frames neither come from it nor go to it without the kernel
	reason slowpath.Reason  // of frames to it, whatever the port
	static bool             // it does not age
}

// stationOf says what an entry means.
func stationOf(e introspect.FDBEntry) station {
	s := station{key: stationKey(e.Key.MAC, e.Key.VLAN), port: e.Port, static: e.Static}
	switch {
	case e.Local:
		s.port, s.reason = 0, slowpath.FDBLocal
	case e.Locked || len(e.Unknown) > 0 || e.Port == 0:
		s.port, s.reason = 0, slowpath.FDBEntry
	}
	return s
}

// stationKey packs a VLAN, and a MAC as it stands in a frame, so that one shift makes it of a word of that.
func stationKey(mac introspect.MAC, vlan uint16) uint64 {
	var word [8]byte
	binary.LittleEndian.PutUint16(word[:], vlan)
	copy(word[2:], mac[:])
	return binary.LittleEndian.Uint64(word[:])
}

// vlan is that of the entry.
func (s station) vlan() uint16 {
	word := binary.LittleEndian.AppendUint64(nil, s.key)
	return binary.LittleEndian.Uint16(word)
}

// here is the word of a row that says that an entry is on a port, and fresh.
func here(port introspect.Index) uint64 {
	word := binary.NativeEndian.AppendUint32(nil, uint32(port))
	return binary.NativeEndian.Uint64(binary.NativeEndian.AppendUint32(word, 1))
}

// stationRow is what stands in a row. A row without an entry answers for nobody.
type stationRow struct {
	station
	limit uint32 // length of the longest frame to it; 0: it gets none, for the reason
	flags uint32

	tagged uint32 // length, without its tag, of the longest frame to it that leaves with one
}

var noStation = stationRow{station: station{key: noKey, reason: slowpath.FDBUnknown}}

// noKey is the key of nothing that could be asked for: there is no such VLAN. Zero is that of a frame to nobody, which finds the
// row then, and may read on while an entry comes to stand there.
const noKey = 0xffff

func (r stationRow) bytes() []byte {
	b := bytes8(r.key)
	for _, word := range []uint32{r.limit, uint32(r.reason), uint32(r.port), 0, r.flags, r.tagged} {
		b = binary.NativeEndian.AppendUint32(b, word)
	}
	if r.static {
		binary.NativeEndian.PutUint32(b[atFresh:], 1) // it need not be kept from ageing
	}
	return b
}

// fdb is the forwarding database of a bridge in a table that changes in place.
type fdb struct {
	bridge introspect.Index
	name   string
	hash   *filter.Cuckoo
	list   []station // by the answer of the hash
	free   []int     // places in list
	rows   []stationRow
	ports  map[introspect.Index]outPort
	vlans  *introspect.Snapshot       // whose VLANs the ports carry
	spare  map[introspect.FDBKey]bool // entries that found no room
}

// newFDB makes the table of a bridge under a name that no other table has had, with room for so many entries.
func newFDB(s *introspect.Snapshot, bridge introspect.Index, name string) *fdb {
	t := &fdb{bridge: bridge, name: name, ports: outPorts(s, bridge), vlans: s, spare: map[introspect.FDBKey]bool{}}
	var keys [][]uint64
	var answers []int
	for e := range entriesOf(s, bridge) {
		if len(keys) == mostStations {
			t.spare[e.Key] = true
			continue
		}
		keys, answers = append(keys, []uint64{stationKey(e.Key.MAC, e.Key.VLAN)}), append(answers, len(t.list))
		t.list = append(t.list, stationOf(e))
	}
	room := 2 * powerOfTwo(2*len(keys), leastStations)
	if t.hash = filter.NewKeyed(room, keys, answers); t.hash == nil { // chosen by somebody who means no good
		t.hash = filter.NewKeyed(room, nil, nil)
		t.free, t.list = nil, nil
	}
	t.rows = make([]stationRow, t.hash.Size())
	for at := range t.rows {
		t.rows[at] = t.row(at)
	}
	return t
}

// entriesOf are the entries of a bridge that programs may know.
func entriesOf(s *introspect.Snapshot, bridge introspect.Index) func(yield func(introspect.FDBEntry) bool) {
	return func(yield func(introspect.FDBEntry) bool) {
		for key, e := range s.FDB.From(introspect.FDBKey{Bridge: bridge}) {
			if key.Bridge != bridge {
				return
			}
			if !group(key.MAC) && !yield(e) {
				return
			}
		}
	}
}

// group tells whether a MAC is that of many.
func group(mac introspect.MAC) bool { return mac[0]&1 != 0 }

// row says what is to stand in a row.
func (t *fdb) row(at int) stationRow {
	i, ok := t.hash.Answer(at)
	if !ok {
		return noStation
	}
	r := stationRow{station: t.list[i]}
	if r.reason != slowpath.None {
		return r
	}
	out, ok := t.ports[r.port]
	if !ok {
		out.reason = slowpath.PortState
	}
	if out.isolated {
		r.flags = stationIsolated
	}
	r.reason = out.reason
	if vlan, carried := carries(t.vlans, r.port, r.vlan()); !carried {
		r.port, r.reason = 0, cmp.Or(r.reason, slowpath.PortVLAN)
	} else if r.vlan() != 0 && !vlan.Untagged {
		r.flags |= stationTagged
	}
	if r.reason == slowpath.None {
		r.limit, r.tagged = out.limit, out.tagged
	}
	return r
}

// entryChange is the change of an entry.
type entryChange = introspect.Change[introspect.FDBKey, introspect.FDBEntry]

// follow brings the table up to date with changes of entries: those that go make room for those that come, and for those
// that found none. It is false if another table would help.
func (t *fdb) follow(s *introspect.Snapshot, changes []entryChange, j *journal) (settle, ok bool) {
	moved := map[int]bool{}
	for _, c := range changes {
		if c.New == nil {
			t.remove(c.Key, moved)
		}
	}
	for _, c := range changes {
		if c.New != nil {
			t.put(*c.New, moved)
		}
	}
	for key := range t.spare {
		if t.full() {
			break
		}
		if e, ok := s.FDB.Get(key); ok && t.insert(stationOf(e), moved) {
			delete(t.spare, key)
		}
	}
	return t.write(moved, j), !t.crowded() || len(t.spare) == 0
}

// crowded tells whether the table should have more rows: where half of them are taken, many keys find no room.
func (t *fdb) crowded() bool { return len(t.list)-len(t.free) >= t.hash.Size()*3/8 }

// full tells whether there is room for no more entries.
func (t *fdb) full() bool { return t.crowded() || len(t.list)-len(t.free) >= mostStations }

func (t *fdb) remove(k introspect.FDBKey, moved map[int]bool) {
	key := []uint64{stationKey(k.MAC, k.VLAN)}
	delete(t.spare, k)
	at, ok := t.hash.Find(key)
	if !ok {
		return
	}
	i, _ := t.hash.Answer(at)
	t.hash.Remove(key, moved)
	t.free = append(t.free, i)
}

func (t *fdb) put(e introspect.FDBEntry, moved map[int]bool) {
	s := stationOf(e)
	if at, ok := t.hash.Find([]uint64{s.key}); ok {
		i, _ := t.hash.Answer(at)
		t.list[i], moved[at] = s, true
		return
	}
	switch {
	case group(e.Key.MAC):
	case t.full() || !t.insert(s, moved):
		t.spare[e.Key] = true
	default:
		delete(t.spare, e.Key)
	}
}

func (t *fdb) insert(s station, moved map[int]bool) bool {
	i := len(t.list)
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
	}
	if !t.hash.Insert([]uint64{s.key}, i, moved) {
		return false
	}
	if i == len(t.list) {
		t.list = append(t.list, s)
	} else {
		t.list[i], t.free = s, t.free[:len(t.free)-1]
	}
	return true
}

// look brings the table up to date with what has become of ports.
func (t *fdb) look(s *introspect.Snapshot, j *journal) (settle bool) {
	ports := outPorts(s, t.bridge)
	same := maps.Equal(ports, t.ports) && s.VLANs.Equal(t.vlans.VLANs)
	t.ports, t.vlans = ports, s
	if same {
		return false
	}
	all := map[int]bool{}
	for at := range t.rows {
		all[at] = true
	}
	return t.write(all, j)
}

// write notes the rows that say something else than before. It tells whether a program that runs may be misled: by rows
// that change, but not by ones that come, whose keys are written last.
func (t *fdb) write(moved map[int]bool, j *journal) (settle bool) {
	for _, at := range slices.Sorted(maps.Keys(moved)) {
		row := t.row(at)
		if row == t.rows[at] {
			continue
		}
		settle = settle || t.rows[at] != noStation
		t.rows[at] = row
		data := row.bytes()
		j.note(t.name, at*stationBytes+atBody, data[atBody:])
		j.note(t.name, at*stationBytes, data[:atBody])
	}
	return settle
}

// table is the table as programs have it.
func (t *fdb) table() *ir.Table {
	table := t.hash.Keyed()
	table.Name, table.Domain, table.RowSize, table.Fields = t.name, slowpath.FDB, stationBytes, stationFields
	return &table
}

// image is all of its contents.
func (t *fdb) image() ir.Write {
	data := make([]byte, 0, len(t.rows)*stationBytes)
	for _, row := range t.rows {
		data = append(data, row.bytes()...)
	}
	data = append(data, noStation.bytes()...)
	return ir.Write{Table: t.name, Data: data}
}
