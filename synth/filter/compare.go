package filter

import "bytes"

// interval is bytes that are compared as the kernel does, as one number: from and to are both included.
type interval struct{ from, to []byte }

// element is an interval for each part of what is compared.
type element []interval

// region is the boxes of elements: of says whose each box is.
type region struct {
	keys  []Key
	boxes []box
	of    []int
}

// maxBoxes bounds what one rule may ask.
const maxBoxes = 1 << 20

// regionOf tells which packets have, in the cells of some parts, the bytes of one of some elements; false if programs cannot
// tell.
func regionOf(parts [][]cell, all []element) (*region, bool) {
	r, split := &region{}, make([][][]cell, len(parts))
	for i, cells := range parts {
		split[i] = runs(cells)
		r.keys = append(r.keys, keysOf(split[i])...)
	}
	if twice(r.keys) {
		return nil, false
	}
	for n, e := range all {
		boxes := []box{{}}
		for i, in := range e {
			if len(in.from) != len(parts[i]) || len(in.to) != len(parts[i]) {
				return nil, false
			}
			some, ok := boxesOf(split[i], in)
			if !ok {
				return nil, false
			}
			boxes = times(boxes, some)
		}
		for _, b := range boxes {
			r.boxes, r.of = append(r.boxes, b), append(r.of, n)
		}
		if len(r.boxes) > maxBoxes {
			return nil, false
		}
	}
	r.fit()
	r.widen()
	return r, true
}

// times is every box of a with every one of b behind it.
func times(a, b []box) []box {
	var all []box
	for _, x := range a {
		for _, y := range b {
			all = append(all, append(x[:len(x):len(x)], y...))
		}
	}
	return all
}

func keysOf(parts [][]cell) (keys []Key) {
	for _, run := range parts {
		if run[0].mask != 0 {
			k, _ := keyOf(run)
			keys = append(keys, k)
		}
	}
	return keys
}

// twice tells whether two keys look at one field.
func twice(keys []Key) bool {
	for i, k := range keys {
		for _, o := range keys[:i] {
			if k.Field == o.Field {
				return true
			}
		}
	}
	return false
}

// boxesOf gives the boxes of an interval over runs of cells.
func boxesOf(parts [][]cell, in interval) ([]box, bool) {
	if bytes.Equal(in.from, in.to) {
		b, matches := exactBox(parts, in.from)
		if !matches {
			return nil, true
		}
		return []box{b}, true
	}
	return between(parts, in.from, in.to)
}

// exactBox is the box of exactly these bytes; false if no packet has them.
func exactBox(parts [][]cell, data []byte) (b box, matches bool) {
	b = box{}
	for _, run := range parts {
		n, ok := number(run, data)
		if !ok {
			return nil, false
		}
		if run[0].mask != 0 {
			b = append(b, exactly(n))
		}
		data = data[len(run):]
	}
	return b, true
}

// between gives the boxes of the bytes from lo to hi: those of the first run that are strictly between the two, with
// whatever follows, and those at either end with what follows there.
func between(parts [][]cell, lo, hi []byte) ([]box, bool) {
	switch {
	case bytes.Compare(lo, hi) > 0:
		return nil, true
	case len(parts) == 0:
		return []box{{}}, true
	case parts[0][0].mask == 0:
		return betweenConstants(parts, lo, hi)
	}
	k, ordered := keyOf(parts[0])
	if !ordered || !dense(k.Mask) {
		return nil, false
	}
	first, last := bound(parts[0], lo), bound(parts[0], hi)
	if len(parts) == 1 {
		return []box{{{first, last}}}, true
	}
	if k.Mask != k.Field.most() {
		return nil, false
	}
	return split(parts, lo, hi, first, last)
}

// dense tells whether the bits of a mask stand together.
func dense(mask uint64) bool {
	low := mask & -mask
	return mask != 0 && (mask+low)&mask == 0
}

// betweenConstants is between where the first bytes are known.
func betweenConstants(parts [][]cell, lo, hi []byte) ([]box, bool) {
	n := len(parts[0])
	known := make([]byte, n)
	for i, c := range parts[0] {
		known[i] = c.xor
	}
	low, high := bytes.Compare(known, lo[:n]), bytes.Compare(known, hi[:n])
	if low < 0 || high > 0 {
		return nil, true
	}
	from, to := lo[n:], hi[n:]
	if low > 0 {
		from = bytes.Repeat([]byte{0}, len(from))
	}
	if high < 0 {
		to = bytes.Repeat([]byte{0xff}, len(to))
	}
	return between(parts[1:], from, to)
}

// split is between where the first run has the numbers from first to last, and more runs follow.
func split(parts [][]cell, lo, hi []byte, first, last uint64) ([]box, bool) {
	n, rest := len(parts[0]), parts[1:]
	least, most := bytes.Repeat([]byte{0}, len(lo)-n), bytes.Repeat([]byte{0xff}, len(lo)-n)
	var all []box
	add := func(s span, lo, hi []byte) bool {
		tails, ok := between(rest, lo, hi)
		all = append(all, times([]box{{s}}, tails)...)
		return ok
	}
	if first == last {
		ok := add(exactly(first), lo[n:], hi[n:])
		return all, ok
	}
	ok := add(exactly(first), lo[n:], most) && add(exactly(last), least, hi[n:])
	if last-first > 1 {
		ok = ok && add(span{first + 1, last - 1}, least, most)
	}
	return all, ok
}

// fit has the spans of boxes end in numbers that their keys can have.
func (r *region) fit() {
	kept := region{keys: r.keys}
	for n, b := range r.boxes {
		fits := true
		for i, k := range r.keys {
			var ok bool
			b[i], ok = k.fit(b[i])
			fits = fits && ok
		}
		if fits {
			kept.boxes, kept.of = append(kept.boxes, b), append(kept.of, r.of[n])
		}
	}
	*r = kept
}

// widen makes of masks that leave out low bits only the whole field, so that all prefixes of an address have one key. The
// spans of the boxes end in numbers that the keys can have.
func (r *region) widen() {
	for i, k := range r.keys {
		low := k.Field.most() &^ k.Mask
		if low == 0 || low&(low+1) != 0 {
			continue
		}
		r.keys[i].Mask = k.Field.most()
		for _, b := range r.boxes {
			b[i].hi |= low
		}
	}
}

// within restates boxes for more keys: what a key is that they do not name is of no matter.
func (r *region) within(keys []Key) []box {
	place := make([]int, len(keys))
	for i, k := range keys {
		place[i] = -1
		for n, own := range r.keys {
			if own == k {
				place[i] = n
			}
		}
	}
	all := make([]box, len(r.boxes))
	for n, b := range r.boxes {
		all[n] = make(box, len(keys))
		for i, k := range keys {
			if all[n][i] = k.all(); place[i] >= 0 {
				all[n][i] = b[place[i]]
			}
		}
	}
	return all
}
