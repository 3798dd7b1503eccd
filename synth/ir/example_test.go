package ir_test

import (
	"fmt"

	"github.com/hone-net/hone/synth/ir"
)

// A program that forwards IPv4 packets by the last byte of their destination, as long as nothing has changed.
const example = `program example {
	table nexthop rows domain neigh size 4 row 16 { mac u64@0 oif u32@8 }
entry:
	v0 = moved any
	guard eq v0 0 moved
	bound 34 short
	v1 = load.2 12
	guard eq v1 0x800 not-ip
	v2 = load.1 33
	v3 = lookup nexthop v2
	v4 = field v3 mac
	if eq v4 0 unknown known unlikely
unknown:
	punt neighbour-missing
known:
	store.le.8 0 v4
	count fast
	v5 = field v3 oif
	redirect v5
}
`

func ExampleEval() {
	p, err := ir.Parse(example)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := ir.Check(p); err != nil {
		fmt.Println(err)
		return
	}
	rows := make([]byte, p.Tables[0].Bytes())
	copy(rows[16:], []byte{2, 0, 0, 0, 0, 7, 2, 0, 3}) // row 1: a MAC, and interface 3
	env := &ir.Env{Tables: map[string][]byte{"nexthop": rows}}

	packet := make([]byte, 60)
	packet[12] = 8
	for last := range byte(3) {
		packet[33] = last
		verdict, err := ir.Eval(p, env, packet)
		fmt.Println(last, verdict, err)
	}
	env.Moved[0] = 1
	verdict, _ := ir.Eval(p, env, packet)
	fmt.Println(verdict)
	// Output:
	// 0 punt neighbour-missing <nil>
	// 1 redirect 3 <nil>
	// 2 punt neighbour-missing <nil>
	// punt moved
}

func ExampleProgram_String() {
	p, err := ir.Parse(example)
	fmt.Println(err, p.String() == example)
	// Output: <nil> true
}

func ExampleCheck() {
	p, _ := ir.Parse(`program late {
entry:
	bound 34 short
	v0 = load.1 22
	store.1 22 0
	guard gt v0 1 ttl
	redirect v0
}`)
	fmt.Println(ir.Check(p))
	// Output: ir: check late: block entry: guard gt v0 1 ttl: may leave to the kernel after a store
}
