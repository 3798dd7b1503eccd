package introspect

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/hone-net/hone/slowpath"
)

// Offsets in the tally: what the filters have counted, how many records of the sysctl program found no room, how many
// of the sentry's questions were answered, and what the filter of ICMP errors counts.
const (
	tallySockets  = 0
	tallyLost     = 8 * int(slowpath.NumDomains)
	tallyAnswered = tallyLost + 8     // by the Watcher
	tallyPaths    = tallyAnswered + 8 // moves of Route4 because the host was told of a small MTU
	tallyTold     = tallyPaths + 8    // how often it was told of one
	tallyTurn     = tallyTold + 8     // when the last move was
	tallySmall    = tallyTurn + 8     // below what an MTU is small; by the Watcher
	tallySize     = tallySmall + 8
)

// counters are the two maps that the kernel-side programs count in: seen, which every emitted program reads, and tally,
// which tells the filters' part of it apart.
type counters struct{ seen, tally *ebpf.Map }

// newFilter loads a socket filter that counts each datagram while the kernel delivers it, which it does in the system
// call that makes the change: all as one, or with nothing rtnetlink messages by their class. It returns -1, never a length: a
// length would trim the message for the other listeners, who share it.
func (c *counters) newFilter(name string, all domains) (*ebpf.Program, error) {
	code := c.count(all)
	if all == nothing {
		code = c.sort()
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: name, Type: ebpf.SocketFilter, Instructions: code, License: "GPL"})
	if err != nil {
		return nil, fmt.Errorf("introspect: load epoch filter: %w", err)
	}
	return p, nil
}

// sort compares the message with the table of classes, row by row.
func (c *counters) sort() asm.Instructions {
	const stack = -24
	code := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, stack),
		asm.Mov.Imm(asm.R4, classified),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, label(everything)),
		asm.LoadMem(asm.R7, asm.RFP, stack+4, asm.Half),
		asm.LoadMem(asm.R8, asm.RFP, stack+16, asm.Byte),
	}
	for i, row := range classes {
		next := fmt.Sprintf("class-%d", i+1)
		for _, t := range row.types {
			code = append(code, asm.JEq.Imm(asm.R7, int32(t), fmt.Sprintf("family-%d", i)))
		}
		code = append(code, asm.Ja.Label(next))
		to := label(row.moves)
		switch row.moves {
		case toRoute4, toRoute6:
			to = labelRoute(row.moves)
		case toFDB:
			to = labelEntry
		}
		if row.family != 0 {
			code = append(code, asm.JEq.Imm(asm.R8, int32(row.family), to).WithSymbol(fmt.Sprintf("family-%d", i)),
				asm.Ja.Label(next))
		} else {
			code = append(code, asm.Ja.Label(to).WithSymbol(fmt.Sprintf("family-%d", i)))
		}
		code = append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol(next))
	}
	code = append(code, asm.Ja.Label(label(toConfig)))
	code = append(code, c.route(toRoute4)...)
	code = append(code, c.route(toRoute6)...)
	code = append(code, c.entry()...)
	for _, d := range exits() {
		code = append(code, c.count(d)...)
	}
	return code
}

// exits lists the sets of domains that some class moves, each once.
func exits() []domains {
	all := []domains{everything, toConfig, odd(toRoute4), odd(toRoute6)}
	for _, row := range classes {
		all = append(all, row.moves)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func label(d domains) string { return fmt.Sprintf("moves-%d", d) }

// count adds one to the words of the domains in both maps, and accepts the datagram.
func (c *counters) count(d domains) asm.Instructions {
	code := asm.Instructions{asm.Mov.Imm(asm.R2, 1).WithSymbol(label(d))}
	if d != nothing {
		code = append(code, addTo(c.tally.FD(), tallySockets, d)...)
		code = append(code, addTo(c.seen.FD(), 0, d)...)
	}
	return append(code, asm.Mov.Imm(asm.R0, -1), asm.Return())
}

// addTo adds R2 to words of a map's only value.
func addTo(fd, offset int, d domains) asm.Instructions {
	code := asm.Instructions{asm.LoadMapValue(asm.R1, fd, 0)}
	for i := range int(slowpath.NumDomains) {
		if d&(1<<i) != 0 {
			code = append(code, asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, int16(offset+8*i)))
		}
	}
	return code
}
