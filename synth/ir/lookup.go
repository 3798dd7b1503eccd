package ir

import (
	"encoding/binary"
	"fmt"
)

// lookup asks a table. A row counts as the number 1, no row as 0.
func (e *evaluator) lookup(v *Value) (uint64, error) {
	t, key := v.Table, e.num[v.Args[0].ID]
	switch t.Kind {
	case Rows:
		data, err := e.contents(t)
		if err != nil {
			return 0, err
		}
		i := int(key & uint64(t.Size-1))
		e.row[v.ID] = rowRef{uint32(i), data[i*t.RowSize:][:t.RowSize]}
		return 1, nil
	case Keyed:
		data, err := e.contents(t)
		if err != nil {
			return 0, err
		}
		i := t.Find(data, key)
		e.row[v.ID] = rowRef{uint32(i), data[i*t.RowSize:][:t.RowSize]}
		return 1, nil
	case LPM:
		data, err := e.contents(t)
		if err != nil {
			return 0, err
		}
		return uint64(t.Match(data, uint32(key))), nil
	case Packed:
		data, err := e.contents(t)
		if err != nil {
			return 0, err
		}
		return uint64(t.MatchPacked(data, uint32(key))), nil
	case LPM6:
		data, err := e.contents(t)
		if err != nil {
			return 0, err
		}
		return uint64(t.Match6(data, key, e.num[v.Args[1].ID])), nil
	case Set:
		return t.member(uint32(key)), nil
	case Set6:
		return t.member6(key, e.num[v.Args[1].ID]), nil
	case Hash:
		return e.lookupHash(v, uint32(key))
	case FIB:
		return e.lookupLive(v, e.env.FIB, fibBits[:])
	case FIB6:
		return e.lookupLive(v, e.env.FIB6, fib6Bits[:])
	case Conntrack:
		return e.lookupLive(v, e.env.Conntrack, conntrackBits[:])
	case Conntrack6:
		return e.lookupLive(v, e.env.Conntrack6, conntrack6Bits[:])
	}
	return 0, fmt.Errorf("table %s has no kind", t.Name)
}

func (e *evaluator) contents(t *Table) ([]byte, error) {
	data := e.env.Tables[t.Name]
	if t.Data != nil {
		data = t.Data
	}
	if len(data) < t.Bytes() {
		return nil, fmt.Errorf("table %s holds %d bytes, want %d", t.Name, len(data), t.Bytes())
	}
	return data, nil
}

// Match finds an address in the contents of an LPM table.
func (t *Table) Match(data []byte, addr uint32) uint16 {
	word, left := binary.NativeEndian.Uint16(data[2*(addr>>(32-FirstLPM)):]), 32-FirstLPM
	if t.Focus4.Len > 0 && t.Focus4.Contains(addr) {
		left = 32 - FocusBits - t.Focus4.Len
		word = binary.NativeEndian.Uint16(data[2<<FirstLPM+2*int(addr>>left&(1<<FocusBits-1)):])
	}
	for ; left > 0 && word&0x8000 != 0; left -= 8 {
		block := int(word) & 0x7fff & (t.Size - 1)
		next := int(addr>>(left-8)) & 0xff
		word = binary.NativeEndian.Uint16(data[t.blocksAt()+block*512+next*2:])
	}
	return word
}

func (t *Table) member(addr uint32) uint64 {
	for _, p := range t.Prefixes {
		if p.Contains(addr) {
			return 1
		}
	}
	return 0
}

func (t *Table) member6(hi, lo uint64) uint64 {
	for _, p := range t.Prefixes6 {
		if p.Contains(hi, lo) {
			return 1
		}
	}
	return 0
}

func (e *evaluator) lookupHash(v *Value, key uint32) (uint64, error) {
	row, ok := e.env.Hash[v.Table.Name][key]
	if !ok {
		return 0, nil
	}
	if len(row) != v.Table.RowSize {
		return 0, fmt.Errorf("row %d of %s holds %d bytes, want %d", key, v.Table.Name, len(row), v.Table.RowSize)
	}
	e.row[v.ID] = rowRef{key, row}
	return 1, nil
}

// fibBits and fib6Bits are the bits of each operand of a live lookup that count.
var (
	fibBits  = [...]uint{32, 32, 16, 8, 16, 16, 8}
	fib6Bits = [...]uint{64, 64, 64, 64, 16, 8, 16, 16, 28}
)

func (e *evaluator) lookupLive(v *Value, live func(args []uint64) []byte, bits []uint) (uint64, error) {
	if live == nil {
		return 0, fmt.Errorf("no live lookup")
	}
	args := make([]uint64, len(v.Args))
	for i, a := range v.Args {
		args[i] = e.num[a.ID] & (1<<bits[i] - 1)
	}
	e.row[v.ID] = rowRef{0, live(args)}
	return 1, nil
}

// field reads a field of a row.
func (e *evaluator) field(v *Value) (uint64, error) {
	f, ok := v.Table.Field(v.Field)
	row := e.row[v.Args[0].ID].data
	if !ok || len(row) < f.Offset+int(f.Width) {
		return 0, fmt.Errorf("row of %s has no field %q", v.Table.Name, v.Field)
	}
	switch at := row[f.Offset:]; f.Width {
	case 1:
		return uint64(at[0]), nil
	case 2:
		return uint64(binary.NativeEndian.Uint16(at)), nil
	case 4:
		return uint64(binary.NativeEndian.Uint32(at)), nil
	case 8:
		return binary.NativeEndian.Uint64(at), nil
	}
	return 0, fmt.Errorf("field %q is %d bytes wide", v.Field, f.Width)
}
