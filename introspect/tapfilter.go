package introspect

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// harmlessFilter tells whether a classic filter of a packet socket accepts no frame that a fast path forwards: to a
// unicast MAC, with a VLAN tag or without, and IPv4 without options, no fragment, and not DHCP (UDP from or to port 67 or 68,
// which dhcpd and its kind listen to; what they are meant to hear is never forwarded), or IPv6. It follows every path through
// the filter with what is known of such a frame; a path that accepts, or that it cannot follow, counts against the filter.
// Only sockets that listen to every protocol see what leaves, and so tags within frames.
func harmlessFilter(code []bpf.RawInstruction, network, every bool) bool {
	tags := []tagging{untagged, tagBeside, tagWithin}
	if !every {
		tags = tags[:tagWithin]
	}
	for _, protocol := range []uint32{unix.ETH_P_IP, unix.ETH_P_IPV6} {
		for _, tag := range tags {
			if !rejectsAll(code, network, shape{protocol, tag}) {
				return false
			}
		}
	}
	return true
}

// groupFilter tells whether a filter accepts no frame to a unicast MAC, of whatever protocol, tagged or not: none that a
// bridge forwards by what it has learned.
func groupFilter(code []bpf.RawInstruction, network bool) bool {
	return rejectsAll(code, network, shape{protocol: anyProtocol})
}

// tagging says where the tag is that a frame of a VLAN device has, as the sockets of the interface below see it. It stands
// beside frames that come in; of those that leave, within, unless the device puts it there.
type tagging uint8

const (
	untagged tagging = iota
	tagBeside
	tagWithin
)

// shape is what is known of a frame beforehand.
type shape struct {
	protocol uint32
	tag      tagging
}

// network is where the network header is.
func (f shape) network() int {
	if f.tag == tagWithin {
		return etherSize + tagSize
	}
	return etherSize
}

func rejectsAll(code []bpf.RawInstruction, network bool, f shape) bool {
	w := pathWalk{code: code, budget: maxSteps}
	if network {
		w.base = int64(f.network())
	}
	return !w.accepts(0, firstState(f))
}

// anyProtocol stands for frames of which nothing is known but that they go to a unicast MAC.
const anyProtocol = 0

// maxSteps bounds the instructions that are looked at on all paths together.
const maxSteps = 1 << 14

const (
	etherSize   = 14
	tagSize     = 4
	typeAt      = 12
	protocolAt  = 9  // of the network header
	portsAt     = 20 // of one without options
	knownBytes  = 52
	protocolUDP = 17
)

// fact says of which value some bits of a frame are.
type fact struct {
	at          int
	mask, value uint8
}

// facts are the bits of a frame without a tag that are the same in all forwarded ones of a protocol.
var facts = map[uint32][]fact{
	anyProtocol:     {{0, 0x01, 0}},
	unix.ETH_P_IP:   {{0, 0x01, 0}, {12, 0xff, 0x08}, {13, 0xff, 0}, {14, 0xff, 0x45}, {20, 0x3f, 0}, {21, 0xff, 0}},
	unix.ETH_P_IPV6: {{0, 0x01, 0}, {12, 0xff, 0x86}, {13, 0xff, 0xdd}, {14, 0xf0, 0x60}},
}

// partial is a number of which some bits are known; from is the offset of the field of the frame that it is, size its
// size, 0 if it is none.
type partial struct {
	known, value uint32
	from, size   int
}

func exactly(v uint32) partial { return partial{known: ^uint32(0), value: v} }

func (p partial) exact() bool { return p.known == ^uint32(0) }

// most is the largest number that it can be, value the smallest.
func (p partial) most() uint32 { return p.value | ^p.known }

// state is what is known at one instruction.
type state struct {
	shape
	a, x    partial
	scratch [16]partial
	mask    [knownBytes]uint8
	value   [knownBytes]uint8
}

func firstState(f shape) *state {
	s := &state{shape: f, a: exactly(0), x: exactly(0)}
	for i := range s.scratch {
		s.scratch[i] = exactly(0)
	}
	for _, known := range facts[f.protocol] {
		at := known.at
		if at >= typeAt {
			at += f.network() - etherSize
		}
		s.mask[at], s.value[at] = known.mask, known.value
	}
	if f.tag == tagWithin {
		s.mask[typeAt], s.value[typeAt], s.mask[typeAt+1] = 0xff, unix.ETH_P_8021Q>>8, 0xff
	}
	return s
}

// load reads a field of the frame.
func (s *state) load(at int64, size int) partial {
	p := partial{}
	if size < 4 {
		p.known = ^uint32(0) << (8 * size)
	}
	if at < 0 || at+int64(size) > knownBytes {
		return p
	}
	for i := range size {
		shift := 8 * (size - 1 - i)
		p.known |= uint32(s.mask[int(at)+i]) << shift
		p.value |= uint32(s.value[int(at)+i]) << shift
	}
	p.from, p.size = int(at), size
	return p
}

// learn takes note that A is v on this path, and with it the field that A is.
func (s *state) learn(v uint32) {
	for i := range s.a.size {
		shift := 8 * (s.a.size - 1 - i)
		s.mask[s.a.from+i], s.value[s.a.from+i] = 0xff, uint8(v>>shift)
	}
	s.a.known, s.a.value = ^uint32(0), v
}

// dhcp tells whether the frame is known to be DHCP here.
func (s *state) dhcp() bool {
	ip := int64(s.network())
	port := func(at int64) bool {
		p := s.load(ip+at, 2)
		return p.exact() && (p.value == 67 || p.value == 68)
	}
	protocol := s.load(ip+protocolAt, 1)
	return s.protocol == unix.ETH_P_IP && protocol.exact() && protocol.value == protocolUDP && (port(portsAt) || port(portsAt+2))
}

// pathWalk follows the paths of one filter.
type pathWalk struct {
	code   []bpf.RawInstruction
	base   int64 // where in the frame the socket's data begins
	budget int
}

// accepts tells whether a forwarded frame may be accepted from instruction pc on.
func (w *pathWalk) accepts(pc int, s *state) bool {
	for ; pc < len(w.code); pc++ {
		if w.budget--; w.budget < 0 {
			return true
		}
		switch i := w.code[pc]; i.Op & 7 {
		case classRet:
			return !w.rejects(i, s)
		case classJump:
			if i.Op == jumpAlways {
				pc += int(min(i.K, uint32(len(w.code))))
				continue
			}
			then, otherwise := s.branch(i)
			if then != nil && w.accepts(pc+1+int(i.Jt), then) {
				return true
			}
			if otherwise == nil {
				return false
			}
			s, pc = otherwise, pc+int(i.Jf)
		default:
			if !w.step(i, s) {
				return true
			}
		}
	}
	return true
}

func (w *pathWalk) rejects(i bpf.RawInstruction, s *state) bool {
	switch i.Op {
	case retK:
		return i.K == 0 || s.dhcp()
	case retA:
		return s.a.exact() && s.a.value == 0 || s.dhcp()
	}
	return false
}
