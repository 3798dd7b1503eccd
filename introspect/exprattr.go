package introspect

import (
	"encoding/binary"
	"fmt"
)

// Makers of the attributes of expressions. All integers have network byte order.

func attrOf[T, F any](number uint16, f field[T], at func(*T) *F, read func([]byte) (F, error)) attr[T] {
	return attr[T]{number: number, needed: true, field: f, read: func(v *T, data []byte) error { return set(at(v), read, data) }}
}

// optional is the attribute where an expression may go without.
func (a attr[T]) optional() attr[T] {
	a.needed = false
	return a
}

// skipped is an attribute that is known and says nothing of use.
func skipped[T any](number uint16) attr[T] {
	return attr[T]{number: number, read: func(*T, []byte) error { return nil }}
}

func attr8[T any, F ~uint8](number uint16, name string, at func(*T) *F) attr[T] {
	return attrOf(number, numField(name, at), at, func(b []byte) (F, error) { v, err := readU8(b); return F(v), err })
}

func attr16[T any](number uint16, name string, at func(*T) *uint16) attr[T] {
	return attrOf(number, numField(name, at), at, readBigU16)
}

func attr32[T any](number uint16, name string, at func(*T) *uint32) attr[T] {
	return attrOf(number, numField(name, at), at, readBigU32)
}

func attr64[T any](number uint16, name string, at func(*T) *uint64) attr[T] {
	return attrOf(number, numField(name, at), at, readBigU64)
}

func attrWord[T any](number uint16, name string, at func(*T) *string) attr[T] {
	return attrOf(number, wordField(name, at), at, readString)
}

// attrBytes is bare bytes, attrData those of a nested NFTA_DATA_VALUE.
func attrBytes[T any](number uint16, name string, at func(*T) *Data) attr[T] {
	return attrOf(number, textField(name, at), at, func(b []byte) (Data, error) { return Data(b), nil })
}

func attrData[T any](number uint16, name string, at func(*T) *Data) attr[T] {
	return attrOf(number, textField(name, at), at, readData)
}

// attrRegister is one of the sixteen, attrTarget one of them or the verdict's.
func attrRegister[T any](number uint16, name string, at func(*T) *Register) attr[T] {
	return attrOf(number, numField(name, at), at, func(b []byte) (Register, error) {
		r, err := readRegister(b)
		if err == nil && r == VerdictRegister {
			err = fmt.Errorf("the verdict for a register")
		}
		return r, err
	})
}

func attrTarget[T any](number uint16, name string, at func(*T) *Register) attr[T] {
	return attrOf(number, numField(name, at), at, readRegister)
}

// attrBit is a flag among those of an attribute of 32 bits; another one is not understood.
func attrBit[T any](number uint16, name string, bit uint32, at func(*T) *bool) attr[T] {
	return attrOf(number, boolField(name, at), at, func(b []byte) (bool, error) {
		flags, err := readBigU32(b)
		if err == nil && flags&^bit != 0 {
			err = fmt.Errorf("flags %#x", flags)
		}
		return flags&bit != 0, err
	})
}

// The registers of linux/netfilter/nf_tables.h: the old ones, and those of four bytes.
const (
	oldRegisters  = 4
	firstRegister = 8
	oldRegister   = 4 // in registers of four bytes
)

func readRegister(b []byte) (Register, error) {
	r, err := readBigU32(b)
	switch {
	case err != nil:
		return NoRegister, err
	case r == 0:
		return VerdictRegister, nil
	case r <= oldRegisters:
		return Register((r - 1) * oldRegister), nil
	case r >= firstRegister && r < firstRegister+numRegisters:
		return Register(r - firstRegister), nil
	}
	return NoRegister, fmt.Errorf("register %d", r)
}

// maxData is as many bytes as all registers have.
const maxData = 4 * numRegisters

// NFTA_DATA_* and NFTA_VERDICT_*
const (
	nftaDataValue    = 1
	nftaDataVerdict  = 2
	nftaVerdictCode  = 1
	nftaVerdictChain = 2
)

func readData(b []byte) (d Data, err error) {
	err = attributes(b, func(kind uint16, data []byte) error {
		if kind != nftaDataValue || len(data) == 0 || len(data) > maxData || d != "" {
			return fmt.Errorf("%d bytes that are no data", len(data))
		}
		d = Data(data)
		return nil
	})
	if err == nil && d == "" {
		err = errShort
	}
	return d, err
}

func readVerdict(b []byte) (v Verdict, err error) {
	coded := false
	err = attributes(b, func(kind uint16, data []byte) error {
		if kind != nftaDataVerdict {
			return fmt.Errorf("no verdict")
		}
		return attributes(data, func(kind uint16, data []byte) error {
			switch kind {
			case nftaVerdictCode:
				coded = true
				return set(&v.Code, readBigS32, data)
			case nftaVerdictChain:
				return set(&v.Chain, readString, data)
			}
			return fmt.Errorf("no verdict")
		})
	})
	if err == nil && !coded {
		err = errShort
	}
	return v, err
}

func readBigU16(b []byte) (uint16, error) {
	if err := wantSize(b, 2); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b), nil
}

func readBigS32(b []byte) (int32, error) {
	u, err := readBigU32(b)
	return int32(u), err
}

// shown is a field of the text that another attribute has read.
func shown[T any](f field[T]) attr[T] { return attr[T]{number: 0xffff, field: f} }

// attrZero is an attribute of 32 bits that has to be 0.
func attrZero[T any](number uint16) attr[T] {
	return attr[T]{number: number, read: func(_ *T, b []byte) error {
		u, err := readBigU32(b)
		if err == nil && u != 0 {
			err = fmt.Errorf("value %d", u)
		}
		return err
	}}
}

// attrNames is a list of expressions, or one, of which the names are kept.
func attrNames[T any](number uint16, read func([]byte) (string, error), at func(*T) *string) attr[T] {
	return attr[T]{number: number, read: func(v *T, data []byte) error { return set(at(v), read, data) }}
}
