package synth

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// Names of the tables.
const (
	tableRoute   = "route4"  // address -> row of the next
	tableSource  = "source4" // the same for IPv4 sources, where there are policy rules
	tableNexthop = "nexthop" // what to do with the packet
	tableDevice  = "device"  // interface index -> whether frames may be redirected to it
	tableRoute6  = "route6"  // likewise for IPv6
	tableLive    = "fib"     // the kernel's own lookup
	tableLive6   = "fib6"
	tableOwn     = "own4" // sources that are never a fast packet's
)

// maxPacket is the largest IPv4 packet.
const maxPacket = 0xffff

// Flags of a nexthop row.
const (
	flagLive    = 1 << iota // the live lookup decides
	flagTrack               // its use has to be told to the kernel
	flagUnicast             // rp_filter 2 lets sources pass whose row this is
	flagUsable              // frames can be sent to the nexthop
	flagBits    = iota      // above them, the VLAN that frames to it have a tag of; 0: they have none
)

// Bytes of rows and the places of what is changed in them.
const (
	nexthopBytes = 32
	deviceBytes  = 8

	atMAC    = 0
	atSMAC   = 8
	atMTU    = 12
	atFlags  = 14
	atOif    = 16
	atReason = 20
	atUsed   = 24
	atLimit  = 28
)

var nexthopFields = []ir.Field{
	{Name: "mac", Offset: atMAC, Width: 8}, {Name: "smac", Offset: atSMAC, Width: 4}, {Name: "mtu", Offset: atMTU, Width: 2},
	{Name: "flags", Offset: atFlags, Width: 2}, {Name: "oif", Offset: atOif, Width: 4},
	{Name: "reason", Offset: atReason, Width: 4}, {Name: "used", Offset: atUsed, Width: 4},
	{Name: "limit", Offset: atLimit, Width: 4},
}

// portField stands where a row that is not usable has its reason: the port of a bridge, or the interface, by which frames
// leave. Where there is no bridge, no program asks for it.
var portField = ir.Field{Name: "port", Offset: atReason, Width: 4}

// deviceFields is one word, which programs read at once: whose row it is, and the MTUs, 0 for a family of which no frames may
// be redirected to it. The kernel uses the memory of a row that is gone for another one, be there programs that look at it.
var deviceFields = []ir.Field{{Name: "word", Offset: 0, Width: deviceBytes}}

// Places in the word of a device row, in bits.
const (
	deviceMTU6  = 16
	deviceIndex = 32
)

// Shape is what programs have to know of the tables: their sizes, and what of the routes is part of the code. Programs
// of equal Shapes and otherwise equal configurations are equal.
type Shape struct {
	Rows    int // rows of the nexthop table
	Devices int // entries of the device table
	Views   []ViewShape
	Ported  bool                // rows say by which port of a bridge frames leave
	Tagged  bool                // rows say by which VLAN device frames leave; then they are Ported, too
	Owned   []introspect.FDBKey // entries of bridges for their own addresses
	tallies *tallies
	sets    map[introspect.SetKey]filter.SetTable
	fdbs    map[introspect.Index]*fdb
}

// ViewShape is what programs have to know of what packets of one family find in some routing tables.
type ViewShape struct {
	Table  string       // name of the route table
	Six    bool         // IPv6
	Blocks int          // its further blocks; IPv6: units
	Nodes  int          // IPv4: units of the nodes, if it is packed
	Steps  int          // IPv6: nodes that a walk visits at most; one that would visit more leaves the packet to the kernel
	Leaves bool         // IPv6: it has leaves
	Focus  netip.Prefix // whose addresses are looked up by the bits after it
	Full   bool         // the routes do not fit: everything is the kernel's
	Plain  bool         // the live lookup answers as the kernel would for every route
	Inline bool         // Own is complete
	Own    string       // the sources that are never a fast packet's: prefixes, separated by spaces
}

// Equal tells whether programs for the two Shapes are the same.
func (s Shape) Equal(o Shape) bool {
	return s.Rows == o.Rows && s.Devices == o.Devices && s.tallies == o.tallies && slices.Equal(s.Views, o.Views) &&
		s.Ported == o.Ported && s.Tagged == o.Tagged && slices.Equal(s.Owned, o.Owned) &&
		maps.Equal(s.sets, o.sets) && maps.Equal(s.fdbs, o.fdbs)
}

// owns tells whether an entry of a bridge for its own address is there.
func (s Shape) owns(k introspect.FDBKey) bool { return slices.Contains(s.Owned, k) }

// view finds a view by the name of its table.
func (s Shape) view(table string) (ViewShape, bool) {
	for _, v := range s.Views {
		if v.Table == table {
			return v, true
		}
	}
	return ViewShape{}, false
}

func (v ViewShape) route() *ir.Table {
	if v.Six {
		t := &ir.Table{Name: v.Table, Kind: ir.LPM6, Domain: slowpath.Route6, Size: v.Blocks, Steps: v.Steps, Leaves: v.Leaves}
		if v.Focus.IsValid() {
			t.Focus = prefixOf6(v.Focus).ir()
		}
		return t
	}
	if v.Nodes > 0 {
		return &ir.Table{Name: v.Table, Kind: ir.Packed, Domain: slowpath.Route4, Size: v.Nodes, Blocks: v.Blocks}
	}
	t := &ir.Table{Name: v.Table, Kind: ir.LPM, Domain: slowpath.Route4, Size: v.Blocks}
	if v.Focus.IsValid() {
		t.Focus4 = prefixOf(v.Focus).ir()
	}
	return t
}

func (s Shape) nexthop() *ir.Table {
	t := &ir.Table{Name: tableNexthop, Kind: ir.Rows, Domain: slowpath.Neigh, Size: s.Rows, RowSize: nexthopBytes, Fields: nexthopFields}
	if s.Ported {
		t.Fields = append(slices.Clip(t.Fields), portField)
	}
	return t
}

func (s Shape) device() *ir.Table {
	return &ir.Table{Name: tableDevice, Kind: ir.Hash, Domain: slowpath.Config, Size: s.Devices, RowSize: deviceBytes,
		Fields: deviceFields}
}

func (v ViewShape) live() *ir.Table {
	if v.Six {
		return &ir.Table{Name: tableLive6, Kind: ir.FIB6, Domain: slowpath.Route6}
	}
	return &ir.Table{Name: tableLive, Kind: ir.FIB, Domain: slowpath.Route4}
}

// own is the set of Own; false if it is empty.
func (v ViewShape) own() (*ir.Table, bool) {
	t := &ir.Table{Name: tableOwn, Kind: ir.Set, Domain: slowpath.Config}
	for _, text := range strings.Fields(v.Own) {
		if p, err := netip.ParsePrefix(text); err == nil {
			t.Prefixes = append(t.Prefixes, prefixOf(p).ir())
		}
	}
	return t, len(t.Prefixes) > 0
}

// reshaped tells whether the tables of the two Shapes cannot be the same.
func (s Shape) reshaped(o Shape) bool {
	other := func(v, w ViewShape) bool {
		return v.Table == w.Table && v.Blocks == w.Blocks && v.Nodes == w.Nodes && v.Leaves == w.Leaves && v.Focus == w.Focus
	}
	return s.Rows != o.Rows || s.Devices != o.Devices || !slices.EqualFunc(s.Views, o.Views, other)
}
