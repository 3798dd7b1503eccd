package introspect

import (
	"fmt"
	"reflect"
	"strings"
)

// exprKind is one kind of expression.
type exprKind struct {
	kernel string            // the kernel's name
	blank  Expr              // before its attributes are read
	when   func([]byte) bool // which of the expressions of that name, by their attributes; nil for all that are left
	word   string            // its name in the text: not the kernel's where there are several kinds of that name
	rest   []pair            // what the text of blank says
}

// exprKindsOf are those that the kernel's expressions of a name may be, exprKindOf is the one with a name in the text.
var exprKindsOf, exprKindOf = kindsByName()

func kindsByName() (byName map[string][]*exprKind, byWord map[string]*exprKind) {
	byName, byWord = map[string][]*exprKind{}, map[string]*exprKind{}
	for i := range exprKinds {
		k := &exprKinds[i]
		var a attrs
		k.word, _ = k.blank.walk(&a)
		k.rest = a.pairs
		byName[k.kernel], byWord[k.word] = append(byName[k.kernel], k), k
	}
	delete(byName, "")
	return byName, byWord
}

// decode reads the attributes; where they are not as they should be, the expression is Opaque and says why.
func (k *exprKind) decode(a *attrs, b []byte) Expr {
	if err := a.give(b); err != nil {
		return Opaque{k.kernel, err.Error()}
	}
	_, e := k.blank.walk(a)
	if why := a.end(); why != "" {
		return Opaque{k.kernel, why}
	}
	return e
}

// ExprText writes an expression as it stands in the text of a Snapshot: its kind, and what its attributes say.
func ExprText(e Expr) string {
	a := attrs{text: text{pairs: make([]pair, 0, 8)}}
	word, _ := e.walk(&a)
	return strings.TrimSuffix(string(appendPairs([]byte(word+","), a.pairs, exprKindOf[word].rest, ',', ':')), ",")
}

// ExprName is the name that the kernel has for an expression.
func ExprName(e Expr) string {
	if o, ok := e.(Opaque); ok {
		return o.Name
	}
	return exprNames[reflect.TypeOf(e)]
}

// exprNames are the kernel's names by the type of an expression: rulesets are asked for every one of theirs.
var exprNames = namesByType()

func namesByType() map[reflect.Type]string {
	names := map[reflect.Type]string{}
	for _, k := range exprKindOf {
		names[reflect.TypeOf(k.blank)] = k.kernel
	}
	return names
}

func parseExpr(line string) (Expr, error) {
	word, fields, _ := strings.Cut(line, ",")
	k, ok := exprKindOf[word]
	if !ok {
		return nil, fmt.Errorf("no kind of expression %q", word)
	}
	t, err := readText(fields, ',', ':')
	if err != nil {
		return nil, err
	}
	a := attrs{text: t}
	_, e := k.blank.walk(&a)
	return e, a.text.end(word)
}

// expr reads the content of one NFTA_LIST_ELEM. What is not understood is Opaque; only what cannot be parsed at all
// is an error.
func (a *attrs) expr(b []byte) (Expr, error) {
	var name string
	var data []byte
	err := attributes(b, func(kind uint16, value []byte) error {
		switch kind {
		case nftaExprName:
			return set(&name, readString, value)
		case nftaExprData:
			data = value
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, k := range exprKindsOf[name] {
		if k.when == nil || k.when(data) {
			return k.decode(a, data), nil
		}
	}
	return Opaque{name, "the expression is not known"}, nil
}

// NFTA_EXPR_*
const (
	nftaExprName = 1
	nftaExprData = 2
)

// has tells whether an attribute is among others.
func has(number uint16) func([]byte) bool {
	return func(b []byte) bool {
		found := false
		_ = attributes(b, func(kind uint16, _ []byte) error {
			found = found || kind == number
			return nil
		})
		return found
	}
}
