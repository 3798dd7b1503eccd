package introspect

import "errors"

var errOperation = errors.New("operation")

// The attributes of the expressions that do more than to load and compare.

func (v PayloadSet) walk(a *attrs) (string, Expr) {
	a.u32(2, "base", &v.Base)
	a.u32(3, "offset", &v.Offset)
	a.u32(4, "len", &v.Len)
	a.register(5, "sreg", &v.SReg)
	a.optional().u32(6, "csum", &v.ChecksumType)
	a.optional().u32(7, "csum-offset", &v.ChecksumOffset)
	a.optional().u32(8, "csum-flags", &v.ChecksumFlag)
	a.require(fits(v.SReg, v.Len))
	return "payload-set", v
}

func (v MetaSet) walk(a *attrs) (string, Expr) {
	a.u32(2, "key", &v.Key)
	a.register(3, "sreg", &v.SReg)
	return "meta-set", v
}

func (v CtSet) walk(a *attrs) (string, Expr) {
	a.u32(2, "key", &v.Key)
	attr8(a.optional(), 3, "dir", &v.Direction)
	a.register(4, "sreg", &v.SReg)
	a.require(ctDirection(v.Direction))
	return "ct-set", v
}

func (v ExtHdrSet) walk(a *attrs) (string, Expr) {
	attr8(a, 2, "type", &v.Type)
	a.u32(3, "offset", &v.Offset)
	a.u32(4, "len", &v.Len)
	a.optional().u32(5, "flags", &v.Flags)
	a.optional().u32(6, "op", &v.Op)
	a.register(7, "sreg", &v.SReg)
	a.require(fits(v.SReg, v.Len))
	return "exthdr-set", v
}

func (v ExtHdrReset) walk(a *attrs) (string, Expr) {
	attr8(a, 2, "type", &v.Type)
	for _, place := range []uint16{3, 4, 5} { // offset, length and flags say nothing of an option that goes as a whole
		a.skip(place)
	}
	a.u32(6, "op", &v.Op)
	return "exthdr-reset", v
}

func (v Limit) walk(a *attrs) (string, Expr) {
	a.u64(1, "rate", &v.Rate)
	a.u64(2, "unit", &v.Unit)
	a.optional().u32(3, "burst", &v.Burst)
	a.optional().u32(4, "type", &v.Type)
	a.optional().u32(5, "flags", &v.Flags)
	a.skip(6)
	return "limit", v
}

// What a quota has consumed, and that it is depleted, is no configuration.
func (v Quota) walk(a *attrs) (string, Expr) {
	a.u64(1, "bytes", &v.Bytes)
	attrOf(a.optional(), 2, &v.Flags, readQuotaFlags)
	num(&a.text, "flags", &v.Flags)
	a.skip(3)
	a.skip(4)
	return "quota", v
}

const quotaDepleted = 2 // NFT_QUOTA_F_DEPLETED

func readQuotaFlags(b []byte) (uint32, error) {
	flags, err := readBigU32(b)
	return flags &^ quotaDepleted, err
}

func (v ConnLimit) walk(a *attrs) (string, Expr) {
	a.u32(1, "count", &v.Count)
	a.optional().u32(2, "flags", &v.Flags)
	return "connlimit", v
}

func (v Log) walk(a *attrs) (string, Expr) {
	v.ToUser = v.ToUser || a.has(1)
	a.optional().u16(1, "group", &v.Group)
	a.optional().name(2, "prefix", &v.Prefix)
	a.skip(3)
	a.skip(4)
	a.optional().u32(5, "level", &v.Level)
	a.skip(6)
	a.flag("to-user", &v.ToUser)
	return "log", v
}

func (v Reject) walk(a *attrs) (string, Expr) {
	a.u32(1, "type", &v.Type)
	attr8(a.optional(), 2, "code", &v.Code)
	return "reject", v
}

func (v NAT) walk(a *attrs) (string, Expr) {
	a.u32(1, "type", &v.Type)
	a.u32(2, "family", &v.Family)
	a.optional().register(3, "addr-min", &v.AddrMin)
	a.optional().register(4, "addr-max", &v.AddrMax)
	a.optional().register(5, "proto-min", &v.ProtoMin)
	a.optional().register(6, "proto-max", &v.ProtoMax)
	a.optional().u32(7, "flags", &v.Flags)
	return "nat", v
}

func (v Masquerade) walk(a *attrs) (string, Expr) {
	a.optional().u32(1, "flags", &v.Flags)
	a.optional().register(2, "proto-min", &v.ProtoMin)
	a.optional().register(3, "proto-max", &v.ProtoMax)
	return "masq", v
}

