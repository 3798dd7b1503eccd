package introspect

import "strconv"

// The texts of the ruleset's objects. The rules of a chain and the elements of a set are lines of their own below it.

// tableFamilies are the words for the families that tables are of.
var tableFamilies = map[uint8]string{familyInet: "inet", familyIPv4: hookIPv4, familyARP: "arp", familyNetdev: "netdev",
	familyBridge: "bridge", familyIPv6: hookIPv6}

func familyField[T any](at func(*T) *uint8) field[T] {
	return oneField("family", at, func(f uint8) string {
		if word, ok := tableFamilies[f]; ok {
			return word
		}
		return strconv.Itoa(int(f))
	}, func(text string) (uint8, error) {
		for f, word := range tableFamilies {
			if word == text {
				return f, nil
			}
		}
		return parseInteger[uint8](text)
	})
}

func exprsField[T any](name string, at func(*T) *[]Expr) field[T] {
	return listField(name, at, ExprText, parseExpr)
}

var tableFormat = format[Table]{"nft-table", Table{}, []field[Table]{
	familyField(func(v *Table) *uint8 { return &v.Key.Family }),
	wordField("name", func(v *Table) *string { return &v.Key.Name }),
	numField("handle", func(v *Table) *uint64 { return &v.Handle }),
	bitsField("flags", func(v *Table) *uint32 { return &v.Flags }),
	wordsField("unknown", func(v *Table) *[]string { return &v.Unknown }),
}}

var chainFormat = format[Chain]{"nft-chain", Chain{}, []field[Chain]{
	familyField(func(v *Chain) *uint8 { return &v.Key.Family }),
	wordField("table", func(v *Chain) *string { return &v.Key.Table }),
	wordField("name", func(v *Chain) *string { return &v.Key.Name }),
	numField("handle", func(v *Chain) *uint64 { return &v.Handle }),
	bitsField("flags", func(v *Chain) *uint32 { return &v.Flags }),
	boolField("base", func(v *Chain) *bool { return &v.Base }),
	numField("hook", func(v *Chain) *uint32 { return &v.Hook }),
	numField("priority", func(v *Chain) *int32 { return &v.Priority }),
	numField("policy", func(v *Chain) *uint32 { return &v.Policy }),
	wordField("type", func(v *Chain) *string { return &v.Type }),
	wordsField("dev", func(v *Chain) *[]string { return &v.Devices }),
	boolField("counts", func(v *Chain) *bool { return &v.Counts }),
	wordsField("unknown", func(v *Chain) *[]string { return &v.Unknown }),
}}

// ruleLine is a rule as it stands in a text.
type ruleLine struct {
	chain ChainKey
	ChainRule
}

var ruleLineFormat = format[ruleLine]{"nft-rule", ruleLine{}, []field[ruleLine]{
	familyField(func(v *ruleLine) *uint8 { return &v.chain.Family }),
	wordField("table", func(v *ruleLine) *string { return &v.chain.Table }),
	wordField("chain", func(v *ruleLine) *string { return &v.chain.Name }),
	numField("handle", func(v *ruleLine) *uint64 { return &v.Handle }),
	wordField("comment", func(v *ruleLine) *string { return &v.Comment }),
	exprsField("expr", func(v *ruleLine) *[]Expr { return &v.Exprs }),
	wordsField("unknown", func(v *ruleLine) *[]string { return &v.Unknown }),
}}

var setFormat = format[Set]{"nft-set", Set{}, []field[Set]{
	familyField(func(v *Set) *uint8 { return &v.Key.Family }),
	wordField("table", func(v *Set) *string { return &v.Key.Table }),
	wordField("name", func(v *Set) *string { return &v.Key.Name }),
	numField("handle", func(v *Set) *uint64 { return &v.Handle }),
	bitsField("flags", func(v *Set) *uint32 { return &v.Flags }),
	bitsField("key-type", func(v *Set) *uint32 { return &v.KeyType }),
	numField("key-len", func(v *Set) *uint32 { return &v.KeyLen }),
	bitsField("data-type", func(v *Set) *uint32 { return &v.DataType }),
	numField("data-len", func(v *Set) *uint32 { return &v.DataLen }),
	numField("obj-type", func(v *Set) *uint32 { return &v.ObjType }),
	numField("timeout", func(v *Set) *uint64 { return &v.Timeout }),
	numField("size", func(v *Set) *uint32 { return &v.Size }),
	listField("field", func(v *Set) *[]uint8 { return &v.Fields }, func(n uint8) string { return strconv.Itoa(int(n)) }, parseInteger[uint8]),
	wordField("exprs", func(v *Set) *string { return &v.Exprs }),
	boolField("written", func(v *Set) *bool { return &v.Written }),
	wordsField("unknown", func(v *Set) *[]string { return &v.Unknown }),
}}

// elementLine is an element of a set as it stands in a text.
type elementLine struct {
	set SetKey
	Element
}

var elementLineFormat = format[elementLine]{"nft-element", elementLine{}, []field[elementLine]{
	familyField(func(v *elementLine) *uint8 { return &v.set.Family }),
	wordField("table", func(v *elementLine) *string { return &v.set.Table }),
	wordField("set", func(v *elementLine) *string { return &v.set.Name }),
	textField("key", func(v *elementLine) *Data { return &v.Key.Key }),
	boolField("end", func(v *elementLine) *bool { return &v.Key.End }),
	textField("to", func(v *elementLine) *Data { return &v.Key.To }),
	boolField("catch-all", func(v *elementLine) *bool { return &v.Key.CatchAll }),
	textField("data", func(v *elementLine) *Data { return &v.Data }),
	numField("verdict", func(v *elementLine) *int32 { return &v.Verdict.Code }),
	wordField("chain", func(v *elementLine) *string { return &v.Verdict.Chain }),
	wordField("object", func(v *elementLine) *string { return &v.Object }),
	numField("timeout", func(v *elementLine) *uint64 { return &v.Timeout }),
	wordField("exprs", func(v *elementLine) *string { return &v.Exprs }),
	wordField("unknown", func(v *elementLine) *string { return &v.Unknown }),
}}

var objectFormat = format[StatefulObject]{"nft-object", StatefulObject{}, []field[StatefulObject]{
	familyField(func(v *StatefulObject) *uint8 { return &v.Key.Family }),
	wordField("table", func(v *StatefulObject) *string { return &v.Key.Table }),
	wordField("name", func(v *StatefulObject) *string { return &v.Key.Name }),
	numField("type", func(v *StatefulObject) *uint32 { return &v.Key.Type }),
	numField("handle", func(v *StatefulObject) *uint64 { return &v.Handle }),
}}

var flowtableFormat = format[Flowtable]{"nft-flowtable", Flowtable{}, []field[Flowtable]{
	familyField(func(v *Flowtable) *uint8 { return &v.Key.Family }),
	wordField("table", func(v *Flowtable) *string { return &v.Key.Table }),
	wordField("name", func(v *Flowtable) *string { return &v.Key.Name }),
	numField("handle", func(v *Flowtable) *uint64 { return &v.Handle }),
	bitsField("flags", func(v *Flowtable) *uint32 { return &v.Flags }),
	numField("hook", func(v *Flowtable) *uint32 { return &v.Hook }),
	numField("priority", func(v *Flowtable) *int32 { return &v.Priority }),
	wordsField("dev", func(v *Flowtable) *[]string { return &v.Devices }),
}}
