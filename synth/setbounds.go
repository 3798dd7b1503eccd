package synth

import (
	"encoding/binary"
	"math/bits"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/filter"
)

// elements are those of a set of intervals. Sorted by key, each is where keys begin that are in the set, or that are not,
// up to the next one.
type elements = introspect.Map[introspect.ElementKey, introspect.Element]

// keyRange is the keys from one to another one, both included, as the first bits of 128: what follows a key is zeros in the
// first one, and ones in the last.
type keyRange struct{ from, last key128 }

// key128 is the number that a key is.
type key128 struct{ hi, lo uint64 }

// keyNumber is the number of a key with what is to follow it.
func keyNumber(key introspect.Data, follows byte) key128 {
	var b [16]byte
	for i := range b {
		b[i] = follows
	}
	copy(b[:], key)
	return key128{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
}

// before is the number before one that is not zero.
func (n key128) before() key128 {
	if n.lo == 0 {
		n.hi--
	}
	n.lo--
	return n
}

// isBound tells whether an element is nothing but a bound, of a key of n bytes.
func isBound(e introspect.Element, n uint32) bool {
	return filter.OnlyKey(e) && e.Key.To == "" && len(e.Key.Key) == int(n)
}

// rangesOf lists the intervals of a set; false if one of its elements is more than a bound.
func rangesOf(s introspect.Set) (all []keyRange, ok bool) {
	var open bool
	var from introspect.Data
	for k, e := range s.Elements.All() {
		if !isBound(e, s.KeyLen) {
			return nil, false
		}
		if open {
			all = append(all, upTo(from, k.Key))
		}
		from, open = k.Key, !k.End
	}
	if open {
		all = append(all, toTheEnd(from))
	}
	return all, true
}

// upTo is the keys from one to the one before another.
func upTo(from, end introspect.Data) keyRange {
	return keyRange{keyNumber(from, 0), keyNumber(end, 0).before()}
}

func toTheEnd(from introspect.Data) keyRange {
	return keyRange{keyNumber(from, 0), key128{^uint64(0), ^uint64(0)}}
}

// rangeFrom is the interval that begins with an element.
func rangeFrom(all elements, from introspect.Data) keyRange {
	for k := range all.From(introspect.ElementKey{Key: from}) {
		if k.Key != from {
			return upTo(from, k.Key)
		}
	}
	return toTheEnd(from)
}

// around adds the intervals that depend on whether there are elements of a key: the one that begins with it, and the last
// one that begins below.
func around(all elements, key introspect.Data, to map[keyRange]bool) {
	if below, _, ok := all.Below(introspect.ElementKey{Key: key, End: true}); ok && !below.End {
		to[rangeFrom(all, below.Key)] = true
	}
	if _, ok := all.Get(introspect.ElementKey{Key: key}); ok {
		to[rangeFrom(all, key)] = true
	}
}

// prefixes calls f with the fewest prefixes that are a range together.
func (r keyRange) prefixes(f func(prefix6)) {
	for at := r.from; ; {
		zeros := bits.TrailingZeros64(at.lo)
		if at.lo == 0 {
			zeros += bits.TrailingZeros64(at.hi)
		}
		p, end := prefixAt(at, zeros)
		for ; r.last.less(end); zeros-- {
			p, end = prefixAt(at, zeros-1)
		}
		if f(p); end == r.last {
			return
		}
		if at = (key128{end.hi, end.lo + 1}); at.lo == 0 {
			at.hi++
		}
	}
}

// prefixAt is the prefix that begins with a number and leaves so many bits open, and the last key128 in it.
func prefixAt(n key128, open int) (p prefix6, last key128) {
	hi, lo := maskOf6(128 - open)
	return newPrefix6(n.hi, n.lo, 128-open), key128{n.hi | ^hi, n.lo | ^lo}
}

func (n key128) less(o key128) bool { return n.hi < o.hi || n.hi == o.hi && n.lo < o.lo }
