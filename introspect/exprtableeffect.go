package introspect

import "errors"

var errOperation = errors.New("operation")

// The attributes of the expressions that do more than to load and compare.

var payloadSetKind = exprFormat("payload-set", PayloadSet{}, func(v PayloadSet) string { return fits(v.SReg, v.Len) },
	attr32(2, "base", func(v *PayloadSet) *uint32 { return &v.Base }),
	attr32(3, "offset", func(v *PayloadSet) *uint32 { return &v.Offset }),
	attr32(4, "len", func(v *PayloadSet) *uint32 { return &v.Len }),
	attrRegister(5, "sreg", func(v *PayloadSet) *Register { return &v.SReg }),
	attr32(6, "csum", func(v *PayloadSet) *uint32 { return &v.ChecksumType }).optional(),
	attr32(7, "csum-offset", func(v *PayloadSet) *uint32 { return &v.ChecksumOffset }).optional(),
	attr32(8, "csum-flags", func(v *PayloadSet) *uint32 { return &v.ChecksumFlag }).optional(),
).of("payload", has(5))

var metaSetKind = exprFormat("meta-set", MetaSet{}, nil,
	attr32(2, "key", func(v *MetaSet) *uint32 { return &v.Key }),
	attrRegister(3, "sreg", func(v *MetaSet) *Register { return &v.SReg }),
).of("meta", has(3))

var ctSetKind = exprFormat("ct-set", CtSet{Direction: NoDirection}, func(v CtSet) string { return ctDirection(v.Direction) },
	attr32(2, "key", func(v *CtSet) *uint32 { return &v.Key }),
	attr8(3, "dir", func(v *CtSet) *Direction { return &v.Direction }).optional(),
	attrRegister(4, "sreg", func(v *CtSet) *Register { return &v.SReg }),
).of("ct", has(4))

var exthdrSetKind = exprFormat("exthdr-set", ExtHdrSet{}, func(v ExtHdrSet) string { return fits(v.SReg, v.Len) },
	attr8(2, "type", func(v *ExtHdrSet) *uint8 { return &v.Type }),
	attr32(3, "offset", func(v *ExtHdrSet) *uint32 { return &v.Offset }),
	attr32(4, "len", func(v *ExtHdrSet) *uint32 { return &v.Len }),
	attr32(5, "flags", func(v *ExtHdrSet) *uint32 { return &v.Flags }).optional(),
	attr32(6, "op", func(v *ExtHdrSet) *uint32 { return &v.Op }).optional(),
	attrRegister(7, "sreg", func(v *ExtHdrSet) *Register { return &v.SReg }),
).of("exthdr", has(7))

var exthdrResetKind = exprFormat("exthdr-reset", ExtHdrReset{}, nil,
	attr8(2, "type", func(v *ExtHdrReset) *uint8 { return &v.Type }),
	attr32(6, "op", func(v *ExtHdrReset) *uint32 { return &v.Op }),
).of("exthdr", nil)

var limitKind = exprFormat("limit", Limit{}, nil,
	attr64(1, "rate", func(v *Limit) *uint64 { return &v.Rate }),
	attr64(2, "unit", func(v *Limit) *uint64 { return &v.Unit }),
	attr32(3, "burst", func(v *Limit) *uint32 { return &v.Burst }).optional(),
	attr32(4, "type", func(v *Limit) *uint32 { return &v.Type }).optional(),
	attr32(5, "flags", func(v *Limit) *uint32 { return &v.Flags }).optional(),
	skipped[Limit](6),
)

// What a quota has consumed, and that it is depleted, is no configuration.
var quotaKind = exprFormat("quota", Quota{}, nil,
	attr64(1, "bytes", func(v *Quota) *uint64 { return &v.Bytes }),
	attrOf(2, numField("flags", func(v *Quota) *uint32 { return &v.Flags }), func(v *Quota) *uint32 { return &v.Flags },
		func(b []byte) (uint32, error) {
			flags, err := readBigU32(b)
			return flags &^ quotaDepleted, err
		}).optional(),
	skipped[Quota](3),
	skipped[Quota](4),
)

const quotaDepleted = 2 // NFT_QUOTA_F_DEPLETED

var connLimitKind = exprFormat("connlimit", ConnLimit{}, nil,
	attr32(1, "count", func(v *ConnLimit) *uint32 { return &v.Count }),
	attr32(2, "flags", func(v *ConnLimit) *uint32 { return &v.Flags }).optional(),
)

