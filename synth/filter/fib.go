package filter

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// Facts of Meta that are none of the kernel's keys: the interface by which packets to the source leave. A field of one byte
// says whether there is one. Programs never answer that there is none: such packets are the kernel's.
const (
	MetaBack   = 1 << 8   // any interface
	MetaBackIn = 1<<8 | 1 // that by which the packet came in
)

// AsksBack tells whether the field is the answer to a lookup of the source.
func (f Field) AsksBack() bool { return f.Base == Meta && (f.At == MetaBack || f.At == MetaBackIn) }

// fibPresent is NFTA_FIB_F_PRESENT: only whether there is an interface.
const fibPresent = 1 << 5

// wayBack gives the bytes that a lookup of the source in the routing tables leaves in registers; nil if programs cannot
// tell. The packet's mark matters to policy rules only. Where the host's bytes have the other order, kernels differ in the byte
// that tells whether there is an interface.
func wayBack(e introspect.Fib, at place) []cell {
	const known = unix.NFTA_FIB_F_SADDR | unix.NFTA_FIB_F_MARK | unix.NFTA_FIB_F_IIF | fibPresent
	asks := e.Result == unix.NFT_FIB_RESULT_OIF && e.Flags&unix.NFTA_FIB_F_SADDR != 0 && e.Flags&^known == 0
	if !asks || at.hook == hookPostRouting || bigEndian {
		return nil
	}
	f := Field{Meta, MetaBack, 4}
	if e.Flags&unix.NFTA_FIB_F_IIF != 0 {
		f.At = MetaBackIn
	}
	if e.Flags&fibPresent != 0 {
		f.Width = 1
	}
	return nativeCells(f)
}
