package introspect

import (
	"fmt"
	"strings"
)

// exprKind is all that is known of one kind of expression: its attributes, and with them its text.
type exprKind interface {
	// name is the kernel's.
	name() string
	// fits tells whether an expression of that name with these attributes is of this kind.
	fits(b []byte) bool
	// decode reads the attributes; where they are not as they should be it says why.
	decode(b []byte) (e Expr, why string, err error)
	word() string
	appendTo(b []byte, e Expr) []byte
	parse(text string) (Expr, error)
}

// exprOf is the kind of one type of Expr.
type exprOf[T Expr] struct {
	format[T]                   // its kind is the word in the text
	kernel    string            // the kernel's name
	when      func([]byte) bool // nil for all
	attrs     []attr[T]
	check     func(T) string // why values are out of range, "" if they are not; nil where all pass
}

// attr is one attribute of an expression: number is the kernel's, read stores it.
type attr[T any] struct {
	number uint16
	needed bool
	field[T]
	read func(v *T, data []byte) error
}

// exprFormat makes a kind that the kernel names as its text does.
func exprFormat[T Expr](name string, blank T, check func(T) string, attrs ...attr[T]) *exprOf[T] {
	k := &exprOf[T]{format: format[T]{kind: name, blank: blank}, kernel: name, attrs: attrs, check: check}
	for _, a := range attrs {
		if a.get != nil {
			k.fields = append(k.fields, a.field)
		}
	}
	return k
}

// of is the same kind under a word of its own: some of the kernel's expressions of a name.
func (k *exprOf[T]) of(kernel string, when func([]byte) bool) *exprOf[T] {
	k.kernel, k.when = kernel, when
	return k
}

func (k *exprOf[T]) name() string       { return k.kernel }
func (k *exprOf[T]) word() string       { return k.kind }
func (k *exprOf[T]) fits(b []byte) bool { return k.when == nil || k.when(b) }

func (k *exprOf[T]) decode(b []byte) (Expr, string, error) {
	v, seen, why := k.blank, 0, ""
	err := attributes(b, func(number uint16, data []byte) error {
		for i, a := range k.attrs {
			if a.number == number && seen&(1<<i) == 0 {
				seen |= 1 << i
				return a.read(&v, data)
			}
		}
		why = unknownAttribute(number)
		return nil
	})
	if err != nil || why != "" {
		return nil, why, err
	}
	for i, a := range k.attrs {
		if a.needed && seen&(1<<i) == 0 {
			return nil, fmt.Sprintf("no %s", unknownAttribute(a.number)), nil
		}
	}
	if k.check != nil {
		why = k.check(v)
	}
	return v, why, nil
}

func (k *exprOf[T]) appendTo(b []byte, e Expr) []byte {
	v := e.(T)
	b = append(b, k.kind...)
	at := len(b)
	if b = k.format.appendTo(append(b, ','), &v, ',', ':'); len(b) == at+1 {
		b = b[:at]
	}
	return b
}

func (k *exprOf[T]) parse(text string) (Expr, error) { return k.format.parse(text, ',', ':') }

// ExprText writes an expression as it stands in the text of a Snapshot: its kind, and what its attributes say.
func ExprText(e Expr) string { return string(e.kind().appendTo(nil, e)) }

// ExprName is the name that the kernel has for an expression.
func ExprName(e Expr) string {
	if o, ok := e.(Opaque); ok {
		return o.Name
	}
	return e.kind().name()
}

func parseExpr(text string) (Expr, error) {
	word, rest, _ := strings.Cut(text, ",")
	for _, k := range exprKinds {
		if k.word() == word {
			return k.parse(rest)
		}
	}
	return nil, fmt.Errorf("no kind of expression %q", word)
}

// decodeExpr reads the content of one NFTA_LIST_ELEM. What is not understood is Opaque; only what cannot be parsed at all
// is an error.
func decodeExpr(b []byte) (Expr, error) {
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
		if !k.fits(data) {
			continue
		}
		e, why, err := k.decode(data)
		if err != nil {
			why = err.Error()
		}
		if why != "" {
			return Opaque{name, why}, nil
		}
		return e, nil
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
