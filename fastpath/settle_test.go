package fastpath

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestHostSettles: whoever has begun to run before has ended when Settle returns. It catches a program that takes long in the
// middle of it.
func TestHostSettles(t *testing.T) {
	root(t)
	h, _ := toyHost(t, 7)
	at, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: 1 << 10})
	must(t, err)
	defer at.Close()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: lengthy(at.FD())})
	must(t, err)
	defer p.Close()
	where := func() (word uint32) {
		must(t, at.Lookup(uint32(0), &word))
		return word
	}
	caught := 0
	for range 20 {
		must(t, at.Put(uint32(0), uint32(0)))
		done := make(chan error)
		go func() {
			_, err := p.Run(&ebpf.RunOptions{Data: make([]byte, 64)})
			done <- err
		}()
		for end := time.Now().Add(lab.Patience(time.Second)); where() == 0 && time.Now().Before(end); {
		}
		if where() == 1 {
			caught++
		}
		h.Settle()
		if where() != 2 {
			t.Errorf("it still runs: %d", where())
		}
		must(t, <-done)
	}
	if caught == 0 {
		t.Error("no program was caught while it ran")
	}
	t.Logf("told: %d programs caught in the middle", caught)
	later := make(chan bool)
	h.Later(func() { close(later) })
	<-later
}

// lengthy is a program that says in a map where it is: 1 at the beginning, 2 at the end, some time later.
func lengthy(fd int) asm.Instructions {
	const turns = 1 << 22
	say := func(n int32) asm.Instructions {
		return asm.Instructions{asm.LoadMapValue(asm.R1, fd, 0), asm.StoreImm(asm.R1, 0, int64(n), asm.Word)}
	}
	code := say(1)
	code = append(code, asm.Mov.Imm(asm.R1, turns),
		asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: asm.R2, Src: asm.PseudoFunc, Constant: -1}.WithReference("turn"),
		asm.Mov.Imm(asm.R3, 0), asm.Mov.Imm(asm.R4, 0), asm.FnLoop.Call())
	code = append(code, say(2)...)
	turn := btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0).WithSymbol("turn"), function("turn", btf.StaticFunc, 2))
	code[0] = btf.WithFuncMetadata(code[0].WithSymbol("lengthy"), function("lengthy", btf.GlobalFunc, 1))
	return append(code, asm.Mov.Imm(asm.R0, 2), asm.Return(), turn, asm.Return())
}

// function is the type of one, as the verifier wants it of those that are called back.
func function(name string, linkage btf.FuncLinkage, args int) *btf.Func {
	number := &btf.Int{Name: "long", Size: 8}
	all := []btf.FuncParam{{Name: "a", Type: number}, {Name: "b", Type: &btf.Pointer{Target: &btf.Void{}}}}
	return &btf.Func{Name: name, Linkage: linkage, Type: &btf.FuncProto{Return: number, Params: all[:args]}}
}
