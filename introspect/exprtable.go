package introspect

// The attributes of the expressions that load and compare, by their numbers in linux/netfilter/nf_tables.h.

var payloadKind = exprFormat("payload", Payload{}, func(v Payload) string {
	if v.Base > 3 {
		return within("base", v.Base, 4)
	}
	return fits(v.DReg, v.Len)
},
	attrRegister(1, "dreg", func(v *Payload) *Register { return &v.DReg }),
	attr32(2, "base", func(v *Payload) *uint32 { return &v.Base }),
	attr32(3, "offset", func(v *Payload) *uint32 { return &v.Offset }),
	attr32(4, "len", func(v *Payload) *uint32 { return &v.Len }),
)

var metaKind = exprFormat("meta", Meta{}, nil,
	attrRegister(1, "dreg", func(v *Meta) *Register { return &v.DReg }),
	attr32(2, "key", func(v *Meta) *uint32 { return &v.Key }),
)

var ctKind = exprFormat("ct", Ct{Direction: NoDirection}, func(v Ct) string { return ctDirection(v.Direction) },
	attrRegister(1, "dreg", func(v *Ct) *Register { return &v.DReg }),
	attr32(2, "key", func(v *Ct) *uint32 { return &v.Key }),
	attr8(3, "dir", func(v *Ct) *Direction { return &v.Direction }).optional(),
)

func ctDirection(d Direction) string {
	if d == NoDirection {
		return ""
	}
	return within("direction", uint32(d), 2)
}

var rtKind = exprFormat("rt", Rt{}, nil,
	attrRegister(1, "dreg", func(v *Rt) *Register { return &v.DReg }),
	attr32(2, "key", func(v *Rt) *uint32 { return &v.Key }),
)

var fibKind = exprFormat("fib", Fib{}, nil,
	attrRegister(1, "dreg", func(v *Fib) *Register { return &v.DReg }),
	attr32(2, "result", func(v *Fib) *uint32 { return &v.Result }),
	attr32(3, "flags", func(v *Fib) *uint32 { return &v.Flags }),
)

var exthdrKind = exprFormat("exthdr", ExtHdr{}, func(v ExtHdr) string { return fits(v.DReg, v.Len) },
	attrRegister(1, "dreg", func(v *ExtHdr) *Register { return &v.DReg }),
	attr8(2, "type", func(v *ExtHdr) *uint8 { return &v.Type }),
	attr32(3, "offset", func(v *ExtHdr) *uint32 { return &v.Offset }),
	attr32(4, "len", func(v *ExtHdr) *uint32 { return &v.Len }),
	attr32(5, "flags", func(v *ExtHdr) *uint32 { return &v.Flags }).optional(),
	attr32(6, "op", func(v *ExtHdr) *uint32 { return &v.Op }).optional(),
).of("exthdr", has(1))

var cmpKind = exprFormat("cmp", Cmp{}, func(v Cmp) string {
	if v.Op > 5 {
		return within("comparison", v.Op, 6)
	}
	return fits(v.SReg, uint32(len(v.Data)))
},
	attrRegister(1, "sreg", func(v *Cmp) *Register { return &v.SReg }),
	attr32(2, "op", func(v *Cmp) *uint32 { return &v.Op }),
	attrData(3, "data", func(v *Cmp) *Data { return &v.Data }),
)

var rangeKind = exprFormat("range", Range{}, func(v Range) string {
	switch {
	case v.Op > 1:
		return within("comparison", v.Op, 2)
	case len(v.From) != len(v.To):
		return "ends of different lengths"
	}
	return fits(v.SReg, uint32(len(v.From)))
},
	attrRegister(1, "sreg", func(v *Range) *Register { return &v.SReg }),
	attr32(2, "op", func(v *Range) *uint32 { return &v.Op }),
	attrData(3, "from", func(v *Range) *Data { return &v.From }),
	attrData(4, "to", func(v *Range) *Data { return &v.To }),
)

var bitwiseKind = exprFormat("bitwise", Bitwise{}, func(v Bitwise) string {
	if len(v.Mask) != int(v.Len) || len(v.Xor) != int(v.Len) {
		return "mask of another length"
	}
	return fits(max(v.SReg, v.DReg), v.Len)
},
	attrRegister(1, "sreg", func(v *Bitwise) *Register { return &v.SReg }),
	attrRegister(2, "dreg", func(v *Bitwise) *Register { return &v.DReg }),
	attr32(3, "len", func(v *Bitwise) *uint32 { return &v.Len }),
	attrData(4, "mask", func(v *Bitwise) *Data { return &v.Mask }),
	attrData(5, "xor", func(v *Bitwise) *Data { return &v.Xor }),
	attrZero[Bitwise](6),
)

