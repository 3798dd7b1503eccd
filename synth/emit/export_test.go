package emit

import (
	"testing"

	"github.com/hone-net/hone/synth/ir"
)

// Agree loads a program and gives a function that compares what the kernel and Eval make of a packet.
func Agree(t testing.TB, p *ir.Program, k Kernel) func(env *ir.Env, pkt []byte) (ir.Verdict, error) {
	run := newKernelRun(t, p, k)
	return func(env *ir.Env, pkt []byte) (ir.Verdict, error) { return run.agree(t, env, pkt) }
}
