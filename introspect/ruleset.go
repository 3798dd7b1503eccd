package introspect

import (
	"cmp"
	"slices"
)

// TableKey identifies a table of nftables.
type TableKey struct {
	Family uint8 // NFPROTO_*
	Name   string
}

// Compare orders TableKeys.
func (k TableKey) Compare(o TableKey) int {
	return cmp.Or(cmp.Compare(k.Family, o.Family), cmp.Compare(k.Name, o.Name))
}

// Table is a table of nftables (NFT_MSG_NEWTABLE).
type Table struct {
	Key     TableKey
	Handle  uint64
	Flags   uint32 // NFT_TABLE_F_*
	Unknown []string
}

// Equal tells whether two Tables are the same.
func (t Table) Equal(o Table) bool {
	return t.Key == o.Key && t.Handle == o.Handle && t.Flags == o.Flags && slices.Equal(t.Unknown, o.Unknown)
}

const tableDormant = 1 // NFT_TABLE_F_DORMANT

// ChainKey identifies a chain of nftables.
type ChainKey struct {
	Family      uint8 // NFPROTO_*
	Table, Name string
}

// Compare orders ChainKeys: those of a table stand together.
func (k ChainKey) Compare(o ChainKey) int {
	return cmp.Or(cmp.Compare(k.Family, o.Family), cmp.Compare(k.Table, o.Table), cmp.Compare(k.Name, o.Name))
}

// Of is the key of the chain's table.
func (k ChainKey) Of() TableKey { return TableKey{k.Family, k.Table} }

// Chain is a chain of nftables (NFT_MSG_NEWCHAIN) with its rules, in their order.
type Chain struct {
	Key      ChainKey
	Handle   uint64
	Flags    uint32   // NFT_CHAIN_*
	Base     bool     // it is on a hook, and has what follows
	Hook     uint32   // NF_INET_*, NF_NETDEV_*, ...
	Priority int32    //
	Policy   uint32   // NF_DROP or NF_ACCEPT
	Type     string   // "filter", "nat" or "route"
	Devices  []string // of a hook on devices; one that ends in "*" stands for all that begin so
	Counts   bool     // the kernel counts the packets that its policy decides
	Unknown  []string
	Rules    []*ChainRule
}

// Equal tells whether two Chains are the same.
func (c Chain) Equal(o Chain) bool {
	same := func(a, b *ChainRule) bool { return a == b || a.Equal(*b) }
	return c.sameHead(o) && slices.EqualFunc(c.Rules, o.Rules, same)
}

// sameHead compares all but the rules.
func (c Chain) sameHead(o Chain) bool {
	hook := c.Base == o.Base && c.Hook == o.Hook && c.Priority == o.Priority && c.Policy == o.Policy && c.Type == o.Type &&
		slices.Equal(c.Devices, o.Devices) && c.Counts == o.Counts
	return hook && c.Key == o.Key && c.Handle == o.Handle && c.Flags == o.Flags && slices.Equal(c.Unknown, o.Unknown)
}

// ChainRule is a rule of nftables (NFT_MSG_NEWRULE).
type ChainRule struct {
	Handle  uint64
	Comment string
	Exprs   []Expr
	Unknown []string // attributes of the rule; those of an expression make it Opaque
}

// Equal tells whether two ChainRules are the same.
func (r ChainRule) Equal(o ChainRule) bool {
	return r.Handle == o.Handle && r.Comment == o.Comment && slices.Equal(r.Exprs, o.Exprs) && slices.Equal(r.Unknown, o.Unknown)
}

// SetKey identifies a set or map of nftables.
type SetKey struct {
	Family      uint8 // NFPROTO_*
	Table, Name string
}

// Compare orders SetKeys: those of a table stand together.
func (k SetKey) Compare(o SetKey) int {
	return cmp.Or(cmp.Compare(k.Family, o.Family), cmp.Compare(k.Table, o.Table), cmp.Compare(k.Name, o.Name))
}

// The flags of a Set (NFT_SET_*).
const (
	SetAnonymous = 1 << iota
	SetConstant
	SetInterval
	SetMap
	SetTimeout
	SetDynamic // NFT_SET_EVAL
	SetObject
	SetConcat
	SetExpr
)

// Set is a set or map of nftables (NFT_MSG_NEWSET). The elements of one whose elements come by packets or go by
// themselves are not read: see Fluid.
type Set struct {
	Key      SetKey
	Handle   uint64
	Flags    uint32  // Set*
	KeyType  uint32  // the data type, as nft numbers them
	KeyLen   uint32  // bytes
	DataType uint32  // of a map; verdicts are DataVerdict
	DataLen  uint32  // bytes
	ObjType  uint32  // NFT_OBJECT_* of an object map
	Timeout  uint64  // milliseconds
	Size     uint32  // elements at most, 0 without a limit
	Fields   []uint8 // bytes of the parts of a concatenation, each of which takes whole registers
	Exprs    string  // names of the expressions that each element has, joined by "+"
	Written  bool    // a rule has, or had, packets change the elements, whatever Flags says
	Unknown  []string
	Elements Map[ElementKey, Element]
}