var shiftKind = exprFormat("shift", Shift{}, func(v Shift) string {
	if v.Bits > 31 {
		return within("shift by", v.Bits, 32)
	}
	return fits(max(v.SReg, v.DReg), v.Len)
},
	attrRegister(1, "sreg", func(v *Shift) *Register { return &v.SReg }),
	attrRegister(2, "dreg", func(v *Shift) *Register { return &v.DReg }),
	attr32(3, "len", func(v *Shift) *uint32 { return &v.Len }),
	attrOf(6, boolField("right", func(v *Shift) *bool { return &v.Right }), func(v *Shift) *bool { return &v.Right }, readShift),
	attrOf(7, numField("bits", func(v *Shift) *uint32 { return &v.Bits }), func(v *Shift) *uint32 { return &v.Bits }, readBits),
).of("bitwise", has(7))

var byteorderKind = exprFormat("byteorder", Byteorder{}, func(v Byteorder) string {
	switch {
	case v.Op > 1:
		return within("direction", v.Op, 2)
	case v.Size != 2 && v.Size != 4 && v.Size != 8:
		return within("words of", v.Size, 0)
	}
	return fits(max(v.SReg, v.DReg), v.Len)
},
	attrRegister(1, "sreg", func(v *Byteorder) *Register { return &v.SReg }),
	attrRegister(2, "dreg", func(v *Byteorder) *Register { return &v.DReg }),
	attr32(3, "op", func(v *Byteorder) *uint32 { return &v.Op }),
	attr32(4, "len", func(v *Byteorder) *uint32 { return &v.Len }),
	attr32(5, "size", func(v *Byteorder) *uint32 { return &v.Size }),
)

var immediateKind = exprFormat("immediate", Immediate{}, func(v Immediate) string { return fits(v.DReg, uint32(len(v.Data))) },
	attrRegister(1, "dreg", func(v *Immediate) *Register { return &v.DReg }),
	attrData(2, "data", func(v *Immediate) *Data { return &v.Data }),
)

var verdictKind = exprFormat("verdict", Verdict{}, nil,
	skipped[Verdict](1),
	attr[Verdict]{2, true, numField("code", func(v *Verdict) *int32 { return &v.Code }),
		func(v *Verdict, b []byte) error { return set(v, readVerdict, b) }},
	shown(wordField("chain", func(v *Verdict) *string { return &v.Chain })),
).of("immediate", decides)

// decides tells whether an immediate expression loads the verdict.
func decides(b []byte) bool {
	verdict := false
	_ = attributes(b, func(number uint16, data []byte) error {
		if number == 1 {
			r, err := readRegister(data)
			verdict = err == nil && r == VerdictRegister
		}
		return nil
	})
	return verdict
}

var lookupKind = exprFormat("lookup", Lookup{DReg: NoRegister}, nil,
	attrWord(1, "set", func(v *Lookup) *string { return &v.Set }),
	attrRegister(2, "sreg", func(v *Lookup) *Register { return &v.SReg }),
	attrTarget(3, "dreg", func(v *Lookup) *Register { return &v.DReg }).optional(),
	attrBit(5, "invert", 1, func(v *Lookup) *bool { return &v.Invert }).optional(),
)

var counterKind = exprFormat("counter", Counter{}, nil, skipped[Counter](1), skipped[Counter](2), skipped[Counter](3))

var opaqueKind = exprFormat("opaque", Opaque{}, nil,
	shown(wordField("name", func(v *Opaque) *string { return &v.Name })),
	shown(wordField("why", func(v *Opaque) *string { return &v.Why })),
).of("", nil)

func readShift(b []byte) (right bool, err error) {
	op, err := readBigU32(b)
	if err == nil && op != 1 && op != 2 {
		return false, errOperation
	}
	return op == 2, err
}

// readBits reads how far to shift, which is data and so in host byte order.
func readBits(b []byte) (uint32, error) {
	d, err := readData(b)
	if err != nil || len(d) != 4 {
		return 0, errOperation
	}
	return native.Uint32([]byte(d)), nil
}
