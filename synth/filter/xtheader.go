package filter

import "golang.org/x/sys/unix"

// Matches of iptables that look at the header of IPv4. Those of IPv6 are left to the kernel.

// header are bytes of the header of IPv4; nil for IPv6.
func (d *reader) header(offset, length uint32) []cell {
	if d.in.Six {
		return nil
	}
	return d.in.payload(unix.NFT_PAYLOAD_NETWORK_HEADER, offset, length)
}

// within asks whether bytes are between two others, both included, or not.
func within(cells []cell, from, to []byte, not bool) question {
	return question{[][]cell{cells}, []element{{{from, to}}}, not}
}

// xtLength asks for the length that the header says.
func (d *reader) xtLength(b []byte) ([]question, bool) {
	from, to, not := native16At(b, 0), native16At(b, 2), b[4] != 0
	if from > to {
		from, to, not = 0, 0xffff, !not
	}
	cells := d.header(2, 2)
	return []question{ports(cells, from, to, not)}, cells != nil && b[4] <= 1
}

// xtTTL asks whether the TTL is a number, is not, is less or is more.
func (d *reader) xtTTL(b []byte) ([]question, bool) {
	const equal, unequal, less, more = 0, 1, 2, 3
	cells, n := d.header(8, 1), b[1]
	switch b[0] {
	case equal, unequal:
		return []question{within(cells, []byte{n}, []byte{n}, b[0] == unequal)}, cells != nil
	case less: // which is not: from the number on
		return []question{within(cells, []byte{n}, []byte{0xff}, true)}, cells != nil
	case more:
		return []question{within(cells, []byte{0}, []byte{n}, true)}, cells != nil
	}
	return nil, false
}

// xtDSCP asks for the upper six bits of the type of service, xtTOS for any of its bits.
func (d *reader) xtDSCP(b []byte) ([]question, bool) {
	return d.service(0xfc, b[0]<<2, b[1] != 0)
}

func (d *reader) xtTOS(b []byte) ([]question, bool) {
	return d.service(b[0], b[1], b[2] != 0)
}

func (d *reader) service(mask, want byte, not bool) ([]question, bool) {
	cells := d.header(1, 1)
	if cells == nil {
		return nil, false
	}
	return []question{exact(maskedBy(cells, []byte{mask}), []byte{want}, not)}, true
}

// xtIPRange asks for addresses between two others.
func (d *reader) xtIPRange(b []byte) (all []question, ok bool) {
	const (
		source, dest, notSource, notDest = 1, 2, 1 << 4, 1 << 5
		atSource, atDest, address        = 12, 16, 16 // of an address, in the header and in the data
	)
	flags := b[4*address]
	if d.in.Six || flags&^(source|dest|notSource|notDest) != 0 {
		return nil, false
	}
	for _, end := range []struct {
		asked, not byte
		offset     uint32
		from, to   []byte
	}{{source, notSource, atSource, b[:4], b[address:][:4]}, {dest, notDest, atDest, b[2*address:][:4], b[3*address:][:4]}} {
		if flags&end.asked == 0 {
			continue
		}
		q := within(d.header(end.offset, 4), end.from, end.to, flags&end.not != 0)
		if string(end.from) > string(end.to) {
			q = within(d.header(end.offset, 4), make([]byte, 4), []byte{255, 255, 255, 255}, flags&end.not == 0)
		}
		all = append(all, q)
	}
	return all, true
}
