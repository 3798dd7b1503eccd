package filter

import (
	"testing"

	"github.com/hone-net/hone/introspect"
)

// rulesOf reads a rule's expressions for packets of IPv4, in a table with one set.
func rulesOf(set introspect.Set, all ...introspect.Expr) []step {
	s := &introspect.Snapshot{}
	set.Key = introspect.SetKey{Family: 2, Table: "t", Name: "s"}
	s.Sets = s.Sets.With(set.Key, set)
	p := New(s, Ingress{})
	c := &introspect.Chain{Key: introspect.ChainKey{Family: 2, Table: "t", Name: "c"}}
	return p.read(c, &introspect.ChainRule{Exprs: append(all, introspect.Verdict{Code: introspect.VerdictAccept})}, place{hook: hookForward})
}

// left tells whether nothing but leaving packets to the kernel comes of a rule.
func left(steps []step) bool { return len(steps) > 0 && steps[len(steps)-1].kind == stepLeave }

// TestOddRegisters has rules that nft does not write, and of which the kernel makes something else than meets the eye.
func TestOddRegisters(t *testing.T) {
	source := func(to introspect.Register) introspect.Expr {
		return introspect.Payload{DReg: to, Base: 1, Offset: 12, Len: 4}
	}
	order := func(from, to introspect.Register, length, size uint32) introspect.Expr {
		return introspect.Byteorder{SReg: from, DReg: to, Len: length, Size: size}
	}
	is := func(data string) introspect.Expr { return introspect.Cmp{Data: introspect.Data(data)} }
	for _, c := range []struct {
		name  string
		rule  []introspect.Expr
		never bool // no packet matches
		left  bool
	}{
		{name: "an address twice, alike", rule: []introspect.Expr{source(0), source(1), is("\x0a\x00\x00\x01\x0a\x00\x00\x01")}},
		{name: "an address twice, not alike", rule: []introspect.Expr{source(0), source(1), is("\x0a\x00\x00\x01\x0a\x00\x00\x02")}, never: true},
		{name: "two bytes of a register", rule: []introspect.Expr{introspect.Payload{Base: 2, Len: 2}, order(0, 0, 2, 2), is("\x00\x50\x00\x00")}},
		{name: "two bytes of a full register", rule: []introspect.Expr{source(0), order(0, 0, 2, 2), is("\x00\x0a\x00\x01")}, left: true},
		{name: "two bytes of an empty register", rule: []introspect.Expr{source(1), order(1, 0, 2, 2), is("\x00\x0a")}, left: true},
		{name: "one word of eight bytes", rule: []introspect.Expr{source(0), source(1), order(0, 0, 8, 8), is("\x01\x00\x00\x0a\x01\x00\x00\x0a")}},
		{name: "two words of two bytes", rule: []introspect.Expr{source(0), order(0, 0, 4, 2), is("\x00\x0a\x01\x00")}, left: true},
		{name: "words behind themselves", rule: []introspect.Expr{source(1), source(2), order(1, 0, 8, 4), is("\x01\x00\x00\x0a\x01\x00\x00\x0a")}},
		{name: "words ahead of themselves", rule: []introspect.Expr{source(0), source(1), source(2), order(0, 1, 8, 4), is("\x0a\x00\x00\x01")}, left: true},
		{name: "bits ahead of themselves", rule: []introspect.Expr{source(0), source(1), source(2), introspect.Bitwise{DReg: 1, Len: 8,
			Mask: "\xff\x00\x00\x00\xff\x00\x00\x00", Xor: "\x00\x00\x00\x00\x00\x00\x00\x00"}, is("\x0a\x00\x00\x01")}, left: true},
		{name: "two words of eight bytes", rule: []introspect.Expr{source(0), source(1), source(2), source(3), order(0, 4, 16, 8),
			introspect.Cmp{SReg: 4, Data: "\x01"}}, left: true},
	} {
		if steps := rulesOf(introspect.Set{}, c.rule...); left(steps) != c.left || (len(steps) == 0) != c.never {
			t.Errorf("%s: left %v, never %v", c.name, left(steps), len(steps) == 0)
		}
	}
}

// TestOddIntervals has sets of intervals that nft does not make: some of them the kernel keeps in another way than elements
// show, and where an interval of a set without a name begins at the end of another, it may miss the beginning.
func TestOddIntervals(t *testing.T) {
	end := introspect.ElementKey{Key: "\x00\x14", End: true}
	from, next := introspect.ElementKey{Key: "\x00\x0a"}, introspect.ElementKey{Key: "\x00\x14"}
	for _, c := range []struct {
		name  string
		flags uint32
		keys  []introspect.ElementKey
		left  bool
	}{
		{name: "named", keys: []introspect.ElementKey{from, end, next}},
		{name: "without a name", flags: introspect.SetAnonymous, keys: []introspect.ElementKey{from, end, next}, left: true},
		{name: "without a name or an end", flags: introspect.SetAnonymous, keys: []introspect.ElementKey{from, next}},
		{name: "apart", flags: introspect.SetAnonymous, keys: []introspect.ElementKey{from, end, {Key: "\x00\x15"}}},
		{name: "with their own ends", keys: []introspect.ElementKey{{Key: "\x00\x0a", To: "\x00\x0f"}}, left: true},
	} {
		set := introspect.Set{Flags: introspect.SetInterval | c.flags, KeyLen: 2}
		for _, k := range c.keys {
			set.Elements = set.Elements.With(k, introspect.Element{Key: k})
		}
		steps := rulesOf(set, introspect.Payload{Base: 2, Offset: 2, Len: 2}, introspect.Lookup{Set: "s", DReg: introspect.NoRegister})
		if left(steps) != c.left {
			t.Errorf("%s: left %v", c.name, left(steps))
		}
	}
}

// TestOddKeys has keys of parts that do not fill their registers.
func TestOddKeys(t *testing.T) {
	for _, c := range []struct {
		name   string
		flags  uint32
		length uint32 // of what is loaded for the first part
		left   bool
	}{{"a port", 0, 2, false}, {"both ports", 0, 4, true}, {"intervals", introspect.SetInterval, 4, false}} {
		set := introspect.Set{Flags: introspect.SetConcat | c.flags, KeyLen: 8, Fields: []uint8{2, 4}}
		k := introspect.ElementKey{Key: "\x00\x50\x00\x00\x0a\x00\x00\x01"}
		set.Elements = set.Elements.With(k, introspect.Element{Key: k})
		steps := rulesOf(set, introspect.Payload{Base: 2, Len: c.length}, introspect.Payload{DReg: 1, Base: 1, Offset: 12, Len: 4},
			introspect.Lookup{Set: "s", DReg: introspect.NoRegister})
		if left(steps) != c.left {
			t.Errorf("%s: left %v", c.name, left(steps))
		}
	}
}

// TestOddInversions: what stands for "not" in some matches of iptables is no truth to the kernel, but a number whose lowest bit
// it turns around.
func TestOddInversions(t *testing.T) {
	for name, at := range map[moduleName]int{{"multiport", 1}: 47, {"mark", 1}: 8, {"length", 0}: 4} {
		for n, want := range []bool{false, false, true} {
			info := make([]byte, modules[name].size)
			info[at] = byte(n)
			steps := rulesOf(introspect.Set{}, introspect.Match{Name: name.name, Rev: name.rev, Info: introspect.Data(info)})
			if left(steps) != want {
				t.Errorf("%v of %d: left %v", name, n, left(steps))
			}
		}
	}
}
