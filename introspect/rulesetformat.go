package introspect

import "strconv"

// The texts of the ruleset's objects. The rules of a chain and the elements of a set are lines of their own below it.

// tableFamilies are the words for the families that tables are of.
var tableFamilies = map[uint8]string{familyInet: "inet", familyIPv4: hookIPv4, familyARP: "arp", familyNetdev: "netdev",
	familyBridge: "bridge", familyIPv6: hookIPv6}

func (t *text) family(at *uint8) { one(t, "family", at, familyWord, parseFamily) }

func familyWord(f uint8) string {
	if word, ok := tableFamilies[f]; ok {
		return word
	}
	return strconv.Itoa(int(f))
}

func parseFamily(text string) (uint8, error) {
	for f, word := range tableFamilies {
		if word == text {
			return f, nil
		}
	}
	return parseInteger[uint8](text)
}

func (v *Table) fields(t *text) {
	t.family(&v.Key.Family)
	t.word("name", &v.Key.Name)
	num(t, "handle", &v.Handle)
	bits(t, "flags", &v.Flags)
	t.words("unknown", &v.Unknown)
}

func (v *Chain) fields(t *text) {
	t.family(&v.Key.Family)
	t.word("table", &v.Key.Table)
	t.word("name", &v.Key.Name)
	num(t, "handle", &v.Handle)
	bits(t, "flags", &v.Flags)
	t.flag("base", &v.Base)
	num(t, "hook", &v.Hook)
	num(t, "priority", &v.Priority)
	num(t, "policy", &v.Policy)
	t.word("type", &v.Type)
	t.words("dev", &v.Devices)
	t.flag("counts", &v.Counts)
	t.words("unknown", &v.Unknown)
}

// ruleLine is a rule as it stands in a text.
type ruleLine struct {
	chain ChainKey
	ChainRule
}

func (v *ruleLine) fields(t *text) {
	t.family(&v.chain.Family)
	t.word("table", &v.chain.Table)
	t.word("chain", &v.chain.Name)
	num(t, "handle", &v.Handle)
	t.word("comment", &v.Comment)
	list(t, "expr", &v.Exprs, ExprText, parseExpr)
	t.words("unknown", &v.Unknown)
}

func (v *Set) fields(t *text) {
	t.family(&v.Key.Family)
	t.word("table", &v.Key.Table)
	t.word("name", &v.Key.Name)
	num(t, "handle", &v.Handle)
	bits(t, "flags", &v.Flags)
	bits(t, "key-type", &v.KeyType)
	num(t, "key-len", &v.KeyLen)
	bits(t, "data-type", &v.DataType)
	num(t, "data-len", &v.DataLen)
	num(t, "obj-type", &v.ObjType)
	num(t, "timeout", &v.Timeout)
	num(t, "size", &v.Size)
	list(t, "field", &v.Fields, func(n uint8) string { return strconv.Itoa(int(n)) }, parseInteger[uint8])
	t.word("exprs", &v.Exprs)
	t.flag("written", &v.Written)
	t.words("unknown", &v.Unknown)
}

// elementLine is an element of a set as it stands in a text.
type elementLine struct {
	set SetKey
	Element
}

func (v *elementLine) fields(t *text) {
	t.family(&v.set.Family)
	t.word("table", &v.set.Table)
	t.word("set", &v.set.Name)
	t.own("key", &v.Key.Key)
	t.flag("end", &v.Key.End)
	t.own("to", &v.Key.To)
	t.flag("catch-all", &v.Key.CatchAll)
	t.own("data", &v.Data)
	num(t, "verdict", &v.Verdict.Code)
	t.word("chain", &v.Verdict.Chain)
	t.word("object", &v.Object)
	num(t, "timeout", &v.Timeout)
	t.word("exprs", &v.Exprs)
	t.word("unknown", &v.Unknown)
}

func (v *StatefulObject) fields(t *text) {
	t.family(&v.Key.Family)
	t.word("table", &v.Key.Table)
	t.word("name", &v.Key.Name)
	num(t, "type", &v.Key.Type)
	num(t, "handle", &v.Handle)
}

func (v *Flowtable) fields(t *text) {
	t.family(&v.Key.Family)
	t.word("table", &v.Key.Table)
	t.word("name", &v.Key.Name)
	num(t, "handle", &v.Handle)
	bits(t, "flags", &v.Flags)
	num(t, "hook", &v.Hook)
	num(t, "priority", &v.Priority)
	t.words("dev", &v.Devices)
}
