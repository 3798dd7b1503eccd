package introspect

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Instructions of linux/bpf_common.h, as far as they are told apart here.
const (
	classLoad  = 0
	classLoadX = 1
	classStore = 2
	classStorX = 3
	classALU   = 4
	classJump  = 5
	classRet   = 6
	classMisc  = 7

	retK       = 0x06
	retA       = 0x16
	jumpAlways = 0x05
	operandX   = 0x08

	ancillary     = -0x1000   // SKF_AD_OFF
	networkOffset = -0x100000 // SKF_NET_OFF
	linkOffset    = -0x200000 // SKF_LL_OFF

	ancillaryProtocol = 0
	ancillaryXor      = 40
	ancillaryTagged   = 48
)

// step follows one instruction that neither jumps nor ends; it fails on those that no kernel takes.
func (w *pathWalk) step(i bpf.RawInstruction, s *state) bool {
	switch i.Op & 7 {
	case classLoad:
		return w.loadA(i, s)
	case classLoadX:
		return w.loadX(i, s)
	case classStore, classStorX:
		if i.K >= uint32(len(s.scratch)) {
			return false
		}
		if i.Op&7 == classStore {
			s.scratch[i.K] = s.a
		} else {
			s.scratch[i.K] = s.x
		}
	case classALU:
		other := exactly(i.K)
		if i.Op&operandX != 0 {
			other = s.x
		}
		s.a = compute(i.Op&0xf0, s.a, other)
	case classMisc:
		if i.Op&0x80 != 0 {
			s.a = s.x
		} else {
			s.x = s.a
		}
	}
	return true
}

func sizeOf(op uint16) int { return map[uint16]int{0x00: 4, 0x08: 2, 0x10: 1}[op&0x18] }

func (w *pathWalk) loadA(i bpf.RawInstruction, s *state) bool {
	size := sizeOf(i.Op)
	switch i.Op & 0xe0 {
	case 0x00: // a constant
		s.a = exactly(i.K)
	case 0x20: // at a fixed place
		s.a = w.loadAt(int32(i.K), size, s)
	case 0x40: // at a place that X moves
		s.a = partial{}
		if at := int64(int32(i.K)) + int64(s.x.value); s.x.exact() && int32(i.K) >= 0 && at < knownBytes {
			s.a = s.load(w.base+at, size)
		}
	case 0x60:
		if i.K >= uint32(len(s.scratch)) {
			return false
		}
		s.a = s.scratch[i.K]
	case 0x80: // the length
		s.a = partial{}
	default:
		return false
	}
	return size != 0
}

// loadAt reads at a fixed place, which may be relative to a header or no place at all but a fact about the frame.
func (w *pathWalk) loadAt(at int32, size int, s *state) partial {
	switch {
	case at >= 0:
		return s.load(w.base+int64(at), size)
	case at >= ancillary:
		return extension(at-ancillary, s)
	case at >= networkOffset:
		return s.load(int64(s.network())+int64(at)-networkOffset, size)
	case at >= linkOffset:
		return s.load(int64(at)-linkOffset, size)
	}
	return partial{}
}

func extension(number int32, s *state) partial {
	known := s.protocol != anyProtocol
	switch {
	case number == ancillaryProtocol && known && s.tag == tagWithin:
		return exactly(unix.ETH_P_8021Q)
	case number == ancillaryProtocol && known:
		return exactly(s.protocol)
	case number == ancillaryTagged && known && s.tag == tagBeside:
		return exactly(1)
	case number == ancillaryTagged && known:
		return exactly(0)
	case number == ancillaryXor:
		return compute(0xa0, s.a, s.x)
	}
	return partial{}
}

func (w *pathWalk) loadX(i bpf.RawInstruction, s *state) bool {
	switch i.Op & 0xe0 {
	case 0x00:
		s.x = exactly(i.K)
	case 0x60:
		if i.K >= uint32(len(s.scratch)) {
			return false
		}
		s.x = s.scratch[i.K]
	case 0x80:
		s.x = partial{}
	case 0xa0: // four times the low half of a byte: the length of the IP header
		b := s.load(w.base+int64(i.K), 1)
		s.x = compute(0x60, compute(0x50, b, exactly(0xf)), exactly(2))
	default:
		return false
	}
	return true
}

// compute follows an arithmetic instruction as far as bits are known.
func compute(op uint16, a, b partial) partial {
	switch op {
	case 0x50: // and
		zero := a.known&^a.value | b.known&^b.value
		return partial{known: a.known&b.known | zero, value: a.value & b.value}
	case 0x40: // or
		one := a.value | b.value
		return partial{known: a.known&b.known | one, value: one}
	case 0xa0: // xor
		known := a.known & b.known
		return partial{known: known, value: (a.value ^ b.value) & known}
	}
	if !b.exact() {
		return partial{}
	}
	switch {
	case op == 0x60 && b.value < 32:
		return partial{known: a.known<<b.value | (1<<b.value - 1), value: a.value << b.value}
	case op == 0x70 && b.value < 32:
		return partial{known: a.known>>b.value | ^(^uint32(0) >> b.value), value: a.value >> b.value}
	case !a.exact():
		return partial{}
	}
	return arithmetic(op, a.value, b.value)
}

func arithmetic(op uint16, a, b uint32) partial {
	switch {
	case op == 0x00:
		return exactly(a + b)
	case op == 0x10:
		return exactly(a - b)
	case op == 0x20:
		return exactly(a * b)
	case op == 0x30 && b != 0:
		return exactly(a / b)
	case op == 0x90 && b != 0:
		return exactly(a % b)
	case op == 0x80:
		return exactly(-a)
	}
	return partial{}
}

// branch returns the states after a comparison that holds and one that does not: nil for what cannot be.
func (s *state) branch(i bpf.RawInstruction) (then, otherwise *state) {
	b := exactly(i.K)
	if i.Op&operandX != 0 {
		b = s.x
	}
	can, must := compare(i.Op&0xf0, s.a, b)
	if can {
		n := *s
		then = &n
		if i.Op&0xf0 == 0x10 && b.exact() {
			then.learn(b.value)
		}
	}
	if !must {
		otherwise = s
	}
	return then, otherwise
}

// compare tells whether a comparison can hold, and whether it must.
func compare(op uint16, a, b partial) (can, must bool) {
	switch op {
	case 0x10: // equal
		both := a.known & b.known
		can = a.value&both == b.value&both
		return can, can && a.exact() && b.exact()
	case 0x20: // greater
		return a.most() > b.value, a.value > b.most()
	case 0x30: // greater or equal
		return a.most() >= b.value, a.value >= b.most()
	case 0x40: // bits in common
		return a.most()&b.most() != 0, a.value&b.value != 0
	}
	return true, false
}
