package ir

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// String gives the program's text, which Parse reads back. Constants are written where they are used.
func (p *Program) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "program %s {\n", quoteName(p.Name))
	for _, t := range p.Tables {
		fmt.Fprintf(&w, "\t%s\n", t)
	}
	for _, b := range p.Blocks {
		words(&w, b.Name, ":\n")
		for _, v := range b.Values {
			if v.Op != OpConst {
				w.WriteByte('\t')
				v.print(&w)
				w.WriteByte('\n')
			}
		}
		w.WriteByte('\t')
		b.Exit.print(&w)
		w.WriteByte('\n')
	}
	w.WriteString("}\n")
	return w.String()
}

// quoteName writes a program's name as one word.
func quoteName(s string) string {
	if isName(s) {
		return s
	}
	return strings.ReplaceAll(strconv.Quote(s), " ", `\x20`)
}

var kindNames = map[TableKind]string{Rows: "rows", LPM: "lpm", Set: "set", Hash: "hash", FIB: "fib", LPM6: "lpm6", Set6: "set6",
	FIB6: "fib6", Conntrack: "conntrack", Conntrack6: "conntrack6", Tallies: "tallies", Packed: "packed", Keyed: "keyed"}

// String gives the kind's name in the text form.
func (k TableKind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return "kind?"
}

// String gives the table's line in the text form.
func (t *Table) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "table %s %s domain %s", t.Name, t.Kind, t.Domain)
	switch t.Kind {
	case LPM:
		fmt.Fprintf(&w, " size %d", t.Size)
		if t.Focus4.Len > 0 {
			fmt.Fprintf(&w, " focus %s", t.Focus4)
		}
	case LPM6:
		fmt.Fprintf(&w, " steps %d size %d", t.Steps, t.Size)
		if t.Leaves {
			w.WriteString(" leaves")
		}
		if t.Focus.Len > 0 {
			fmt.Fprintf(&w, " focus %s", t.Focus)
		}
	case Packed:
		fmt.Fprintf(&w, " blocks %d size %d", t.Blocks, t.Size)
	case Rows, Hash, Keyed:
		if t.Kind == Keyed {
			fmt.Fprintf(&w, " factor %#x", t.Factor)
		}
		fmt.Fprintf(&w, " size %d row %d {", t.Size, t.RowSize)
		for _, f := range t.Fields {
			fmt.Fprintf(&w, " %s u%d@%d", f.Name, int(f.Width)*8, f.Offset)
		}
		w.WriteString(" }")
	case Conntrack, Conntrack6:
		fmt.Fprintf(&w, " size %d tcp %d udp %d%s", t.Size, t.Tracking.TCP, t.Tracking.UDP, t.Tracking.flags())
	case Tallies:
		fmt.Fprintf(&w, " size %d", t.Size)
	case Set:
		printSet(&w, t.Prefixes)
	case Set6:
		printSet(&w, t.Prefixes6)
	}
	return w.String()
}

func (t Tracking) flags() string {
	words := " {"
	if t.NAT {
		words += " nat"
	}
	if t.Liberal {
		words += " liberal"
	}
	if t.Account {
		words += " account"
	}
	return words + " }"
}

func printSet[P fmt.Stringer](w io.Writer, prefixes []P) {
	fmt.Fprint(w, " {")
	for _, p := range prefixes {
		fmt.Fprintf(w, " %s", p)
	}
	fmt.Fprint(w, " }")
}

// String gives the prefix as usual: 2001:db8::/32.
func (p Prefix6) String() string {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], p.Hi)
	binary.BigEndian.PutUint64(a[8:], p.Lo)
	return fmt.Sprintf("%s/%d", netip.AddrFrom16(a), p.Len)
}

// String gives the prefix as usual: 10.0.0.0/8.
func (p Prefix) String() string {
	a := netip.AddrFrom4([4]byte{byte(p.Addr >> 24), byte(p.Addr >> 16), byte(p.Addr >> 8), byte(p.Addr)})
	return fmt.Sprintf("%s/%d", a, p.Len)
}

// String gives the value's line in the text form.
func (v *Value) String() string {
	var w strings.Builder
	v.print(&w)
	return w.String()
}

// print writes the value's line. Programs have thousands of lines and are printed whenever something changes, so that it is
// done without the package fmt.
func (v *Value) print(w *strings.Builder) {
	if v.Op.Yields() {
		words(w, "v", strconv.Itoa(v.ID), " = ")
	}
	w.WriteString(v.Op.String())
	switch v.Op {
	case OpConst:
		words(w, " ", number(v.Imm))
	case OpLoad, OpLoadLE, OpStore, OpStoreLE:
		words(w, ".", strconv.Itoa(int(v.Width)), " ", strconv.FormatUint(v.Imm, 10))
	case OpMeta:
		words(w, " ", Meta(v.Imm).String())
	case OpCount:
		words(w, " ", Counter(v.Imm).String())
	case OpMoved:
		words(w, " ", v.Domain.String())
	case OpBound:
		words(w, " ", strconv.FormatUint(v.Imm, 10))
	case OpGuard, OpSelect:
		words(w, " ", v.Cond.String())
	case OpLookup, OpCommit, OpKeep, OpAccount:
		words(w, " ", tableName(v.Table))
	}
	printArgs(w, v.Args)
	switch v.Op {
	case OpBound, OpGuard, OpHit, OpKeep, OpPush, OpPop:
		words(w, " ", v.Reason.String())
	case OpField, OpMark:
		words(w, " ", v.Field)
	}
}

// words writes one string after the other.
func words(w *strings.Builder, all ...string) {
	for _, s := range all {
		w.WriteString(s)
	}
}

func tableName(t *Table) string {
	if t == nil {
		return "table?"
	}
	return t.Name
}

// printArgs writes operands: constants as numbers, others by name.
func printArgs(w *strings.Builder, args []*Value) {
	for _, a := range args {
		switch {
		case a == nil:
			w.WriteString(" nothing")
		case a.Op == OpConst:
			words(w, " ", number(a.Imm))
		default:
			words(w, " v", strconv.Itoa(a.ID))
		}
	}
}

// number writes what is counted in decimal, and what looks like bits in hexadecimal.
func number(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10)
	}
	return "0x" + strconv.FormatUint(n, 16)
}

// String gives the exit's line in the text form.
func (e *Exit) String() string {
	var w strings.Builder
	e.print(&w)
	return w.String()
}

func (e *Exit) print(w *strings.Builder) {
	switch e.Kind {
	case Jump:
		words(w, "jump ", e.Then.Name)
	case If:
		words(w, "if ", e.Cond.String())
		printArgs(w, e.Args)
		words(w, " ", e.Then.Name, " ", e.Else.Name)
		if e.Unlikely {
			w.WriteString(" unlikely")
		}
	case Punt:
		if w.WriteString("punt"); len(e.Args) == 0 {
			words(w, " ", e.Reason.String())
		} else {
			w.WriteString(" by")
			printArgs(w, e.Args)
		}
	case RedirectExit:
		w.WriteString("redirect")
		printArgs(w, e.Args)
	case Abort:
		w.WriteString("abort")
	default:
		w.WriteString("exit?")
	}
}
