package introspect

import (
	"fmt"
)

var harmlessSet = setOf(8, 10, 12, 13, 14, 19, 20)

const setFlags = 1<<9 - 1

// decodeSet reads NFT_MSG_NEWSET.
func decodeSet(b []byte) (s Set, err error) {
	if s.Key.Family, b, err = nftMessage(b); err != nil {
		return s, err
	}
	err = attributes(b, s.attribute)
	if s.Flags&^setFlags != 0 {
		s.Unknown = append(s.Unknown, "flags")
	}
	return s, err
}

func (s *Set) attribute(kind uint16, data []byte) error {
	switch kind {
	case 1:
		return set(&s.Key.Table, readString, data)
	case 2:
		return set(&s.Key.Name, readString, data)
	case 3:
		return set(&s.Flags, readBigU32, data)
	case 4:
		return set(&s.KeyType, readBigU32, data)
	case 5:
		return set(&s.KeyLen, readBigU32, data)
	case 6:
		return set(&s.DataType, readBigU32, data)
	case 7:
		return set(&s.DataLen, readBigU32, data)
	case 9:
		return attributes(data, s.description)
	case 11:
		return set(&s.Timeout, readBigU64, data)
	case 15:
		return set(&s.ObjType, readBigU32, data)
	case 16:
		return set(&s.Handle, readBigU64, data)
	case 17:
		return set(&s.Exprs, oneExpression, data)
	case 18:
		return set(&s.Exprs, expressionNames, data)
	}
	harmlessSet.note(&s.Unknown, kind)
	return nil
}

// description reads NFTA_SET_DESC_*.
func (s *Set) description(kind uint16, data []byte) error {
	switch kind {
	case 1:
		return set(&s.Size, readBigU32, data)
	case 2:
		return attributes(data, func(_ uint16, data []byte) error { return attributes(data, s.part) })
	}
	s.Unknown = append(s.Unknown, "description-"+unknownAttribute(kind))
	return nil
}

// part reads NFTA_SET_FIELD_LEN.
func (s *Set) part(kind uint16, data []byte) error {
	length, err := readBigU32(data)
	if err != nil || kind != 1 || length > maxData {
		return fmt.Errorf("a field of %d bytes: %w", length, err)
	}
	s.Fields = append(s.Fields, uint8(length))
	return nil
}

// elements are those of one set in one message.
type elements struct {
	set SetKey
	all []Element
}

// decodeElements reads NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM.
func decodeElements(b []byte) (e elements, err error) {
	if e.set.Family, b, err = nftMessage(b); err != nil {
		return e, err
	}
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return set(&e.set.Table, readString, data)
		case 2:
			return set(&e.set.Name, readString, data)
		case 3:
			return attributes(data, func(_ uint16, data []byte) error {
				one, err := decodeElement(data)
				e.all = append(e.all, one)
				return err
			})
		}
		return nil
	})
	return e, err
}

// NFT_SET_ELEM_*
const (
	elementEnd      = 1
	elementCatchAll = 2
)

// decodeElement reads NFTA_SET_ELEM_*. When it will end is not kept, and neither are notes.
func decodeElement(b []byte) (e Element, err error) {
	var flags uint32
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return set(&e.Key.Key, readData, data)
		case 2:
			return e.datum(data)
		case 3:
			return set(&flags, readBigU32, data)
		case 4:
			return set(&e.Timeout, readBigU64, data)
		case 5, 6, 8:
			return nil
		case 7:
			return set(&e.Exprs, oneExpression, data)
		case 9:
			return set(&e.Object, readString, data)
		case 10:
			return set(&e.Key.To, readData, data)
		case 11:
			return set(&e.Exprs, expressionNames, data)
		}
		e.Unknown = unknownAttribute(kind)
		return nil
	})
	e.Key.End, e.Key.CatchAll = flags&elementEnd != 0, flags&elementCatchAll != 0
	if flags&^(elementEnd|elementCatchAll) != 0 {
		e.Unknown = "flags"
	}
	return e, err
}

// datum reads what a map has for the element: data or a verdict.
func (e *Element) datum(b []byte) error {
	if v, err := readVerdict(b); err == nil {
		e.Verdict = v
		return nil
	}
	return set(&e.Data, readData, b)
}
