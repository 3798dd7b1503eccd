package emit

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/synth/ir"
)

// Collect loads programs. Tests that know how those are loaded that call functions of modules put that in its place.
var Collect = ebpf.NewCollection

// Agree loads a program and gives a function that compares what the kernel and Eval make of a packet.
func Agree(t testing.TB, p *ir.Program, k Kernel) func(env *ir.Env, pkt []byte) (ir.Verdict, error) {
	run := newKernelRun(t, p, k)
	return func(env *ir.Env, pkt []byte) (ir.Verdict, error) { return run.agree(t, env, pkt) }
}
