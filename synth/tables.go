package synth

import (
	"strings"

	"net/netip"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Names of the tables.
const (
	tableRoute   = "route4"  // address -> row of the next
	tableNexthop = "nexthop" // what to do with the packet
	tableDevice  = "device"  // interface index -> whether frames may be redirected to it
	tableLive    = "fib"     // the kernel's own lookup
	tableOwn     = "own4"    // sources that are never a fast packet's
)

// maxPacket is the largest IPv4 packet.
const maxPacket = 0xffff

// Flags of a nexthop row.
const (
	flagLive    = 1 << iota // the live lookup decides
	flagTrack               // its use has to be told to the kernel
	flagUnicast             // rp_filter 2 lets sources pass whose row this is
)

// deviceUsable is the flag of a device row.
const deviceUsable = 1

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

var deviceFields = []ir.Field{{Name: "mtu", Offset: 0, Width: 4}, {Name: "flags", Offset: 4, Width: 4}}

// Shape is what programs have to know of the tables: their sizes, and what of the routes is part of the code. Programs
// of equal Shapes and otherwise equal configurations are equal.
type Shape struct {
	First   int    // bits of the route table's first level
	Blocks  int    // its further blocks
	Rows    int    // rows of the nexthop table
	Devices int    // entries of the device table
	Full    bool   // the routes do not fit: everything is the kernel's
	Plain   bool   // the live lookup answers as the kernel would for every route
	Inline  bool   // Own is complete
	Own     string // the sources that are never a fast packet's: prefixes, separated by spaces
}

func (s Shape) route() *ir.Table {
	return &ir.Table{Name: tableRoute, Kind: ir.LPM, Domain: slowpath.Route4, Size: s.Blocks, First: s.First}
}

func (s Shape) nexthop() *ir.Table {
	return &ir.Table{Name: tableNexthop, Kind: ir.Rows, Domain: slowpath.Neigh, Size: s.Rows, RowSize: nexthopBytes,
		Fields: nexthopFields}
}

func (s Shape) device() *ir.Table {
	return &ir.Table{Name: tableDevice, Kind: ir.Hash, Domain: slowpath.Config, Size: s.Devices, RowSize: deviceBytes,
		Fields: deviceFields}
}

func (s Shape) live() *ir.Table {
	return &ir.Table{Name: tableLive, Kind: ir.FIB, Domain: slowpath.Route4}
}

// own is the set of Own; false if it is empty.
func (s Shape) own() (*ir.Table, bool) {
	t := &ir.Table{Name: tableOwn, Kind: ir.Set, Domain: slowpath.Config}
	for _, text := range strings.Fields(s.Own) {
		if p, err := netip.ParsePrefix(text); err == nil {
			t.Prefixes = append(t.Prefixes, prefixOf(p).ir())
		}
	}
	return t, len(t.Prefixes) > 0
}

// reshaped tells whether the tables of the two Shapes cannot be the same.
func (s Shape) reshaped(o Shape) bool {
	return s.First != o.First || s.Blocks != o.Blocks || s.Rows != o.Rows || s.Devices != o.Devices
}
