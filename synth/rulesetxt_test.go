package synth

import (
	"encoding/binary"

	"github.com/hone-net/hone/introspect"
)

// xt does what a match of iptables does (net/netfilter/xt_*.c); hot is a packet that is too short for it, and dropped.
func (n *naive) xt(m introspect.Match) (matches, hot bool) {
	b, p := []byte(m.Info), n.packet()[n.header():]
	host := func(at int) int { return int(binary.NativeEndian.Uint16(b[at:])) }
	between := func(at, least, most int, not bool) bool {
		v := int(binary.BigEndian.Uint16(p[at:]))
		return (v >= least && v <= most) != not
	}
	sizes := map[string]int{"tcp": 20, "udp": 8, "multiport": 4, "icmp": 8, "icmp6": 8}
	if len(p) < sizes[m.Name] {
		return false, true
	}
	switch m.Name {
	case "tcp":
		return between(0, host(0), host(2), b[11]&1 != 0) && between(2, host(4), host(6), b[11]&2 != 0) &&
			(p[13]&b[9] == b[10]) != (b[11]&4 != 0), false
	case "udp":
		return between(0, host(0), host(2), b[8]&1 != 0) && between(2, host(4), host(6), b[8]&2 != 0), false
	case "icmp", "icmp6":
		all := m.Name == "icmp" && b[0] == 0xff
		return (all || p[0] == b[0] && p[1] >= b[1] && p[1] <= b[2]) != (b[3] != 0), false
	case "mark":
		return (0 == binary.NativeEndian.Uint32(b)) != (b[8] != 0), false
	case "multiport":
		for i := 0; i < int(b[1]); i++ {
			first := host(2 + 2*i)
			last := first
			if b[32+i] != 0 {
				i++
				last = host(2 + 2*i)
			}
			if b[0] != 1 && between(0, first, last, false) || b[0] != 0 && between(2, first, last, false) {
				return b[47] == 0, false
			}
		}
		return b[47] != 0, false
	}
	return true, false
}

// xt is a match of iptables.
func (r *ruler) xt() introspect.Match {
	port := func() []byte {
		v := binary.BigEndian.Uint16(r.value(asked{2, uint32(2 * r.IntN(2)), 2, -1}))
		return binary.NativeEndian.AppendUint16(nil, v)
	}
	rang := func() []byte {
		switch r.IntN(3) {
		case 0:
			return []byte{0, 0, 0xff, 0xff}
		case 1:
			p := port()
			return append(p, p...)
		}
		return append(port(), port()...)
	}
	switch r.IntN(6) {
	case 4:
		head := r.value(asked{2, 0, 2, -1})
		b := []byte{head[0], byte(r.oneOf(0, int(head[1]))), byte(r.oneOf(255, int(head[1]))), byte(r.IntN(2)), 0, 0, 0, 0}
		if r.IntN(4) == 0 {
			b[0] = 0xff
		}
		return introspect.Match{Name: []string{"icmp", "icmp6"}[r.IntN(2)], Info: introspect.Data(b)}
	case 0:
		not := byte(r.oneOf(0, 0, 1, 2, 4, 7))
		mask := byte(r.oneOf(0, 0, 0x10, 0x17, 0xff))
		b := append(append(append(rang(), rang()...), 0, mask, mask&byte(r.oneOf(0, 2, 0x10, 0xff)), not), 0, 0, 0, 0)
		return introspect.Match{Name: "tcp", Info: introspect.Data(b)}
	case 1:
		b := append(append(append(rang(), rang()...), byte(r.oneOf(0, 0, 1, 2, 3))), make([]byte, 7)...)
		return introspect.Match{Name: "udp", Info: introspect.Data(b)}
	case 2:
		return introspect.Match{Name: "comment", Info: introspect.Data(make([]byte, 256))}
	case 3:
		b := binary.NativeEndian.AppendUint32(nil, uint32(r.oneOf(0, 0, 5)))
		b = binary.NativeEndian.AppendUint32(b, uint32(r.oneOf(0xffffffff, 7, 0)))
		return introspect.Match{Name: "mark", Rev: 1, Info: introspect.Data(append(b, byte(r.IntN(2)), 0, 0, 0, 0, 0, 0, 0))}
	}
	b := make([]byte, 48)
	b[0], b[1], b[47] = byte(r.IntN(3)), byte(r.IntN(16)), byte(r.oneOf(0, 0, 1))
	for i := range int(b[1]) {
		copy(b[2+2*i:], port())
		if i+1 < int(b[1]) && r.IntN(4) == 0 {
			b[32+i] = 1
		}
	}
	return introspect.Match{Name: "multiport", Rev: 1, Info: introspect.Data(b)}
}

func (r *ruler) decision() introspect.Verdict {
	return code([]int32{introspect.VerdictAccept, introspect.VerdictDrop, introspect.VerdictReturn}[r.IntN(3)])
}
