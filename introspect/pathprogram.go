package introspect

import (
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

const (
	toldDestinations = 1 << 14          // more than the kernel remembers of one nexthop
	pathPeriod       = hookPeriod       // the least time between two moves
	pathFresh        = 30 * time.Second // for which an equal MTU is nothing new

	destUnreach = 3 // ICMP_DEST_UNREACH
	fragNeeded  = 4 // ICMP_FRAG_NEEDED
)

// An ICMP error, of RFC 792 and 1191, with the header of IPv4 of the packet that it is about.
const (
	errorType  = 0
	errorCode  = 1
	errorMTU   = 6
	errorDaddr = 8 + 16
	errorSize  = 8 + 20
)

// toldPath is what the host was last told of the path to a destination.
type toldPath struct {
	When uint64 // CLOCK_MONOTONIC, in nanoseconds
	MTU  uint64
}

// Slots of the program's stack.
const (
	slotError = -32
	slotNote  = slotError - 16 // a toldPath
)

// toldMap has the destinations, of which those go first that the host was told of longest ago.
func toldMap() *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: "hone_paths", Type: ebpf.LRUHash, KeySize: 4, ValueSize: 16, MaxEntries: toldDestinations}
}

// pathFilter notes the MTU that an ICMP error teaches. A small one moves Route4 and wakes the Watcher, unless that was done a
// moment ago: then it is only counted, so that who sends errors stops no program. The socket is given nothing: the kernel would
// not ask the filter once its queue is full.
func pathFilter(told, ring int, c counters) *ebpf.ProgramSpec {
	code := append(wantFragNeeded(), noteTold(told)...)
	code = append(code, moveRoutes(ring, c)...)
	return &ebpf.ProgramSpec{Name: "hone_paths", Type: ebpf.SocketFilter, License: "GPL",
		Instructions: append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return())}
}

// wantFragNeeded leaves for "out" with any other packet, whose data begins with the header of IPv4. R7 becomes the MTU.
func wantFragNeeded() asm.Instructions {
	load := func(to, size int32) asm.Instructions {
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Reg(asm.R3, asm.RFP),
			asm.Add.Imm(asm.R3, to),
			asm.Mov.Imm(asm.R4, size),
			asm.FnSkbLoadBytes.Call(),
			asm.JNE.Imm(asm.R0, 0, "out"),
		}
	}
	code := append(asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R2, 0)}, load(slotError, 1)...)
	code = append(code,
		asm.LoadMem(asm.R2, asm.RFP, slotError, asm.Byte),
		asm.And.Imm(asm.R2, 0xf),
		asm.LSh.Imm(asm.R2, 2))
	code = append(code, load(slotError, errorSize)...)
	return append(code,
		asm.LoadMem(asm.R1, asm.RFP, slotError+errorType, asm.Byte),
		asm.JNE.Imm(asm.R1, destUnreach, "out"),
		asm.LoadMem(asm.R1, asm.RFP, slotError+errorCode, asm.Byte),
		asm.JNE.Imm(asm.R1, fragNeeded, "out"),
		asm.LoadMem(asm.R7, asm.RFP, slotError+errorMTU, asm.Half),
		asm.HostTo(asm.BE, asm.R7, asm.Half))
}

// noteTold notes the MTU in R7 and when it was told, but for what was the same a moment ago. R9 becomes the time.
func noteTold(told int) asm.Instructions {
	return asm.Instructions{
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R9, asm.R0),
		asm.StoreMem(asm.RFP, slotNote, asm.R9, asm.DWord),
		asm.StoreMem(asm.RFP, slotNote+8, asm.R7, asm.DWord),
		asm.LoadMapPtr(asm.R1, told),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, slotError+errorDaddr),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "new"),
		asm.LoadMem(asm.R1, asm.R0, 8, asm.DWord),
		asm.JGT.Reg(asm.R1, asm.R7, "new"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R9),
		asm.Sub.Reg(asm.R2, asm.R1),
		asm.LoadImm(asm.R1, int64(pathFresh), asm.DWord),
		asm.JLT.Reg(asm.R2, asm.R1, "out"),
		asm.LoadMapPtr(asm.R1, told).WithSymbol("new"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, slotError+errorDaddr),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, slotNote),
		asm.Mov.Imm(asm.R4, unix.BPF_ANY),
		asm.FnMapUpdateElem.Call(),
	}
}

// moveRoutes counts what was told of the MTU in R7, if it is small, at a time in R9.
func moveRoutes(ring int, c counters) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMapValue(asm.R8, c.tally.FD(), 0),
		asm.LoadMem(asm.R1, asm.R8, int16(tallySmall), asm.DWord),
		asm.JGE.Reg(asm.R7, asm.R1, "out"),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R8, asm.R2, asm.DWord, int16(tallyTold)),
		asm.LoadMem(asm.R1, asm.R8, int16(tallyTurn), asm.DWord),
		asm.Mov.Reg(asm.R3, asm.R9),
		asm.Sub.Reg(asm.R3, asm.R1),
		asm.LoadImm(asm.R1, int64(pathPeriod), asm.DWord),
		asm.JLT.Reg(asm.R3, asm.R1, "out"),
		asm.StoreMem(asm.R8, int16(tallyTurn), asm.R9, asm.DWord),
	}
	code = append(code, addTo(c.seen.FD(), 0, toRoute4)...)
	return append(code,
		asm.AddAtomic.Mem(asm.R8, asm.R2, asm.DWord, int16(tallyPaths)),
		asm.LoadMapPtr(asm.R1, ring),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, slotNote),
		asm.Mov.Imm(asm.R3, 8),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
	)
}
