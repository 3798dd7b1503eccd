package introspect

import (
	"cmp"
	"encoding"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// spelled is what has a text: fields walks over its fields in their order, always the same.
type spelled interface{ fields(*text) }

// text is one walk over the fields of an object: it writes what they say, sets them to what has been read, or passes over
// them.
type text struct {
	mode  mode
	pairs []pair // in the order of the fields where they are written, as they were read otherwise
	err   error  // the first
}

// pair is a field and one of its values: a list has more or fewer of them than one.
type pair struct {
	name, value string
	used        bool
}

type mode uint8

const (
	spelling mode = iota
	parsing
	passing
)

// use sets a field to all values that were read for it.
func (t *text) use(name string, set func(value string) error) {
	for i := range t.pairs {
		p := &t.pairs[i]
		if p.name != name {
			continue
		}
		p.used = true
		if err := set(p.value); err != nil && t.err == nil {
			t.err = fmt.Errorf("%s: %w", name, err)
		}
	}
}

func one[F any](t *text, name string, at *F, print func(F) string, parse func(string) (F, error)) {
	switch t.mode {
	case spelling:
		t.pairs = append(t.pairs, pair{name: name, value: print(*at)})
	case parsing:
		t.use(name, func(value string) (err error) {
			*at, err = parse(value)
			return err
		})
	}
}

// list is a field that appears once for each of its elements.
func list[E any](t *text, name string, at *[]E, print func(E) string, parse func(string) (E, error)) {
	switch t.mode {
	case spelling:
		for _, e := range *at {
			t.pairs = append(t.pairs, pair{name: name, value: print(e)})
		}
	case parsing:
		t.use(name, func(value string) error {
			e, err := parse(value)
			*at = append(*at, e)
			return err
		})
	}
}

type integer interface {
	~int | ~int32 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// num is a field that prints as a decimal number, bits as a hexadecimal one.
func num[F integer](t *text, name string, at *F) {
	if t.mode != passing {
		number(t, name, at, 10)
	}
}

func bits[F integer](t *text, name string, at *F) { number(t, name, at, 16) }

func number[F integer](t *text, name string, at *F, base int) {
	if t.mode == parsing {
		t.use(name, func(value string) (err error) {
			*at, err = parseInteger[F](value)
			return err
		})
		return
	}
	value := strconv.FormatUint(uint64(*at), base)
	switch {
	case base == 16:
		value = "0x" + value
	case *at < 0:
		value = strconv.FormatInt(int64(*at), base)
	}
	t.pairs = append(t.pairs, pair{name: name, value: value})
}

func parseInteger[F integer](text string) (F, error) {
	if i, err := strconv.ParseInt(text, 0, 64); err == nil && int64(F(i)) == i && (F(i) < 0) == (i < 0) {
		return F(i), nil
	}
	u, err := strconv.ParseUint(text, 0, 64)
	if err == nil && (uint64(F(u)) != u || F(u) < 0) {
		err = strconv.ErrRange
	}
	return F(u), err
}

// flag is a field that is the bare name where true.
func (t *text) flag(name string, at *bool) {
	one(t, name, at, func(b bool) string {
		if b {
			return ""
		}
		return "no"
	}, func(value string) (bool, error) {
		if value != "" {
			return false, fmt.Errorf("value %q for a flag", value)
		}
		return true, nil
	})
}

// ports is a field that is a range of ports.
func (t *text) ports(name string, at *[2]uint16) {
	one(t, name, at, func(p [2]uint16) string { return fmt.Sprintf("%d-%d", p[0], p[1]) },
		func(value string) (p [2]uint16, err error) {
			first, last, _ := strings.Cut(value, "-")
			if p[0], err = parseInteger[uint16](first); err == nil {
				p[1], err = parseInteger[uint16](last)
			}
			return p, err
		})
}

func verbatim(value string) string           { return value }
func parseWord(value string) (string, error) { return value, nil }

func (t *text) word(name string, at *string)    { one(t, name, at, verbatim, parseWord) }
func (t *text) words(name string, at *[]string) { list(t, name, at, verbatim, parseWord) }

// own is a field whose type prints and parses itself, as those of net/netip do.
func (t *text) own(name string, at interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}) {
	switch t.mode {
	case spelling:
		b, err := at.MarshalText()
		if err != nil {
			b = []byte(err.Error())
		}
		t.pairs = append(t.pairs, pair{name: name, value: string(b)})
	case parsing:
		t.use(name, func(value string) error { return at.UnmarshalText([]byte(value)) })
	}
}

// format is the text of one kind of object: its word, and what the fields of one at rest say, which are not written.
type format struct {
	kind string
	rest []pair
}

func formatOf(kind string, rest spelled) *format {
	var t text
	rest.fields(&t)
	return &format{kind, t.pairs}
}

// appendTo writes the fields that are not at rest.
func (f *format) appendTo(b []byte, v spelled, separator, equals byte) []byte {
	t := text{pairs: make([]pair, 0, len(f.rest)+2)}
	v.fields(&t)
	return appendPairs(b, t.pairs, f.rest, separator, equals)
}

func appendPairs(b []byte, pairs, rest []pair, separator, equals byte) []byte {
	first := true
	for _, p := range pairs {
		if slices.Contains(rest, p) {
			continue
		}
		if !first {
			b = append(b, separator)
		}
		first = false
		b = append(b, p.name...)
		if p.value != "" {
			b = append(append(b, equals), quote(p.value, separator)...)
		}
	}
	return b
}

// quote leaves a plain value alone, and quotes it otherwise.
func quote(value string, separator byte) string {
	plain := func(r rune) bool { return r > ' ' && r < 0x7f && r != '"' && r != rune(separator) }
	if strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return strconv.Quote(value)
	}
	return value
}

// parse reads the fields of an object that is at rest before.
func (f *format) parse(v spelled, line string, separator, equals byte) error {
	t, err := readText(line, separator, equals)
	if err != nil {
		return err
	}
	v.fields(&t)
	return t.end(f.kind)
}

func readText(line string, separator, equals byte) (t text, err error) {
	t.mode, t.pairs = parsing, make([]pair, 0, 1+strings.Count(line, string(equals)))
	for line = strings.Trim(line, " "); line != "" && err == nil; {
		var p pair
		p.name, p.value, line, err = cut(line, separator, equals)
		t.pairs = append(t.pairs, p)
	}
	return t, err
}

// end says what was wrong with the text of an object of a kind.
func (t *text) end(kind string) error {
	for _, p := range t.pairs {
		if !p.used {
			return fmt.Errorf("%s has no field %q", cmp.Or(kind, "it"), p.name)
		}
	}
	return t.err
}

// cut takes the first field off a text.
func cut(text string, separator, equals byte) (name, value, rest string, err error) {
	end := strings.IndexAny(text, string([]byte{separator, equals}))
	if end < 0 || text[end] == separator {
		name, rest, _ = strings.Cut(text, string(separator))
		return name, "", rest, nil
	}
	name, text = text[:end], text[end+1:]
	if !strings.HasPrefix(text, `"`) {
		value, rest, _ = strings.Cut(text, string(separator))
		return name, value, rest, nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", "", fmt.Errorf("%s: %w", name, err)
	}
	if value, err = strconv.Unquote(quoted); err != nil {
		return "", "", "", fmt.Errorf("%s: %w", name, err)
	}
	rest = text[len(quoted):]
	if rest != "" && rest[0] != separator {
		return "", "", "", fmt.Errorf("%s: %q after a quoted value", name, rest)
	}
	return name, value, strings.TrimPrefix(rest, string(separator)), nil
}
