package specialize_test

import (
	"fmt"

	"github.com/hone-net/hone/specialize"
	"github.com/hone-net/hone/synth/ir"
)

func ExampleRun() {
	p, err := ir.Parse(`program example {
	table own set domain config { 10.0.0.1/32 10.0.0.255/32 }
entry:
	bound 14 short
	v0 = load.2 12
	guard eq v0 0x800 not-ip
	bound 34 short
	v1 = load.1 14
	v2 = shr v1 4
	guard eq v2 4 version
	guard le v1 255 version
	v3 = load.4 26
	v4 = lookup own v3
	guard eq v4 0 source-own
	v5 = load.2 12
	redirect v5
}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(specialize.Run(p))
	// Output:
	// program example {
	// entry:
	// 	bound 34 short
	// 	v1 = load.2 12
	// 	guard eq v1 0x800 not-ip
	// 	v4 = load.le.1 14
	// 	v6 = shr v4 4
	// 	guard eq v6 4 version
	// 	v9 = load.le.4 26
	// 	guard ne v9 0xff00000a source-own
	// 	guard ne v9 0x100000a source-own
	// 	redirect v1
	// }
}
