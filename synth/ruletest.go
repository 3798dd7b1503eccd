package synth

import "net/netip"

// field is a part of a packet that rules look at.
type field uint8

const (
	fieldUnknown field = iota // one that programs do not look at
	fieldSource
	fieldDest
	fieldTOS      // the whole byte: TOS or traffic class
	fieldProtocol // the protocol, or next header
	fieldPorts    // 1 if there are ports, those of TCP or UDP
	fieldSPort
	fieldDPort
	fieldLabel // IPv6's flow label
)

// test is one thing that a rule asks of a packet: an address in a prefix, or a masked number within bounds.
type test struct {
	field        field
	prefix       netip.Prefix
	mask, lo, hi uint32
}

func inPrefix(f field, p netip.Prefix) test { return test{field: f, prefix: p.Masked()} }

// masked asks whether the bits of a mask are those of a value.
func masked(f field, value, mask uint32) test {
	return test{field: f, mask: mask, lo: value & mask, hi: value & mask}
}

func within(f field, lo, hi uint32) test { return test{field: f, mask: ^uint32(0), lo: lo, hi: hi} }

func protocolIs(n uint8) test { return within(fieldProtocol, uint32(n), uint32(n)) }

func (t test) isPrefix() bool { return t.prefix.IsValid() }

// covers tells whether t holds wherever o does.
func (t test) covers(o test) bool {
	if t.isPrefix() {
		return t.prefix.Bits() <= o.prefix.Bits() && t.prefix.Contains(o.prefix.Addr())
	}
	return t.mask == o.mask && t.lo <= o.lo && o.hi <= t.hi
}

// excludes tells whether t holds nowhere where o does.
func (t test) excludes(o test) bool {
	if t.isPrefix() {
		return !t.prefix.Overlaps(o.prefix)
	}
	return t.mask == o.mask && (t.hi < o.lo || o.hi < t.lo)
}

// fact is a test whose outcome is known.
type fact struct {
	test
	held bool
}

// facts is what is known of a packet.
type facts []fact

// outcome is what facts say of a test.
type outcome uint8

const (
	open outcome = iota // nothing
	holds
	fails
)

// and adds the outcome of a test.
func (f facts) and(t test, held bool) facts { return append(f[:len(f):len(f)], fact{t, held}) }

// tell gives the outcome of a test as far as the facts decide it.
func (f facts) tell(t test) outcome {
	for _, k := range f {
		switch {
		case k.field != t.field || t.field == fieldUnknown:
		case k.held && t.covers(k.test):
			return holds
		case k.held && t.excludes(k.test), !k.held && k.covers(t):
			return fails
		}
	}
	return open
}
