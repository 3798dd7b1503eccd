package ir

import (
	"strings"
	"testing"
)

const forwarderText = `program test {
	table rows rows domain any size 4 row 8 { oif u32@0 used u32@4 }
	table hash hash domain any size 4 row 8 { mtu u32@0 }
entry:
	v0 = moved any
	guard eq v0 0 moved
	bound 34 short
	v4 = load.2 12
	guard eq v4 0x800 not-ip
	v7 = load.1 33
	v8 = lookup rows v7
	v9 = field v8 oif
	v10 = lookup hash v9
	if ne v10 0 found none
found:
	v12 = meta len
	v13 = field v10 mtu
	guard le v12 v13 mtu
	mark v8 used
	v17 = add v9 1
	store.4 0 v17
	count fast
	redirect v9
none:
	punt by 35
}
`

func TestProgramPrintsAndParses(t *testing.T) {
	p := forwarder()
	if got := p.String(); got != forwarderText {
		t.Fatalf("prints\n%s", got)
	}
	q, err := Parse(p.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(q); err != nil {
		t.Fatal(err)
	}
	if q.String() != p.String() {
		t.Errorf("parses as\n%s", q)
	}
}

func TestParseReadsEverythingElse(t *testing.T) {
	text := `program "1 odd\x20name" { ; a comment
	table own set domain config { 10.0.0.0/8 192.0.2.1/32 }
	table route4 lpm domain route4 size 8
	table fib fib domain route4
	table own6 set6 domain config { 2001:db8::/32 ::1/128 ::ffff:192.0.2.0/120 }
	table route6 lpm6 domain any steps 5 size 64
	table fib6 fib6 domain any
	table ct conntrack domain config size 64 tcp 0x69780 udp 120 { nat }
	table ct6 conntrack6 domain config size 64 tcp 0 udp 120 { }
entry:
	v1 = const 0x10
	v2 = select none v1 3 v1 7
	v3 = lookup own v2
	v4 = lookup route4 v3
	if any v4 1 b a unlikely
a:
	v5 = lookup fib v1 v1 v1 v1 1 2 3
	v10 = lookup own6 0x20010db800000000 v1
	v11 = lookup route6 v1 v10
	v12 = lookup fib6 v1 v1 v1 v1 v11 1 2 3 4
	v13 = field v12 ret
	v14 = lookup ct v1 v1 17 1 2
	v15 = field v14 reason
	guard eq v15 0 conntrack-miss
	keep ct v14 v1 v1 17 1 2 conntrack-window
	v16 = lookup ct6 v1 v1 v1 v1 6 1 2
	v17 = field v16 desthi
	v6 = field v5 oif
	v7 = swap16 v6
	v8 = and v7 0xffffffff
	v9 = fold v8
	redirect v9
b:
	jump c
c:
	abort
}
`
	text = strings.Replace(text, `"1 odd`, `"1\x20odd`, 1)
	p, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(p); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(p.String())
	if err != nil || again.String() != p.String() {
		t.Fatalf("%v\n%s\n%s", err, p, again)
	}
	if p.Name != "1 odd name" {
		t.Errorf("name %q", p.Name)
	}
}

func TestParseRefuses(t *testing.T) {
	wrap := func(s string) string { return "program t {\ntable s set domain any { }\nentry:\n" + s + "\n}\n" }
	for text, want := range map[string]string{
		"":                                         "line 0: the program does not end",
		"prog t {":                                 `line 1: "prog" where "program" is wanted`,
		"program 1 {":                              `"1" is no name`,
		wrap("v0 = nonsense"):                      `line 4: no operation "nonsense"`,
		wrap("v0 = load 4"):                        "width",
		wrap("v0 = add.4 1 2"):                     "width",
		wrap("v0 = add 1 v9"):                      `no value "v9"`,
		wrap("v0 = add 1"):                         "want operand at the end",
		wrap("v0 = const 1 2"):                     `"2" is too much`,
		wrap("bound 4"):                            "want reason",
		wrap("v1 = bound 4 short"):                 "only a value",
		wrap("add 1 2"):                            "only a value",
		wrap("x = const 1"):                        `"x" is no name`,
		wrap("v0 = const 1\nv0 = const 1"):         "v0 again",
		wrap("punt nonsense"):                      "no such reason",
		wrap("jump nowhere"):                       "no block nowhere",
		wrap("abort\nabort"):                       "after the exit",
		wrap("abort\nentry:"):                      "block entry again",
		wrap("v0 = lookup t 1"):                    "no such table",
		wrap("v0 = const 99999999999999999999999"): "is no number",
		wrap("v9999999 = const 1"):                 "is no name",
		wrap("abort\n}\nmore"):                     "after the program",
		"program t {\ntable s rows domain any size 4 row 8 { a 4@0 }": `"4@0" is no width`,
		wrap("v0 = const 1"): "block entry has no exit",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(forwarderText)
	f.Add("program \"a\\x20b\" {\ntable s set domain any { 10.0.0.0/8 }\nentry:\nv1 = lookup s 1\nif any v1 1 a b\na:\nabort\nb:\npunt by v1\n}")
	f.Add("program p {\ntable s set6 domain any { 2001:db8::/32 }\ntable l lpm6 domain any steps 3 size 8\ntable f fib6 domain any\nentry:\n" +
		"v1 = lookup s 1 2\nv2 = lookup l v1 3\nv3 = lookup f 1 2 3 4 5 6 7 8 9\nv4 = field v3 mac\nredirect v4\n}")
	f.Add("program p {\ntable c conntrack domain config size 4 tcp 0 udp 120 { nat liberal account }\nentry:\n" +
		"v1 = lookup c 1 2 17 3 4\nkeep c v1 1 2 17 3 4 conntrack-window\naccount c v1 1 100\nredirect 2\n}")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		q, err := Parse(p.String())
		if err != nil || q.String() != p.String() {
			t.Fatalf("%v\n%s\n%s", err, p, q)
		}
		if Check(p) == nil && Check(q) != nil {
			t.Fatalf("check: %v\n%s", Check(q), p)
		}
		_ = p.Clone()
	})
}