func (v Redirect) walk(a *attrs) (string, Expr) {
	a.optional().register(1, "proto-min", &v.ProtoMin)
	a.optional().register(2, "proto-max", &v.ProtoMax)
	a.optional().u32(3, "flags", &v.Flags)
	return "redir", v
}

func (v Notrack) walk(a *attrs) (string, Expr) {
	return "notrack", v
}

func (v Numgen) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "modulus", &v.Modulus)
	a.u32(3, "type", &v.Type)
	a.optional().u32(4, "offset", &v.Offset)
	return "numgen", v
}

func (v Hash) walk(a *attrs) (string, Expr) {
	a.optional().register(1, "sreg", &v.SReg)
	a.register(2, "dreg", &v.DReg)
	a.optional().u32(3, "len", &v.Len)
	a.u32(4, "modulus", &v.Modulus)
	a.optional().u32(5, "seed", &v.Seed)
	a.optional().u32(6, "offset", &v.Offset)
	a.optional().u32(7, "type", &v.Type)
	return "hash", v
}

func (v Dynset) walk(a *attrs) (string, Expr) {
	a.name(1, "set", &v.Set)
	a.skip(2)
	a.u32(3, "op", &v.Op)
	a.register(4, "sreg-key", &v.SRegKey)
	a.optional().register(5, "sreg-data", &v.SRegData)
	a.optional().u64(6, "timeout", &v.Timeout)
	attrOf(a.optional(), 7, &v.Exprs, oneExpression)
	a.skip(8)
	a.optional().u32(9, "flags", &v.Flags)
	attrOf(a.optional(), 10, &v.Exprs, expressionNames)
	a.word("exprs", &v.Exprs)
	return "dynset", v
}

func (v ObjRef) walk(a *attrs) (string, Expr) {
	a.u32(1, "type", &v.Type)
	a.name(2, "name", &v.Name)
	return "objref", v
}

func (v ObjRefMap) walk(a *attrs) (string, Expr) {
	a.register(3, "sreg", &v.SReg)
	a.name(4, "set", &v.Set)
	a.skip(5)
	return "objref-map", v
}

func (v Queue) walk(a *attrs) (string, Expr) {
	a.optional().u16(1, "num", &v.Num)
	a.optional().u16(2, "total", &v.Total)
	a.optional().u16(3, "flags", &v.Flags)
	a.optional().register(4, "sreg", &v.SReg)
	return "queue", v
}

func (v TProxy) walk(a *attrs) (string, Expr) {
	a.u32(1, "family", &v.Family)
	a.optional().register(2, "addr", &v.Addr)
	a.optional().register(3, "port", &v.Port)
	return "tproxy", v
}

func (v Socket) walk(a *attrs) (string, Expr) {
	a.u32(1, "key", &v.Key)
	a.register(2, "dreg", &v.DReg)
	a.optional().u32(3, "level", &v.Level)
	return "socket", v
}

func (v Synproxy) walk(a *attrs) (string, Expr) {
	a.u16(1, "mss", &v.MSS)
	attr8(a, 2, "wscale", &v.WScale)
	a.u32(3, "flags", &v.Flags)
	return "synproxy", v
}

func (v Last) walk(a *attrs) (string, Expr) {
	a.skip(1)
	a.skip(2)
	a.skip(3)
	return "last", v
}

func (v Dup) walk(a *attrs) (string, Expr) {
	a.optional().register(1, "addr", &v.Addr)
	a.optional().register(2, "dev", &v.Dev)
	return "dup", v
}

func (v Fwd) walk(a *attrs) (string, Expr) {
	a.register(1, "dev", &v.Dev)
	a.optional().register(2, "addr", &v.Addr)
	a.optional().u32(3, "family", &v.Family)
	return "fwd", v
}

func (v FlowOffload) walk(a *attrs) (string, Expr) {
	a.name(1, "table", &v.Table)
	return "flow_offload", v
}

func (v OSF) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	attr8(a.optional(), 2, "ttl", &v.TTL)
	a.optional().u32(3, "flags", &v.Flags)
	return "osf", v
}

func (v Xfrm) walk(a *attrs) (string, Expr) {
	a.register(1, "dreg", &v.DReg)
	a.u32(2, "key", &v.Key)
	attr8(a, 3, "dir", &v.Direction)
	a.optional().u32(4, "number", &v.Number)
	return "xfrm", v
}

func (v Match) walk(a *attrs) (string, Expr) {
	a.name(1, "name", &v.Name)
	a.u32(2, "rev", &v.Rev)
	a.bytes(3, "info", &v.Info)
	return "match", v
}

func (v Target) walk(a *attrs) (string, Expr) {
	a.name(1, "name", &v.Name)
	a.u32(2, "rev", &v.Rev)
	a.bytes(3, "info", &v.Info)
	return "target", v
}
