package filter

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// connSizes are the facts of a connection that programs may know, by NFT_CT_*, and how many bytes they have. All are
// numbers in host byte order.
var connSizes = map[uint32]uint8{unix.NFT_CT_STATE: 4, unix.NFT_CT_DIRECTION: 1, unix.NFT_CT_STATUS: 4, unix.NFT_CT_MARK: 4,
	unix.NFT_CT_L3PROTOCOL: 1, unix.NFT_CT_PROTOCOL: 1, unix.NFT_CT_ZONE: 2}

// The keys of addresses that name their family (NFT_CT_SRC_IP and so on). A rule ends where the packet is of the other one.
const (
	ctSource4 = 19
	ctDest4   = 20
	ctSource6 = 21
	ctDest6   = 22
)

// connection loads a fact of the packet's connection.
func (d *reader) connection(e introspect.Ct) (fails bool) {
	key, six := e.Key, d.in.Six
	if d.has != someConnection {
		return e.Key != unix.NFT_CT_STATE || d.load(e, e.DReg, native(d.has.state()))
	}
	switch e.Key {
	case ctSource4, ctDest4:
		key, fails = unix.NFT_CT_SRC+(e.Key-ctSource4), six
	case ctSource6, ctDest6:
		key, fails = unix.NFT_CT_SRC+(e.Key-ctSource6), !six
	case unix.NFT_CT_SRC, unix.NFT_CT_DST:
		if d.table.Family != d.in.family() {
			d.leave(e, slowpath.RulesetConn) // the register keeps what it has behind an address of IPv4
			return false
		}
	}
	return fails || d.load(e, e.DReg, connCells(key, e.Direction, six))
}

// connCells are the bytes of a fact; nil if programs cannot tell.
func connCells(key uint32, direction introspect.Direction, six bool) []cell {
	if size, ok := connSizes[key]; ok && (direction == introspect.NoDirection || key == unix.NFT_CT_ZONE) {
		return nativeCells(Field{Conn, int(key), size})
	}
	if direction > 1 {
		return nil
	}
	at := int(key) + int(direction)*ConnReply
	switch key {
	case unix.NFT_CT_PROTO_SRC, unix.NFT_CT_PROTO_DST:
		return numberCells(Field{Conn, at, 2})
	case unix.NFT_CT_SRC, unix.NFT_CT_DST:
		if six {
			return append(numberCells(Field{Conn, at, 8}), numberCells(Field{Conn, at | ConnLow, 8})...)
		}
		return numberCells(Field{Conn, at, 4})
	}
	return nil
}
