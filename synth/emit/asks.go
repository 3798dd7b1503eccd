package emit

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/synth/ir"
)

// asksBytes is room for a thousand of those that are waiting. What finds none is asked again a second later.
const asksBytes = 1 << 16

// Asks describes the ring buffer in which programs ask to have the windows of TCP connections left alone.
func Asks() *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: MapAsks, Type: ebpf.RingBuf, MaxEntries: asksBytes}
}

// asks tells whether the code of a table asks.
func asks(t *ir.Table) bool { return t.Kind.Tracks() }

// Ask is a packet of a connection whose window the kernel is to leave alone.
type Ask struct {
	Protocol     uint8
	Source, Dest netip.AddrPort
}

// ParseAsk decodes what a program has put into the ring buffer.
func ParseAsk(b []byte) (Ask, error) {
	if len(b) < askBytes {
		return Ask{}, fmt.Errorf("emit: parse ask: %d bytes, want %d", len(b), askBytes)
	}
	size := 4
	switch b[askFamily] {
	case unix.AF_INET6:
		size = 16
	case unix.AF_INET:
	default:
		return Ask{}, fmt.Errorf("emit: parse ask: family %d", b[askFamily])
	}
	tuple := b[askTuple:]
	addr := func(at int) netip.Addr {
		a, _ := netip.AddrFromSlice(tuple[at : at+size])
		return a
	}
	port := func(at int) uint16 { return binary.BigEndian.Uint16(tuple[at:]) }
	return Ask{b[askProtocol], netip.AddrPortFrom(addr(0), port(2*size)), netip.AddrPortFrom(addr(size), port(2*size+2))}, nil
}
