package introspect

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// maxAttr bounds the numbers of the attributes that an expression can have.
const maxAttr = 16

// attrs is one walk over the attributes of an expression: either over those that the kernel says, where a field of the
// text is passed over, or over their text.
type attrs struct {
	text
	given        [maxAttr][]byte // by number
	named, asked uint32          // bits of the numbers that are given, and of those that the walk has asked for
	may          bool            // the next one may be missing
	why          string          // why the expression is not understood, "" if it is
}

// give begins the walk over what the kernel says.
func (a *attrs) give(b []byte) error {
	a.mode, a.named, a.asked, a.may, a.why = passing, 0, 0, false, ""
	return attributes(b, func(number uint16, data []byte) error {
		if number >= maxAttr || a.named&(1<<number) != 0 {
			a.why = unknownAttribute(number)
			return nil
		}
		a.given[number], a.named = data, a.named|1<<number
		return nil
	})
}

// end says why the expression is not understood.
func (a *attrs) end() string {
	unknown := a.named &^ a.asked
	for number := uint16(0); unknown != 0; number++ {
		if unknown&(1<<number) != 0 {
			return unknownAttribute(number)
		}
	}
	return a.why
}

// require takes note of why values are out of range: "" if they are not.
func (a *attrs) require(why string) {
	if a.why == "" && a.mode == passing {
		a.why = why
	}
}

// optional says that the expression can be without the attribute that is asked for next.
func (a *attrs) optional() *attrs {
	a.may = true
	return a
}

func (a *attrs) has(number uint16) bool { return a.named&(1<<number) != 0 }

// attrOf reads an attribute, in the walk over what the kernel says.
func attrOf[F any](a *attrs, number uint16, at *F, read func([]byte) (F, error)) {
	if a.mode != passing {
		return
	}
	needed := !a.may
	a.may = false
	a.asked |= 1 << number
	if !a.has(number) {
		if needed {
			a.require("no " + unknownAttribute(number))
		}
		return
	}
	if err := set(at, read, a.given[number]); err != nil {
		a.require(fmt.Sprintf("attribute %d: %v", number, err))
	}
}

// skip passes over an attribute that is known and says nothing of use.
func (a *attrs) skip(number uint16) { a.asked |= 1 << number }

// attr8 is an attribute of one byte. All integers have network byte order.
func attr8[F ~uint8](a *attrs, number uint16, name string, at *F) {
	attrOf(a, number, at, func(b []byte) (F, error) { v, err := readU8(b); return F(v), err })
	num(&a.text, name, at)
}

func (a *attrs) u16(number uint16, name string, at *uint16) {
	attrOf(a, number, at, readBigU16)
	num(&a.text, name, at)
}

func (a *attrs) u32(number uint16, name string, at *uint32) {
	attrOf(a, number, at, readBigU32)
	num(&a.text, name, at)
}

func (a *attrs) u64(number uint16, name string, at *uint64) {
	attrOf(a, number, at, readBigU64)
	num(&a.text, name, at)
}

func (a *attrs) name(number uint16, name string, at *string) {
	attrOf(a, number, at, readString)
	a.word(name, at)
}

// bytes is bare bytes, data those of a nested NFTA_DATA_VALUE.
func (a *attrs) bytes(number uint16, name string, at *Data) {
	attrOf(a, number, at, func(b []byte) (Data, error) { return Data(b), nil })
	a.own(name, at)
}

func (a *attrs) data(number uint16, name string, at *Data) {
	attrOf(a, number, at, readData)
	a.own(name, at)
}

// register is one of the sixteen, target one of them or the verdict's.
func (a *attrs) register(number uint16, name string, at *Register) {
	attrOf(a, number, at, func(b []byte) (Register, error) {
		r, err := readRegister(b)
		if err == nil && r == VerdictRegister {
			err = errVerdict
		}
		return r, err
	})
	num(&a.text, name, at)
}

var errVerdict = errors.New("the verdict for a register")

func (a *attrs) target(number uint16, name string, at *Register) {
	attrOf(a, number, at, readRegister)
	num(&a.text, name, at)
}

// bit is a flag among those of an attribute of 32 bits; another one is not understood.
func (a *attrs) bit(number uint16, name string, bit uint32, at *bool) {
	attrOf(a, number, at, func(b []byte) (bool, error) {
		flags, err := readBigU32(b)
		if err == nil && flags&^bit != 0 {
			err = fmt.Errorf("flags %#x", flags)
		}
		return flags&bit != 0, err
	})
	a.flag(name, at)
}

// zero is an attribute of 32 bits that has to be 0.
func (a *attrs) zero(number uint16) {
	var u uint32
	attrOf(a.optional(), number, &u, readBigU32)
	if u != 0 {
		a.require(fmt.Sprintf("attribute %d: value %d", number, u))
	}
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
