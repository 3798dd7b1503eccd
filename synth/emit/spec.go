package emit

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// license lets the program call the helpers that the kernel reserves for programs under the GPL.
const license = "Dual MIT/GPL"

// Spec gives the eBPF form of a program: the program itself, under ProgramName, and the maps that it refers to. Equal
// programs and kernels give equal instructions.
func Spec(p *ir.Program, k Kernel) (*ebpf.CollectionSpec, error) {
	_, lines, err := compile(p, k)
	if err != nil {
		return nil, err
	}
	var insns asm.Instructions
	for _, l := range lines {
		if l.mark == noLabel {
			insns = append(insns, l.ins)
		}
	}
	return &ebpf.CollectionSpec{
		Maps: Maps(p, k),
		Programs: map[string]*ebpf.ProgramSpec{ProgramName: {Name: ProgramName, Type: ebpf.XDP,
			AttachType: ebpf.AttachXDP, License: license, Instructions: insns}},
	}, nil
}

// compile runs the stages: lower to instructions over virtual registers, allocate registers, arrange, encode.
func compile(p *ir.Program, k Kernel) (*lowering, []line, error) {
	l, err := lower(p, k)
	if err != nil {
		return nil, nil, err
	}
	if err := l.allocate(); err != nil {
		return nil, nil, err
	}
	l.arrange(l.order, l.stubsAt)
	lines, err := l.encode(k)
	if err != nil {
		return nil, nil, err
	}
	return l, lines, nil
}

// Listing prints the instructions of a program, the places that jumps lead to, and the values they were made for.
func Listing(p *ir.Program, k Kernel) (string, error) {
	l, lines, err := compile(p, k)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	pc := 0
	for _, n := range lines {
		if n.mark != noLabel {
			if name, ok := l.names[n.mark]; ok {
				fmt.Fprintf(&out, "%s:\n", name)
			} else {
				fmt.Fprintf(&out, ".%d:\n", n.mark)
			}
			continue
		}
		text := describe(n.ins)
		if n.to != noLabel {
			text += " -> " + l.placeName(n.to)
		}
		fmt.Fprintf(&out, "%5d  %-44s%s\n", pc, text, comment(n.from))
		pc += width(n)
	}
	return out.String(), nil
}

func (l *lowering) placeName(to label) string {
	if name, ok := l.names[to]; ok {
		return name
	}
	return fmt.Sprintf(".%d", to)
}

func comment(i *inst) string {
	switch {
	case i == nil:
		return "; live through the call"
	case i.note != "":
		return "; " + i.note
	case i.value != nil:
		return fmt.Sprintf("; v%d %v", i.value.ID, i.value.Op)
	}
	return ""
}
