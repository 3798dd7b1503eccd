package filter

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// connSizes are the facts of a connection that programs may know, by NFT_CT_*, and how many bytes they have. All are
// numbers in host byte order.
var connSizes = map[uint32]uint8{unix.NFT_CT_STATE: 4, unix.NFT_CT_DIRECTION: 1, unix.NFT_CT_STATUS: 4, unix.NFT_CT_MARK: 4}

// connection gives the bytes of a fact of the packet's connection in registers; nil if programs cannot tell.
func connection(e introspect.Ct) []cell {
	size, ok := connSizes[e.Key]
	if !ok || e.Direction != introspect.NoDirection {
		return nil
	}
	return nativeCells(Field{Conn, int(e.Key), size})
}
