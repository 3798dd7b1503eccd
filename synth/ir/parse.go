package ir

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a program's text. It refuses what cannot be written down as a program; whether the program keeps the rules
// is for Check to say. A line is one table, block name, value or exit; words stand apart by spaces; a semicolon begins a
// comment; an operand is the name of a value or a number, which stands for a constant.
func Parse(text string) (*Program, error) {
	p := &parser{program: &Program{}, blocks: map[string]*Block{}, values: map[string]*Value{}, tables: map[string]*Table{}}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, ";")
		p.words = strings.Fields(line)
		if len(p.words) == 0 {
			continue
		}
		p.line = i + 1
		if p.parseLine(); p.err != nil {
			return nil, p.err
		}
	}
	if p.finish(); p.err != nil {
		return nil, p.err
	}
	return p.program, nil
}

// state is where in the text the parser is.
type state uint8

const (
	before state = iota // program not begun
	inside
	after
)

// parser keeps the first error; every step after it does nothing that matters.
type parser struct {
	program *Program
	state   state
	block   *Block // that lines go into; nil before the first
	blocks  map[string]*Block
	values  map[string]*Value
	tables  map[string]*Table
	last    int // highest number of a value
	unnamed []*Value
	line    int
	words   []string
	err     error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("ir: parse: line %d: %s", p.line, fmt.Sprintf(format, args...))
	}
}

// next takes a word of the line.
func (p *parser) next(what string) string {
	if len(p.words) == 0 {
		p.fail("want %s at the end", what)
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

// expect takes a word that must be there.
func (p *parser) expect(word string) {
	if w := p.next(strconv.Quote(word)); w != word {
		p.fail("%q where %q is wanted", w, word)
	}
}

// accept takes a word if it is there.
func (p *parser) accept(word string) bool {
	if len(p.words) > 0 && p.words[0] == word {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *parser) number(what string, bits int) uint64 {
	w := p.next(what)
	n, err := strconv.ParseUint(w, 0, bits)
	if err != nil {
		p.fail("%q is no %s", w, what)
	}
	return n
}

func (p *parser) parseLine() {
	switch {
	case p.state == before:
		p.parseHead()
	case p.state == after:
		p.fail("%q after the program", p.words[0])
	case p.words[0] == "}":
		p.state = after
		p.next("}")
	case p.words[0] == "table" && p.block == nil:
		p.parseTable()
	case len(p.words) == 1 && strings.HasSuffix(p.words[0], ":"):
		p.parseBlock(strings.TrimSuffix(p.next("block"), ":"))
	case p.block == nil:
		p.fail("%q before the first block", p.words[0])
	case p.block.Exit.Kind != ExitNone:
		p.fail("%q after the exit of block %s", p.words[0], p.block.Name)
	default:
		p.parseStep()
	}
	if len(p.words) > 0 {
		p.fail("%q is too much", p.words[0])
	}
}

func (p *parser) parseHead() {
	p.expect("program")
	name := p.next("name")
	if strings.HasPrefix(name, `"`) {
		unquoted, err := strconv.Unquote(name)
		if err != nil {
			p.fail("%s is no name", name)
		}
		name = unquoted
	} else if !isName(name) {
		p.fail("%q is no name", name)
	}
	p.program.Name = name
	p.expect("{")
	p.state = inside
}

// blockNamed finds a block that may not have begun yet.
func (p *parser) blockNamed(name string) *Block {
	if !isName(name) {
		p.fail("%q is no name of a block", name)
	}
	b := p.blocks[name]
	if b == nil {
		b = &Block{Name: name}
		p.blocks[name] = b
	}
	return b
}

func (p *parser) parseBlock(name string) {
	b := p.blockNamed(name)
	for _, old := range p.program.Blocks {
		if old == b {
			p.fail("block %s again", name)
		}
	}
	p.program.Blocks = append(p.program.Blocks, b)
	p.block = b
}

// finish checks that the text was complete, and numbers the values that have no name in the text.
func (p *parser) finish() {
	if p.state != after {
		p.fail("the program does not end")
	}
	for _, b := range p.program.Blocks {
		if b.Exit.Kind == ExitNone {
			p.fail("block %s has no exit", b.Name)
		}
		delete(p.blocks, b.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(p.blocks)) {
		p.fail("no block %s", name)
	}
	for _, v := range p.unnamed {
		p.last++
		v.ID = p.last
	}
}
