package introspect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

var (
	errShort   = errors.New("message too short")
	errTrailer = errors.New("attribute header cut short")
)

// native reads integers of the kernel's byte order.
var native = binary.NativeEndian

// attributes calls f for every attribute in b, nested ones without their flag bits. It stops at the first error.
func attributes(b []byte, f func(kind uint16, data []byte) error) error {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlAttr {
			return errTrailer
		}
		size, kind := int(native.Uint16(b)), native.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)
		if size < unix.SizeofNlAttr || size > len(b) {
			return fmt.Errorf("attribute %d: length %d of %d", kind, size, len(b))
		}
		if err := f(kind, b[unix.SizeofNlAttr:size]); err != nil {
			return fmt.Errorf("attribute %d: %w", kind, err)
		}
		b = b[min(align4(size), len(b)):]
	}
	return nil
}

func align4(n int) int { return (n + 3) &^ 3 }

// set stores what read makes of data, if that worked.
func set[T any](to *T, read func([]byte) (T, error), data []byte) error {
	v, err := read(data)
	if err == nil {
		*to = v
	}
	return err
}

func wantSize(b []byte, size int) error {
	if len(b) != size {
		return fmt.Errorf("%d bytes instead of %d", len(b), size)
	}
	return nil
}

func readU8(b []byte) (uint8, error) {
	if err := wantSize(b, 1); err != nil {
		return 0, err
	}
	return b[0], nil
}

func readU16(b []byte) (uint16, error) {
	if err := wantSize(b, 2); err != nil {
		return 0, err
	}
	return native.Uint16(b), nil
}

func readU32(b []byte) (uint32, error) {
	if err := wantSize(b, 4); err != nil {
		return 0, err
	}
	return native.Uint32(b), nil
}

func readS32(b []byte) (int32, error) {
	u, err := readU32(b)
	return int32(u), err
}

func readIndex(b []byte) (Index, error) {
	i, err := readS32(b)
	return Index(i), err
}

// readBool reads an integer of 32 bits that is a truth.
func readBool(b []byte) (bool, error) {
	u, err := readU32(b)
	return u != 0, err
}

// readFlag reads an integer of 8 bits that is a truth.
func readFlag(b []byte) (bool, error) {
	u, err := readU8(b)
	return u != 0, err
}

// readString reads a string that may or may not end in a zero byte.
func readString(b []byte) (string, error) {
	for i, c := range b {
		if c == 0 {
			return string(b[:i]), nil
		}
	}
	return string(b), nil
}

// readAddr reads an address of either family.
func readAddr(b []byte) (netip.Addr, error) {
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.Addr{}, fmt.Errorf("address of %d bytes", len(b))
	}
	return a, nil
}

// readMAC reads a link-layer address: those that are not of six bytes are none.
func readMAC(b []byte) (MAC, error) {
	if len(b) != len(MAC{}) {
		return MAC{}, nil
	}
	return MAC(b), nil
}

// addressSize gives the size of the addresses of a family of IP.
func addressSize(family byte) (size int, ok bool) {
	switch family {
	case unix.AF_INET:
		return 4, true
	case unix.AF_INET6:
		return 16, true
	}
	return 0, false
}

// prefix makes a prefix of an address of a family, all zeros where the message says none.
func prefix(family byte, a netip.Addr, bits uint8) (netip.Prefix, error) {
	if !a.IsValid() && family == unix.AF_INET {
		a = netip.IPv4Unspecified()
	}
	if !a.IsValid() {
		a = netip.IPv6Unspecified()
	}
	p := netip.PrefixFrom(a, int(bits))
	if size, _ := addressSize(family); !p.IsValid() || a.BitLen() != 8*size {
		return netip.Prefix{}, fmt.Errorf("%s with prefix length %d", a, bits)
	}
	return p, nil
}

// unknownAttribute is how an attribute that is not understood is written in an Unknown list.
func unknownAttribute(kind uint16) string { return fmt.Sprintf("attribute-%d", kind) }

// numbers is a set of attribute numbers.
type numbers map[uint16]bool

func setOf(kinds ...uint16) numbers {
	s := numbers{}
	for _, k := range kinds {
		s[k] = true
	}
	return s
}

// note adds an attribute to the list unless it is one of the harmless.
func (harmless numbers) note(unknown *[]string, kind uint16) {
	if !harmless[kind] {
		*unknown = append(*unknown, unknownAttribute(kind))
	}
}
