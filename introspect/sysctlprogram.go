package introspect

import (
	"github.com/cilium/ebpf/asm"
)

// A record is the name of a sysctl and the new value, each padded with zeros, and the network namespace, 0 if not known.
const (
	recordName  = 88
	recordValue = 40
	recordSpace = 8
	recordSize  = recordName + recordValue + recordSpace
)

// sysctlPlaces are the beginnings of the names of what is tracked: net/ipv4/, net/ipv6/, net/netfilter/ and net/bridge/.
var sysctlPlaces = []string{"net/ipv4", "net/ipv6", "net/netf", "net/brid"}

// sysctlProgram counts a write below these places as a move of Config, and reports it.
func sysctlProgram(c *counters, ring int, ask spaceAsker) (asm.Instructions, error) {
	const name, value, space = -recordSize, -recordSpace - recordValue, -recordSpace
	code := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R0, asm.R6, 0, asm.Word), // write
		asm.JEq.Imm(asm.R0, 0, "allow"),
		asm.Mov.Imm(asm.R0, 0),
	}
	for at := int16(name); at < 0; at += 8 {
		code = append(code, asm.StoreMem(asm.RFP, at, asm.R0, asm.DWord))
	}
	code = append(code,
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, name),
		asm.Mov.Imm(asm.R3, recordName),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnSysctlGetName.Call(),
		asm.LoadMem(asm.R1, asm.RFP, name, asm.DWord),
	)
	for _, place := range sysctlPlaces {
		code = append(code, asm.LoadImm(asm.R2, int64(native.Uint64([]byte(place))), asm.DWord), asm.JEq.Reg(asm.R1, asm.R2, "tracked"))
	}
	code = append(code,
		asm.Ja.Label("allow"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("tracked"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, value),
		asm.Mov.Imm(asm.R3, recordValue),
		asm.FnSysctlGetNewValue.Call(),
	)
	asked, err := ask(space)
	if err != nil {
		return nil, err
	}
	code = append(append(code, asked...), asm.Mov.Imm(asm.R2, 1))
	code = append(code, addTo(c.seen.FD(), 0, toConfig)...)
	return append(code,
		asm.LoadMapPtr(asm.R1, ring),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, name),
		asm.Mov.Imm(asm.R3, recordSize),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "allow"),
		asm.LoadMapValue(asm.R1, c.tally.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, int16(tallyLost)),
		asm.Mov.Imm(asm.R0, 1).WithSymbol("allow"),
		asm.Return(),
	), nil
}