// DataVerdict is the data type of a verdict map (NFT_DATA_VERDICT).
const DataVerdict = 0xffffff00

// Equal tells whether two Sets are the same.
func (s Set) Equal(o Set) bool { return s.SameHead(o) && s.Elements.Equal(o.Elements) }

// SameHead compares all but the elements.
func (s Set) SameHead(o Set) bool {
	kind := s.KeyType == o.KeyType && s.KeyLen == o.KeyLen && s.DataType == o.DataType && s.DataLen == o.DataLen &&
		s.ObjType == o.ObjType && slices.Equal(s.Fields, o.Fields)
	return kind && s.Key == o.Key && s.Handle == o.Handle && s.Flags == o.Flags && s.Timeout == o.Timeout &&
		s.Size == o.Size && s.Written == o.Written && s.Exprs == o.Exprs && slices.Equal(s.Unknown, o.Unknown)
}

// Fluid tells whether elements come and go without being announced, so that a Snapshot holds none.
func (s Set) Fluid() bool { return s.Written || s.Flags&(SetTimeout|SetDynamic) != 0 }

// ElementKey identifies an element of a Set. Where intervals are not concatenated, an interval is two elements: the one
// that it begins with, and one with End set, the first key that is not in it; without the latter it goes on to the end.
type ElementKey struct {
	Key      Data
	End      bool // NFT_SET_ELEM_INTERVAL_END; it stands before an element of the same Key
	To       Data // NFTA_SET_ELEM_KEY_END: the last key of an interval of a concatenation, empty without
	CatchAll bool // it answers for every key that no other element has
}

// Compare orders ElementKeys as bytes, and so as numbers of network byte order. The one that catches all is last.
func (k ElementKey) Compare(o ElementKey) int {
	first := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(first(o.CatchAll), first(k.CatchAll)), cmp.Compare(k.Key, o.Key),
		cmp.Compare(first(k.End), first(o.End)), cmp.Compare(k.To, o.To))
}

// Element is an element of a Set (NFTA_SET_ELEM_*).
type Element struct {
	Key     ElementKey
	Data    Data    // of a map
	Verdict Verdict // of a verdict map
	Object  string  // of an object map
	Timeout uint64  // milliseconds
	Exprs   string  // names of its expressions, joined by "+"
	Unknown string  // attributes
}

// Equal tells whether two Elements are the same.
func (e Element) Equal(o Element) bool { return e == o }

// ObjectKey identifies a stateful object of nftables.
type ObjectKey struct {
	Family      uint8 // NFPROTO_*
	Table, Name string
	Type        uint32 // NFT_OBJECT_*
}

// Compare orders ObjectKeys: those of a table stand together.
func (k ObjectKey) Compare(o ObjectKey) int {
	return cmp.Or(cmp.Compare(k.Family, o.Family), cmp.Compare(k.Table, o.Table), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Type, o.Type))
}

// StatefulObject is a named counter, quota, limit, helper or the like (NFT_MSG_NEWOBJ). What it holds is not read.
type StatefulObject struct {
	Key    ObjectKey
	Handle uint64
}

// Equal tells whether two StatefulObjects are the same.
func (s StatefulObject) Equal(o StatefulObject) bool { return s == o }

// FlowtableKey identifies a flowtable of nftables.
type FlowtableKey struct {
	Family      uint8 // NFPROTO_*
	Table, Name string
}

// Compare orders FlowtableKeys: those of a table stand together.
func (k FlowtableKey) Compare(o FlowtableKey) int {
	return cmp.Or(cmp.Compare(k.Family, o.Family), cmp.Compare(k.Table, o.Table), cmp.Compare(k.Name, o.Name))
}

// Flowtable is a flowtable of nftables (NFT_MSG_NEWFLOWTABLE).
type Flowtable struct {
	Key      FlowtableKey
	Handle   uint64
	Flags    uint32 // NFT_FLOWTABLE_*
	Hook     uint32
	Priority int32
	Devices  []string
}

// Equal tells whether two Flowtables are the same.
func (f Flowtable) Equal(o Flowtable) bool {
	return f.Key == o.Key && f.Handle == o.Handle && f.Flags == o.Flags && f.Hook == o.Hook && f.Priority == o.Priority &&
		slices.Equal(f.Devices, o.Devices)
}
