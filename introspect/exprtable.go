package introspect

// The attributes of the expressions that load and compare, by their numbers in linux/netfilter/nf_tables.h.

func (v Payload) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "base", &v.Base)
	a.u32(3, "offset", &v.Offset)
	a.u32(4, "len", &v.Len)
	a.require(within("base", v.Base, 4))
	a.require(fits(v.DReg, v.Len))
	return "payload", v
}

func (v Meta) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "key", &v.Key)
	return "meta", v
}

func (v Ct) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "key", &v.Key)
	attr8(a.optional(), 3, "dir", &v.Direction)
	a.require(ctDirection(v.Direction))
	return "ct", v
}

func ctDirection(d Direction) string {
	if d == NoDirection {
		return ""
	}
	return within("direction", uint32(d), 2)
}

func (v Rt) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "key", &v.Key)
	return "rt", v
}

func (v Fib) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "result", &v.Result)
	a.u32(3, "flags", &v.Flags)
	return "fib", v
}

func (v ExtHdr) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	attr8(a, 2, "type", &v.Type)
	a.u32(3, "offset", &v.Offset)
	a.u32(4, "len", &v.Len)
	a.optional().u32(5, "flags", &v.Flags)
	a.optional().u32(6, "op", &v.Op)
	a.require(fits(v.DReg, v.Len))
	return "exthdr", v
}

func (v Cmp) walk(a *attrs) (string, Expr) {
	a.register(1, "sreg", &v.SReg)
	a.u32(2, "op", &v.Op)
	a.data(3, "data", &v.Data)
	a.require(within("comparison", v.Op, 6))
	a.require(fits(v.SReg, uint32(len(v.Data))))
	return "cmp", v
}

func (v Range) walk(a *attrs) (string, Expr) {
	a.register(1, "sreg", &v.SReg)
	a.u32(2, "op", &v.Op)
	a.data(3, "from", &v.From)
	a.data(4, "to", &v.To)
	a.require(within("comparison", v.Op, 2))
	if len(v.From) != len(v.To) {
		a.require("ends of different lengths")
	}
	a.require(fits(v.SReg, uint32(len(v.From))))
	return "range", v
}

func (v Bitwise) walk(a *attrs) (string, Expr) {
	a.register(1, "sreg", &v.SReg)
	a.register(2, "dreg", &v.DReg)
	a.u32(3, "len", &v.Len)
	a.data(4, "mask", &v.Mask)
	a.data(5, "xor", &v.Xor)
	a.zero(6)
	if len(v.Mask) != int(v.Len) || len(v.Xor) != int(v.Len) {
		a.require("mask of another length")
	}
	a.require(fits(max(v.SReg, v.DReg), v.Len))
	return "bitwise", v
}

func (v Shift) walk(a *attrs) (string, Expr) {
	a.register(1, "sreg", &v.SReg)
	a.register(2, "dreg", &v.DReg)
	a.u32(3, "len", &v.Len)
	attrOf(a, 6, &v.Right, readShift)
	a.flag("right", &v.Right)
	attrOf(a, 7, &v.Bits, readBits)
	num(&a.text, "bits", &v.Bits)
	a.require(within("shift by", v.Bits, 32))
	a.require(fits(max(v.SReg, v.DReg), v.Len))
	return "shift", v
}

func (v Byteorder) walk(a *attrs) (string, Expr) {
	a.register(1, "sreg", &v.SReg)
	a.register(2, "dreg", &v.DReg)
	a.u32(3, "op", &v.Op)
	a.u32(4, "len", &v.Len)
	a.u32(5, "size", &v.Size)
	a.require(within("direction", v.Op, 2))
	if v.Size != 2 && v.Size != 4 && v.Size != 8 {
		a.require(within("words of", v.Size, 0))
	}
	a.require(fits(max(v.SReg, v.DReg), v.Len))
	return "byteorder", v
}

func (v Immediate) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.data(2, "data", &v.Data)
	a.require(fits(v.DReg, uint32(len(v.Data))))
	return "immediate", v
}

func (v Verdict) walk(a *attrs) (string, Expr) {
	a.skip(1)
	attrOf(a, 2, &v, readVerdict)
	num(&a.text, "code", &v.Code)
	a.word("chain", &v.Chain)
	return "verdict", v
}

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

func (v Lookup) walk(a *attrs) (string, Expr) {
	a.name(1, "set", &v.Set)
	a.register(2, "sreg", &v.SReg)
	a.optional().target(3, "dreg", &v.DReg)
	a.optional().bit(5, "invert", 1, &v.Invert)
	return "lookup", v
}

func (v Counter) walk(a *attrs) (string, Expr) {
	a.skip(1)
	a.skip(2)
	a.skip(3)
	return "counter", v
}

func (v Opaque) walk(a *attrs) (string, Expr) {
	a.word("name", &v.Name)
	a.word("why", &v.Why)
	return "opaque", v
}

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
