package introspect

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// MAC is an Ethernet address.
type MAC [6]byte

// MarshalText writes the address with colons.
func (m MAC) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 3*len(m))
	for i, octet := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, []byte{octet})
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes.
func (m *MAC) UnmarshalText(b []byte) error {
	octets := strings.Split(string(b), ":")
	if len(octets) != len(m) {
		return fmt.Errorf("%q is no MAC address", b)
	}
	for i, o := range octets {
		v, err := strconv.ParseUint(o, 16, 8)
		if err != nil || len(o) != 2 {
			return fmt.Errorf("%q is no MAC address", b)
		}
		m[i] = byte(v)
	}
	return nil
}

// String writes the address with colons.
func (m MAC) String() string {
	b, _ := m.MarshalText()
	return string(b)
}