var logKind = exprFormat("log", Log{}, nil,
	attr[Log]{1, false, numField("group", func(v *Log) *uint16 { return &v.Group }), func(v *Log, b []byte) error {
		v.ToUser = true
		return set(&v.Group, readBigU16, b)
	}},
	attrWord(2, "prefix", func(v *Log) *string { return &v.Prefix }).optional(),
	skipped[Log](3),
	skipped[Log](4),
	attr32(5, "level", func(v *Log) *uint32 { return &v.Level }).optional(),
	skipped[Log](6),
	shown(boolField("to-user", func(v *Log) *bool { return &v.ToUser })),
)

var rejectKind = exprFormat("reject", Reject{}, nil,
	attr32(1, "type", func(v *Reject) *uint32 { return &v.Type }),
	attr8(2, "code", func(v *Reject) *uint8 { return &v.Code }).optional(),
)

var natKind = exprFormat("nat", NAT{AddrMin: NoRegister, AddrMax: NoRegister, ProtoMin: NoRegister, ProtoMax: NoRegister}, nil,
	attr32(1, "type", func(v *NAT) *uint32 { return &v.Type }),
	attr32(2, "family", func(v *NAT) *uint32 { return &v.Family }),
	attrRegister(3, "addr-min", func(v *NAT) *Register { return &v.AddrMin }).optional(),
	attrRegister(4, "addr-max", func(v *NAT) *Register { return &v.AddrMax }).optional(),
	attrRegister(5, "proto-min", func(v *NAT) *Register { return &v.ProtoMin }).optional(),
	attrRegister(6, "proto-max", func(v *NAT) *Register { return &v.ProtoMax }).optional(),
	attr32(7, "flags", func(v *NAT) *uint32 { return &v.Flags }).optional(),
)

var masqueradeKind = exprFormat("masq", Masquerade{ProtoMin: NoRegister, ProtoMax: NoRegister}, nil,
	attr32(1, "flags", func(v *Masquerade) *uint32 { return &v.Flags }).optional(),
	attrRegister(2, "proto-min", func(v *Masquerade) *Register { return &v.ProtoMin }).optional(),
	attrRegister(3, "proto-max", func(v *Masquerade) *Register { return &v.ProtoMax }).optional(),
)

var redirectKind = exprFormat("redir", Redirect{ProtoMin: NoRegister, ProtoMax: NoRegister}, nil,
	attrRegister(1, "proto-min", func(v *Redirect) *Register { return &v.ProtoMin }).optional(),
	attrRegister(2, "proto-max", func(v *Redirect) *Register { return &v.ProtoMax }).optional(),
	attr32(3, "flags", func(v *Redirect) *uint32 { return &v.Flags }).optional(),
)

var notrackKind = exprFormat("notrack", Notrack{}, nil)

var numgenKind = exprFormat("numgen", Numgen{}, nil,
	attrRegister(1, "dreg", func(v *Numgen) *Register { return &v.DReg }),
	attr32(2, "modulus", func(v *Numgen) *uint32 { return &v.Modulus }),
	attr32(3, "type", func(v *Numgen) *uint32 { return &v.Type }),
	attr32(4, "offset", func(v *Numgen) *uint32 { return &v.Offset }).optional(),
)

var hashKind = exprFormat("hash", Hash{SReg: NoRegister}, nil,
	attrRegister(1, "sreg", func(v *Hash) *Register { return &v.SReg }).optional(),
	attrRegister(2, "dreg", func(v *Hash) *Register { return &v.DReg }),
	attr32(3, "len", func(v *Hash) *uint32 { return &v.Len }).optional(),
	attr32(4, "modulus", func(v *Hash) *uint32 { return &v.Modulus }),
	attr32(5, "seed", func(v *Hash) *uint32 { return &v.Seed }).optional(),
	attr32(6, "offset", func(v *Hash) *uint32 { return &v.Offset }).optional(),
	attr32(7, "type", func(v *Hash) *uint32 { return &v.Type }).optional(),
)

var dynsetKind = exprFormat("dynset", Dynset{SRegData: NoRegister}, nil,
	attrWord(1, "set", func(v *Dynset) *string { return &v.Set }),
	skipped[Dynset](2),
	attr32(3, "op", func(v *Dynset) *uint32 { return &v.Op }),
	attrRegister(4, "sreg-key", func(v *Dynset) *Register { return &v.SRegKey }),
	attrRegister(5, "sreg-data", func(v *Dynset) *Register { return &v.SRegData }).optional(),
	attr64(6, "timeout", func(v *Dynset) *uint64 { return &v.Timeout }).optional(),
	attrNames(7, oneExpression, func(v *Dynset) *string { return &v.Exprs }),
	skipped[Dynset](8),
	attr32(9, "flags", func(v *Dynset) *uint32 { return &v.Flags }).optional(),
	attrNames(10, expressionNames, func(v *Dynset) *string { return &v.Exprs }),
	shown(wordField("exprs", func(v *Dynset) *string { return &v.Exprs })),
)

