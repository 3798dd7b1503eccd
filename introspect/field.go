package introspect

import (
	"cmp"
	"encoding"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one field of an object in its text: get gives its values, of which only a list has more or fewer than one.
type field[T any] struct {
	name string
	get  func(*T) []string
	set  func(*T, string) error
}

type integer interface {
	~int | ~int32 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func oneField[T, F any](name string, at func(*T) *F, print func(F) string, parse func(string) (F, error)) field[T] {
	return field[T]{name, func(v *T) []string { return []string{print(*at(v))} }, func(v *T, text string) (err error) {
		*at(v), err = parse(text)
		return err
	}}
}

// numField is a field that prints as a decimal number, bitsField as a hexadecimal one.
func numField[T any, F integer](name string, at func(*T) *F) field[T] {
	return oneField(name, at, func(f F) string {
		if f < 0 {
			return strconv.FormatInt(int64(f), 10)
		}
		return strconv.FormatUint(uint64(f), 10)
	}, parseInteger[F])
}

func bitsField[T any, F integer](name string, at func(*T) *F) field[T] {
	return oneField(name, at, func(f F) string { return fmt.Sprintf("%#x", uint64(f)) }, parseInteger[F])
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

// boolField is a field that is the bare name where true.
func boolField[T any](name string, at func(*T) *bool) field[T] {
	return oneField(name, at, func(b bool) string {
		if b {
			return ""
		}
		return "no"
	}, func(text string) (bool, error) {
		if text != "" {
			return false, fmt.Errorf("value %q for a flag", text)
		}
		return true, nil
	})
}

// portsField is a field that is a range of ports.
func portsField[T any](name string, at func(*T) *[2]uint16) field[T] {
	return oneField(name, at, func(p [2]uint16) string { return fmt.Sprintf("%d-%d", p[0], p[1]) },
		func(text string) (p [2]uint16, err error) {
			first, last, _ := strings.Cut(text, "-")
			if p[0], err = parseInteger[uint16](first); err == nil {
				p[1], err = parseInteger[uint16](last)
			}
			return p, err
		})
}

func wordField[T any, F ~string](name string, at func(*T) *F) field[T] {
	return oneField(name, at, func(f F) string { return string(f) }, func(text string) (F, error) { return F(text), nil })
}

// textField is a field whose type prints and parses itself, as those of net/netip do.
func textField[T any, F interface {
	comparable
	encoding.TextMarshaler
}, P interface {
	*F
	encoding.TextUnmarshaler
}](name string, at func(*T) *F) field[T] {
	return oneField(name, at, func(f F) string {
		b, err := f.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(b)
	}, func(text string) (f F, err error) { return f, P(&f).UnmarshalText([]byte(text)) })
}

// listField is a field that appears once for each of its elements.
func listField[T, E any](name string, at func(*T) *[]E, print func(E) string, parse func(string) (E, error)) field[T] {
	return field[T]{name, func(v *T) []string {
		var all []string
		for _, e := range *at(v) {
			all = append(all, print(e))
		}
		return all
	}, func(v *T, text string) error {
		e, err := parse(text)
		*at(v) = append(*at(v), e)
		return err
	}}
}

func wordsField[T any](name string, at func(*T) *[]string) field[T] {
	return listField(name, at, func(s string) string { return s }, func(s string) (string, error) { return s, nil })
}

// MarshalText writes the address with colons.
func (m MAC) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 3*len(m))
	for i, octet := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = hex.AppendEncode(b, []byte{octet})
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes.
func (m *MAC) UnmarshalText(b []byte) error {
	octets := strings.Split(string(b), ":")
	if len(octets) != len(m) {
		return fmt.Errorf("%q is no MAC address", b)
	}
	for i, o := range octets {
		v, err := strconv.ParseUint(o, 16, 8)
		if err != nil || len(o) != 2 {
			return fmt.Errorf("%q is no MAC address", b)
		}
		m[i] = byte(v)
	}
	return nil
}

// String writes the address with colons.
func (m MAC) String() string {
	b, _ := m.MarshalText()
	return string(b)
}

// format is the text of one kind of object: its word, what an object is before its fields are read, and the fields.
type format[T any] struct {
	kind   string
	blank  T
	fields []field[T]
}

// appendTo writes the fields that differ from those of a blank object.
func (f *format[T]) appendTo(b []byte, v *T, separator, equals byte) []byte {
	blank, first := f.blank, true
	for _, field := range f.fields {
		values := field.get(v)
		if slices.Equal(values, field.get(&blank)) {
			continue
		}
		for _, value := range values {
			if !first {
				b = append(b, separator)
			}
			first = false
			b = append(b, field.name...)
			if value != "" {
				b = append(append(b, equals), quote(value, separator)...)
			}
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

// parse reads the fields of one object.
func (f *format[T]) parse(text string, separator, equals byte) (T, error) {
	v := f.blank
	for text = strings.Trim(text, " "); text != ""; {
		name, value, rest, err := cut(text, separator, equals)
		if err != nil {
			return v, err
		}
		i := slices.IndexFunc(f.fields, func(f field[T]) bool { return f.name == name })
		if i < 0 {
			return v, fmt.Errorf("%s has no field %q", cmp.Or(f.kind, "it"), name)
		}
		if err := f.fields[i].set(&v, value); err != nil {
			return v, fmt.Errorf("%s: %w", name, err)
		}
		text = rest
	}
	return v, nil
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
