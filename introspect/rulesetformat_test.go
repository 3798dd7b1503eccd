package introspect

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawExpr draws an expression of any kind.
func drawExpr(t *rapid.T) Expr {
	v := reflect.New(reflect.TypeOf(rapid.SampledFrom(exprKinds).Draw(t, "kind").blank)).Elem()
	fill(t, v)
	return v.Interface().(Expr)
}

func drawRuleset(t *rapid.T, s *Snapshot) {
	drawInto(t, &s.Tables, func(v Table) TableKey { return v.Key })
	drawInto(t, &s.Objects, func(v StatefulObject) ObjectKey { return v.Key })
	drawInto(t, &s.Flowtables, func(v Flowtable) FlowtableKey { return v.Key })
	for range rapid.IntRange(0, 2).Draw(t, "chains") {
		c := drawHead[Chain](t, "Rules")
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			r := drawHead[ChainRule](t, "Exprs")
			r.Exprs = rapid.SliceOfN(rapid.Custom(drawExpr), 0, 4).Draw(t, "expressions")
			c.Rules = append(c.Rules, &r)
		}
		s.Chains = s.Chains.With(c.Key, c)
	}
	for range rapid.IntRange(0, 2).Draw(t, "sets") {
		v := drawHead[Set](t, "Elements")
		drawInto(t, &v.Elements, func(e Element) ElementKey { return e.Key })
		s.Sets = s.Sets.With(v.Key, v)
	}
}

// drawHead fills an object but for one field.
func drawHead[T any](t *rapid.T, but string) (v T) {
	all := reflect.ValueOf(&v).Elem()
	for i := range all.NumField() {
		if all.Type().Field(i).Name != but {
			fill(t, all.Field(i))
		}
	}
	return v
}

func TestRulesetErrorsNameTheLine(t *testing.T) {
	const chain = "nft-chain family=ip table=t name=c\n"
	const set = "nft-set family=ip table=t name=s\n"
	for text, want := range map[string]string{
		"nft-rule family=ip table=t chain=c":                             "line 1: a rule of no chain",
		"nft-element family=ip table=t set=s key=00":                     "line 1: an element of no set",
		chain + "nft-rule family=ip table=t chain=c expr=lynx":           `line 2: expr: no kind of expression "lynx"`,
		chain + "nft-rule family=ip table=t chain=c expr=cmp,data:0":     "line 2: expr: data:",
		chain + "nft-rule family=ip table=t chain=c expr=cmp,color:0":    `line 2: expr: cmp has no field "color"`,
		set + "nft-element family=ip table=t set=s key=zz":               "line 2: key:",
		set + strings.Repeat("nft-element family=ip table=t set=s\n", 2): "line 3: a second nft-element",
		"nft-table family=lynx":                                          "line 1: family:",
	} {
		_, err := ParseSnapshot([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