var objrefKind = exprFormat("objref", ObjRef{}, nil,
	attr32(1, "type", func(v *ObjRef) *uint32 { return &v.Type }),
	attrWord(2, "name", func(v *ObjRef) *string { return &v.Name }),
)

var objrefMapKind = exprFormat("objref-map", ObjRefMap{}, nil,
	attrRegister(3, "sreg", func(v *ObjRefMap) *Register { return &v.SReg }),
	attrWord(4, "set", func(v *ObjRefMap) *string { return &v.Set }),
	skipped[ObjRefMap](5),
).of("objref", has(4))

var queueKind = exprFormat("queue", Queue{SReg: NoRegister}, nil,
	attr16(1, "num", func(v *Queue) *uint16 { return &v.Num }).optional(),
	attr16(2, "total", func(v *Queue) *uint16 { return &v.Total }).optional(),
	attr16(3, "flags", func(v *Queue) *uint16 { return &v.Flags }).optional(),
	attrRegister(4, "sreg", func(v *Queue) *Register { return &v.SReg }).optional(),
)

var tproxyKind = exprFormat("tproxy", TProxy{Addr: NoRegister, Port: NoRegister}, nil,
	attr32(1, "family", func(v *TProxy) *uint32 { return &v.Family }),
	attrRegister(2, "addr", func(v *TProxy) *Register { return &v.Addr }).optional(),
	attrRegister(3, "port", func(v *TProxy) *Register { return &v.Port }).optional(),
)

var socketKind = exprFormat("socket", Socket{}, nil,
	attr32(1, "key", func(v *Socket) *uint32 { return &v.Key }),
	attrRegister(2, "dreg", func(v *Socket) *Register { return &v.DReg }),
	attr32(3, "level", func(v *Socket) *uint32 { return &v.Level }).optional(),
)

var synproxyKind = exprFormat("synproxy", Synproxy{}, nil,
	attr16(1, "mss", func(v *Synproxy) *uint16 { return &v.MSS }),
	attr8(2, "wscale", func(v *Synproxy) *uint8 { return &v.WScale }),
	attr32(3, "flags", func(v *Synproxy) *uint32 { return &v.Flags }),
)

var lastKind = exprFormat("last", Last{}, nil, skipped[Last](1), skipped[Last](2), skipped[Last](3))

var dupKind = exprFormat("dup", Dup{NoRegister, NoRegister}, nil,
	attrRegister(1, "addr", func(v *Dup) *Register { return &v.Addr }).optional(),
	attrRegister(2, "dev", func(v *Dup) *Register { return &v.Dev }).optional(),
)

var fwdKind = exprFormat("fwd", Fwd{Addr: NoRegister}, nil,
	attrRegister(1, "dev", func(v *Fwd) *Register { return &v.Dev }),
	attrRegister(2, "addr", func(v *Fwd) *Register { return &v.Addr }).optional(),
	attr32(3, "family", func(v *Fwd) *uint32 { return &v.Family }).optional(),
)

var flowOffloadKind = exprFormat("flow_offload", FlowOffload{}, nil,
	attrWord(1, "table", func(v *FlowOffload) *string { return &v.Table }),
)

var osfKind = exprFormat("osf", OSF{}, nil,
	attrRegister(1, "dreg", func(v *OSF) *Register { return &v.DReg }),
	attr8(2, "ttl", func(v *OSF) *uint8 { return &v.TTL }).optional(),
	attr32(3, "flags", func(v *OSF) *uint32 { return &v.Flags }).optional(),
)

var xfrmKind = exprFormat("xfrm", Xfrm{}, nil,
	attrRegister(1, "dreg", func(v *Xfrm) *Register { return &v.DReg }),
	attr32(2, "key", func(v *Xfrm) *uint32 { return &v.Key }),
	attr8(3, "dir", func(v *Xfrm) *uint8 { return &v.Direction }),
	attr32(4, "number", func(v *Xfrm) *uint32 { return &v.Number }).optional(),
)

var matchKind = exprFormat("match", Match{}, nil,
	attrWord(1, "name", func(v *Match) *string { return &v.Name }),
	attr32(2, "rev", func(v *Match) *uint32 { return &v.Rev }),
	attrBytes(3, "info", func(v *Match) *Data { return &v.Info }),
)

var targetKind = exprFormat("target", Target{}, nil,
	attrWord(1, "name", func(v *Target) *string { return &v.Name }),
	attr32(2, "rev", func(v *Target) *uint32 { return &v.Rev }),
	attrBytes(3, "info", func(v *Target) *Data { return &v.Info }),
)
