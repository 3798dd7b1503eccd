package filter

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Ingress is what is known of the packets before one of them is there: they came in by Link, and are of one family.
type Ingress struct {
	Link  introspect.Link
	Six   bool
	Marks bool           // packets may come with a mark
	GRO   introspect.GRO // what the kernel may join before rules see it
	// Tracked says that the kernel tracks the connections of the family.
	Tracked bool
	// Sets are the sets that change in place.
	Sets map[introspect.SetKey]SetTable

	tracking tracking
}

// Hooks of IPv4, IPv6 and inet that forwarded packets pass (NF_INET_*), in their order.
const (
	hookPreRouting  = 0
	hookForward     = 2
	hookPostRouting = 4
)

// place is where in the path of packets rules stand.
type place struct {
	hook     uint32
	priority int32
	nat      bool // the chain translates addresses
}

func (p place) stage() Stage { return Stage{p.hook, p.priority, p.nat} }

// bigEndian tells the byte order of the host.
var bigEndian = binary.NativeEndian.Uint16([]byte{1, 0}) != 1

// nameSize is the size of an interface's name, filled up with zeros (IFNAMSIZ).
const nameSize = 16

func nameCells(name string) []cell {
	data := make([]byte, nameSize)
	copy(data, name)
	return constants(data)
}

// native writes a number as the kernel keeps facts in registers.
func native(n uint32) []cell { return constants(binary.NativeEndian.AppendUint32(nil, n)) }

func native16(n uint16) []cell { return constants(binary.NativeEndian.AppendUint16(nil, n)) }

// nativeCells are the bytes of a field in host byte order.
func nativeCells(f Field) []cell {
	cells := numberCells(f)
	if !bigEndian {
		for i := range len(cells) / 2 {
			cells[i], cells[len(cells)-1-i] = cells[len(cells)-1-i], cells[i]
		}
	}
	return cells
}

// meta gives the bytes that a fact has in registers; nil if programs cannot tell. Forwarded packets come without a socket,
// and what would set their mark is left to the kernel.
func (in Ingress) meta(key uint32, at place) []cell {
	l := in.Link
	switch key {
	case unix.NFT_META_LEN:
		return nativeCells(Field{Meta, MetaLen, 4})
	case unix.NFT_META_PROTOCOL:
		if in.Six {
			return constants([]byte{0x86, 0xdd})
		}
		return constants([]byte{8, 0})
	case unix.NFT_META_NFPROTO:
		return constants([]byte{in.family()})
	case unix.NFT_META_L4PROTO:
		return numberCells(fieldL4Proto)
	case unix.NFT_META_PKTTYPE:
		return constants([]byte{unix.PACKET_HOST})
	case unix.NFT_META_MARK:
		if in.Marks {
			return nil
		}
		return native(0)
	case unix.NFT_META_IIF:
		return native(uint32(l.Index))
	case unix.NFT_META_IIFNAME:
		return nameCells(l.Name)
	case unix.NFT_META_IIFTYPE:
		return native16(l.Type)
	case unix.NFT_META_IIFGROUP:
		return native(l.Group)
	}
	return in.egress(key, at)
}

// egress gives what a fact of the outgoing interface has in registers. Before the route is known, there is none.
func (in Ingress) egress(key uint32, at place) []cell {
	size := map[uint32]int{unix.NFT_META_OIF: 4, unix.NFT_META_OIFNAME: nameSize, unix.NFT_META_OIFTYPE: 2, unix.NFT_META_OIFGROUP: 4}[key]
	switch {
	case size == 0:
		return nil
	case at.hook == hookPreRouting && (key == unix.NFT_META_OIF || key == unix.NFT_META_OIFNAME):
		return constants(make([]byte, size))
	case at.hook == hookPreRouting:
		return nil // the rule ends
	}
	cells := make([]cell, size)
	for i := range cells {
		cells[i] = cell{field: Field{Meta, int(key), 1}, shift: uint8(i), mask: 0xff, state: cellEgress}
	}
	return cells
}

// of is what an interface has in the place of a cell that depends on it.
func (c cell) of(l introspect.Link) cell {
	var all []cell
	switch uint32(c.field.At) {
	case unix.NFT_META_OIF:
		all = native(uint32(l.Index))
	case unix.NFT_META_OIFNAME:
		all = nameCells(l.Name)
	case unix.NFT_META_OIFTYPE:
		all = native16(l.Type)
	case unix.NFT_META_OIFGROUP:
		all = native(l.Group)
	}
	return all[c.shift].masked(c.mask, c.xor)
}

func (in Ingress) family() uint8 {
	if in.Six {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

// payload gives the bytes of a header in registers; nil if programs cannot tell.
func (in Ingress) payload(base, offset, length uint32) []cell {
	header, size := []Field(nil), 0
	switch base {
	case unix.NFT_PAYLOAD_LL_HEADER:
		header = linkFields
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
		header = ip4Fields
		if in.Six {
			header = ip6Fields
		}
	case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		header = transportFields
	default:
		return nil
	}
	last := header[len(header)-1]
	if size = last.At + int(last.Width); offset > uint32(size) || length > uint32(size)-offset {
		return nil
	}
	cells := make([]cell, 0, length)
	for at := int(offset); at < int(offset+length); at++ {
		f, _ := fieldAt(header, at)
		cells = append(cells, numberCell(f, at-f.At))
	}
	return cells
}
