package filter

import (
	"bytes"
	"slices"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// lookup adds a look into a set. The value that it finds in a map is the kernel's: what asks for it changes packets. Of chains that
// translate addresses, which nobody compiles, it is told.
func (d *reader) lookup(e introspect.Lookup) (fails bool) {
	set, ok := d.set(e.Set)
	if !ok || !plainSet(set) || set.Flags&introspect.SetObject != 0 {
		d.leave(e, slowpath.RulesetSet)
		return false
	}
	value := e.DReg != introspect.NoRegister && e.DReg != introspect.VerdictRegister
	if value && d.at.nat && d.value(e, set) {
		return false
	}
	fails = d.look(e, set, e.SReg, e.Invert, e.DReg == introspect.VerdictRegister)
	if value {
		d.regs.forget(e.DReg, int(set.DataLen))
	}
	return fails
}

// objectOf uses the object that a map has for a key. Packets without one get past the rule, the others are the kernel's.
func (d *reader) objectOf(e introspect.ObjRefMap) (fails bool) {
	if set, ok := d.set(e.Set); ok && plainSet(set) && d.look(e, set, e.SReg, false, false) {
		return true
	}
	d.leave(e, reasonOf(e))
	return false
}

func (d *reader) set(name string) (introspect.Set, bool) {
	return d.snapshot.Sets.Get(introspect.SetKey{Family: d.table.Family, Table: d.table.Name, Name: name})
}

// look adds the test whether registers are a key of a set, or the verdict that it has for them.
func (d *reader) look(e introspect.Expr, set introspect.Set, from introspect.Register, not, verdict bool) (fails bool) {
	parts := d.keyOf(set, from)
	if parts != nil && !verdict && d.inPlace(set.Key, parts, not) {
		return false
	}
	all := d.contents(set)
	if parts == nil || all == nil || not && all.rest != nil {
		d.leave(e, slowpath.RulesetSet)
		return false
	}
	if verdict {
		return d.choose(e, parts, all)
	}
	if all.rest != nil {
		return false // every packet is in it
	}
	return d.test(e, parts, all.elements, not)
}

// plainSet tells whether a set is nothing but elements that somebody has written down.
func plainSet(s introspect.Set) bool {
	return !s.Fluid() && len(s.Unknown) == 0 && s.Exprs == ""
}

// keyOf gives the bytes of the registers that are looked for, in the parts of the key. Where there are no intervals, the kernel
// compares what stands behind a part in its last register, too: that has to be nothing.
func (d *reader) keyOf(s introspect.Set, from introspect.Register) [][]cell {
	lengths, hashed := s.Fields, len(s.Fields) > 0 && s.Flags&introspect.SetInterval == 0
	if len(lengths) == 0 {
		lengths = []uint8{uint8(min(s.KeyLen, 255))}
	}
	var parts [][]cell
	for _, n := range lengths {
		cells := d.regs.at(from, int(n))
		if cells == nil || hashed && !d.regs.filled(from, int(n)) {
			return nil
		}
		parts = append(parts, slices.Clone(cells))
		from += introspect.Register((n + 3) / 4)
	}
	return parts
}

// contents is the elements of a set. Of a map, each has a verdict, or a value; rest is that of keys that are none of them.
type contents struct {
	elements []element
	verdicts []introspect.Verdict
	values   []introspect.Data
	rest     *introspect.Verdict
	other    introspect.Data
}

// contents reads the elements of a set, once.
func (p *Path) contents(s introspect.Set) *contents {
	c, ok := p.sets[s.Key]
	if !ok {
		c = contentsOf(s)
		p.sets[s.Key] = c
	}
	return c
}

// contentsOf reads the elements of a set; nil if there is one that is more than a key and a verdict.
func contentsOf(s introspect.Set) *contents {
	c := &contents{}
	concatenated, anonymous := len(s.Fields) > 1, s.Flags&introspect.SetAnonymous != 0
	var open *introspect.Element // the beginning of an interval whose end is yet to come
	var ended introspect.Data    // where the last one ended
	for key, e := range s.Elements.All() {
		switch {
		case e.Exprs != "" || e.Unknown != "" || e.Timeout != 0:
			return nil
		case key.CatchAll:
			verdict := e.Verdict
			c.rest, c.other = &verdict, e.Data
		case concatenated || s.Flags&introspect.SetInterval == 0:
			c.add(partsOf(s, key), e)
		case key.To != "", anonymous && !key.End && key.Key == ended:
			return nil // it is no tree; the kernel finds either one in a set without a name, which depends on its tree
		case key.End && open == nil: // what nft puts before the first interval
			ended = key.Key
		case key.End:
			c.add(element{{[]byte(open.Key.Key), before([]byte(key.Key))}}, *open)
			open, ended = nil, key.Key
		default:
			if open != nil {
				c.add(element{{[]byte(open.Key.Key), before([]byte(key.Key))}}, *open)
			}
			open = &e
		}
	}
	if open != nil {
		c.add(element{{[]byte(open.Key.Key), bytes.Repeat([]byte{0xff}, len(open.Key.Key))}}, *open)
	}
	return c
}

func (c *contents) add(e element, of introspect.Element) {
	c.elements, c.verdicts = append(c.elements, e), append(c.verdicts, of.Verdict)
	if of.Data != "" {
		c.values = append(c.values, of.Data)
	}
}

// before is the number, of as many bytes, that comes before one that is not zero.
func before(n []byte) []byte {
	n = bytes.Clone(n)
	for i := len(n) - 1; i >= 0; i-- {
		n[i]--
		if n[i] != 0xff {
			break
		}
	}
	return n
}

// partsOf is an element of its own key, or of the interval that it has in each part.
func partsOf(s introspect.Set, k introspect.ElementKey) element {
	from, to := []byte(k.Key), []byte(k.To)
	if len(to) != len(from) {
		to = from
	}
	if len(s.Fields) == 0 {
		return element{{from, to}}
	}
	var e element
	for _, n := range s.Fields {
		if int(n) > len(from) {
			return element{{from, to}} // its length will not fit the key
		}
		e = append(e, interval{from[:n], to[:n]})
		next := min((int(n)+3)/4*4, len(from))
		if exact := s.Flags&introspect.SetInterval == 0; exact && len(bytes.Trim(from[n:next], "\x00")) > 0 {
			return element{{from, to}} // the kernel compares what the parts are filled up with
		}
		from, to = from[next:], to[next:]
	}
	return e
}

// choose adds a verdict map.
func (d *reader) choose(e introspect.Expr, parts [][]cell, c *contents) (fails bool) {
	r, ok := d.region(parts, c.elements)
	if !ok || slices.ContainsFunc(c.verdicts, goesOn) || c.rest != nil && goesOn(*c.rest) || c.ambiguous() {
		d.leave(e, slowpath.RulesetMatch)
		return false
	}
	switch {
	case len(r.keys) == 0 && len(r.boxes) > 0:
		return d.verdict(c.verdicts[r.of[0]])
	case len(r.boxes) == 0 && c.rest != nil:
		return d.verdict(*c.rest)
	case len(r.boxes) == 0:
		return true
	}
	verdicts := different(r, c.verdicts)
	d.steps = append(d.steps, step{kind: stepChoose, choice: r, verdicts: verdicts, rest: c.rest})
	return false
}

// different lists verdicts once; boxes then name one of these.
func different(r *region, all []introspect.Verdict) (verdicts []introspect.Verdict) {
	number := map[introspect.Verdict]int{}
	for i, of := range r.of {
		n, ok := number[all[of]]
		if !ok {
			n = len(verdicts)
			number[all[of]], verdicts = n, append(verdicts, all[of])
		}
		r.of[i] = n
	}
	return verdicts
}

// mostCrossed bounds the elements of a map of concatenated intervals: each is compared with each other one.
const mostCrossed = 2000

// ambiguous tells whether a key may lie in two elements that have different verdicts or values. Concatenations of intervals may lie
// across each other; the kernel finds the one that was added first, and does not show which one that was.
func (c *contents) ambiguous() bool {
	if len(c.elements) == 0 || len(c.elements[0]) < 2 || !slices.ContainsFunc(c.elements, element.wide) {
		return false
	}
	for i, e := range c.elements {
		if i == mostCrossed {
			return true
		}
		for n, o := range c.elements[:i] {
			same := c.verdicts[i] == c.verdicts[n] && (len(c.values) != len(c.elements) || c.values[i] == c.values[n])
			if !same && e.meets(o) {
				return true
			}
		}
	}
	return false
}

// wide tells whether an element is more than one key.
func (e element) wide() bool {
	return slices.ContainsFunc(e, func(in interval) bool { return !bytes.Equal(in.from, in.to) })
}

// meets tells whether two elements have a key in common.
func (e element) meets(o element) bool {
	for i := range e {
		if bytes.Compare(e[i].from, o[i].to) > 0 || bytes.Compare(o[i].from, e[i].to) > 0 {
			return false
		}
	}
	return true
}

// goesOn tells whether a rule goes on behind a verdict.
func goesOn(v introspect.Verdict) bool { return v.Code == introspect.VerdictContinue }
