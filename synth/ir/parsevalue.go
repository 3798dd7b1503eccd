package ir

import (
	"strconv"
	"strings"

	"github.com/hone-net/hone/slowpath"
)

var (
	opsByName      = byName[Op](opNames[:])
	condsByName    = byName[Cond](condNames[:])
	metasByName    = byName[Meta](metaNames[:])
	countersByName = byName[Counter](counterNames[:])
)

func byName[T Op | Cond | Meta | Counter](names []string) map[string]T {
	m := make(map[string]T, len(names))
	for i, name := range names {
		if name != "" {
			m[name] = T(i)
		}
	}
	return m
}

// parseStep parses a value or an exit.
func (p *parser) parseStep() {
	first := p.next("operation")
	if len(p.words) > 0 && p.words[0] == "=" {
		p.expect("=")
		p.parseValue(first, p.next("operation"))
		return
	}
	if p.parseExit(first) {
		return
	}
	p.parseValue("", first)
}

// parseValue parses an operation and gives it the name, "" if it yields nothing.
func (p *parser) parseValue(name, word string) {
	v := &Value{}
	opName, width, wide := cutWidth(word)
	op, ok := opsByName[opName]
	switch {
	case !ok:
		p.fail("no operation %q", word)
		return
	case wide != (op == OpLoad || op == OpLoadLE || op == OpStore || op == OpStoreLE):
		p.fail("%q: only packet access has a width", word)
	case op.Yields() != (name != ""):
		p.fail("%s: a value has a name, and only a value", word)
	}
	v.Op, v.Width = op, width
	p.parseOperands(v)
	if name != "" {
		p.define(name, v)
	} else {
		p.unnamed = append(p.unnamed, v)
	}
	p.block.Values = append(p.block.Values, v)
}

// cutWidth splits load.le.4.
func cutWidth(word string) (op string, width uint8, ok bool) {
	i := strings.LastIndexByte(word, '.')
	if i < 0 {
		return word, 0, false
	}
	n, err := strconv.ParseUint(word[i+1:], 10, 8)
	if err != nil {
		return word, 0, false
	}
	return word[:i], uint8(n), true
}

func (p *parser) parseOperands(v *Value) {
	switch v.Op {
	case OpConst, OpLoad, OpLoadLE, OpStore, OpStoreLE, OpBound:
		v.Imm = p.number("number", 64)
	case OpMeta:
		v.Imm = uint64(named(p, "metadata", metasByName))
	case OpCount:
		v.Imm = uint64(named(p, "counter", countersByName))
	case OpMoved:
		v.Domain = p.domain()
	case OpGuard, OpSelect:
		v.Cond = named(p, "condition", condsByName)
	case OpLookup, OpCommit, OpKeep, OpAccount:
		if v.Table = p.tables[p.next("table")]; v.Table == nil {
			p.fail("no such table")
		}
	}
	v.Args = p.operands(v.arity())
	switch v.Op {
	case OpBound, OpGuard, OpHit, OpKeep, OpPush, OpPop:
		v.Reason = p.reason()
	case OpField, OpMark:
		v.Field = p.next("field")
		if v.Args[0] != nil {
			v.Table = v.Args[0].Table
		}
	}
}

func named[T any](p *parser, what string, all map[string]T) T {
	w := p.next(what)
	n, ok := all[w]
	if !ok {
		p.fail("no %s %q", what, w)
	}
	return n
}

func (p *parser) domain() slowpath.Domain {
	d, err := slowpath.ParseDomain(p.next("domain"))
	if err != nil {
		p.fail("%v", err)
	}
	return d
}

func (p *parser) reason() slowpath.Reason {
	r, err := slowpath.ParseReason(p.next("reason"))
	if err != nil {
		p.fail("%v", err)
	}
	return r
}

// operands parses n operands; a number becomes a constant.
func (p *parser) operands(n int) []*Value {
	if n == 0 {
		return nil
	}
	args := make([]*Value, n)
	for i := range args {
		w := p.next("operand")
		if args[i] = p.values[w]; args[i] != nil {
			continue
		}
		imm, err := strconv.ParseUint(w, 0, 64)
		if err != nil {
			p.fail("no value %q", w)
			continue
		}
		args[i] = &Value{Op: OpConst, Imm: imm}
		p.unnamed = append(p.unnamed, args[i])
		p.block.Values = append(p.block.Values, args[i])
	}
	return args
}

// define names a value: v12.
func (p *parser) define(name string, v *Value) {
	digits, ok := strings.CutPrefix(name, "v")
	id, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil || id >= MaxID {
		p.fail("%q is no name of a value", name)
		return
	}
	v.ID = int(id)
	name = "v" + strconv.Itoa(v.ID)
	if p.values[name] != nil {
		p.fail("%s again", name)
	}
	p.values[name] = v
	p.last = max(p.last, v.ID)
}

// parseExit parses the end of a block, if the word begins one.
func (p *parser) parseExit(word string) bool {
	e := &p.block.Exit
	switch word {
	case "jump":
		*e = Exit{Kind: Jump, Then: p.blockNamed(p.next("block"))}
	case "if":
		*e = Exit{Kind: If, Cond: named(p, "condition", condsByName), Args: p.operands(2)}
		e.Then, e.Else = p.blockNamed(p.next("block")), p.blockNamed(p.next("block"))
		e.Unlikely = p.accept("unlikely")
	case "punt":
		*e = Exit{Kind: Punt}
		if p.accept("by") {
			e.Args = p.operands(1)
		} else {
			e.Reason = p.reason()
		}
	case "redirect":
		*e = Exit{Kind: RedirectExit, Args: p.operands(1)}
	case "abort":
		*e = Exit{Kind: Abort}
	default:
		return false
	}
	return true
}
