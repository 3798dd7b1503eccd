package introspect

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// The state of the sentry: a timer, the network namespace, how often it has looked, how often it has moved the epochs and,
// because of what was learned, those of IPv6's routes, how many packet sockets it has seen, whether it has reported, how
// often it has asked for what was learned to be read, since when these questions are without an answer, which of them was the
// last to move epochs, and digests of what was there at the last report.
const (
	sentryNet       = 16
	sentryTicks     = 24
	sentryMoves     = 32
	sentryLate      = 40
	sentryCrowd     = 48
	sentryKnown     = 56
	sentryQuestions = 64
	sentrySince     = 72
	sentryOverdue   = 80
	sentryDigest    = 88 // of each watch
	sentrySize      = sentryDigest + 8*numWatches
)

// A report is a bit for each watch that has found a change, and what the state has of moves and questions by then.
const (
	reportMask      = 0
	reportMoves     = 8
	reportLate      = 16
	reportQuestions = 24
	reportSize      = 32
)

// A watch is one kind of thing that the sentry looks at.
const (
	watchTaps = iota
	watchHooks
	watchTCX
	watchLearned
	numWatches

	watchPath = numWatches // no watch of the sentry's: what the filter of ICMP errors tells of
)

const (
	sentrySockets = 128     // how many packet sockets are looked at; where there are more, each look finds a change
	sentryDevices = 1 << 16 // how many devices are looked at for TCX
	sentrySeldom  = int32(hookPeriod / tapPeriod)
	sentryLearned = sentrySeldom / 2 // in how many looks one is at what was learned
	sentryWaits   = int32(learnedPeriod/tapPeriod) - 2*sentryLearned
	digestPrime   = 0x01000193 // spreads what goes into a digest
)

// Slots of the sentry's stack.
const (
	slotWord   = -8
	slotReport = slotWord - reportSize
	slotList   = slotReport - 24
	slotDigest = slotList - 8*numWatches
)

// A list that is walked: its head, the entry that is next, and the digest of those before.
const (
	listHead   = 0
	listEntry  = 8
	listDigest = 16
)

// sentryMap holds the state; the kernel knows the timer in it by the name of its type.
func sentryMap() *ebpf.MapSpec {
	word := &btf.Int{Name: "unsigned long long", Size: 8}
	number := &btf.Int{Name: "unsigned int", Size: 4}
	array := func(n uint32) btf.Type { return &btf.Array{Index: number, Type: word, Nelems: n} }
	timer := &btf.Struct{Name: "bpf_timer", Size: 16, Members: []btf.Member{{Name: "__opaque", Type: array(2)}}}
	state := &btf.Struct{Name: "hone_sentry", Size: sentrySize, Members: []btf.Member{{Name: "timer", Type: timer},
		{Name: "net", Type: word, Offset: sentryNet * 8}, {Name: "ticks", Type: word, Offset: sentryTicks * 8},
		{Name: "moves", Type: word, Offset: sentryMoves * 8}, {Name: "late", Type: word, Offset: sentryLate * 8},
		{Name: "crowd", Type: word, Offset: sentryCrowd * 8}, {Name: "known", Type: word, Offset: sentryKnown * 8},
		{Name: "questions", Type: word, Offset: sentryQuestions * 8},
		{Name: "since", Type: word, Offset: sentrySince * 8}, {Name: "overdue", Type: word, Offset: sentryOverdue * 8},
		{Name: "digest", Type: array(numWatches), Offset: sentryDigest * 8}}}
	return &ebpf.MapSpec{Name: "hone_sentry", Type: ebpf.Array, KeySize: 4, ValueSize: sentrySize, MaxEntries: 1, Key: number, Value: state}
}

// sentryProgram starts the timer when it is run, and is what the timer calls.
func sentryProgram(w sentryWay, state, ring int, c counters) asm.Instructions {
	code := append(startSentry(w, state), lookout(w, ring, c)...)
	if w.tcx {
		code = append(code, digestDevice(w)...)
	}
	code[0] = function(code[0], "hone_sentry", btf.GlobalFunc, "context")
	return code
}

// function marks the first instruction of a function. Of what its parameters are the kernel knows by itself.
func function(first asm.Instruction, name string, linkage btf.FuncLinkage, parameters ...string) asm.Instruction {
	kind := &btf.FuncProto{Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}
	for _, p := range parameters {
		kind.Params = append(kind.Params, btf.FuncParam{Name: p, Type: &btf.Pointer{Target: (*btf.Void)(nil)}})
	}
	return btf.WithFuncMetadata(first.WithSymbol(name), &btf.Func{Name: name, Linkage: linkage, Type: kind})
}

// callback loads the address of a function for a helper to call.
func callback(r asm.Register, name string) asm.Instruction {
	return asm.Instruction{OpCode: asm.LoadImmOp(asm.DWord), Dst: r, Src: asm.PseudoFunc, Constant: -1}.WithReference(name)
}

// startSentry notes the namespace of the task that runs it, and starts the timer.
func startSentry(w sentryWay, state int) asm.Instructions {
	code := asm.Instructions{
		asm.FnGetCurrentTask.Call(),
		asm.StoreMem(asm.RFP, slotWord, asm.R0, asm.DWord),
		asm.LoadMem(asm.R8, asm.RFP, slotWord, asm.DWord), // a number, which can be reckoned with
	}
	code = append(code, fetch(w.spaces)...)
	code = append(code, fetch(w.space)...)
	code = append(code,
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.RFP, slotWord, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, state),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, slotWord),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "started"),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.StoreMem(asm.R6, sentryNet, asm.R8, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.LoadMapPtr(asm.R2, state),
		asm.Mov.Imm(asm.R3, unix.CLOCK_MONOTONIC),
		asm.FnTimerInit.Call(),
		asm.JNE.Imm(asm.R0, 0, "started"),
		asm.Mov.Reg(asm.R1, asm.R6),
		callback(asm.R2, "lookout"),
		asm.FnTimerSetCallback.Call(),
		asm.JNE.Imm(asm.R0, 0, "started"),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTimerStart.Call(),
		asm.Return().WithSymbol("started"),
	)
	return code
}

// lookout is what the timer calls: it makes the digests, moves the epochs and reports where they are new, and starts the
// timer again. R6 is the state.
func lookout(w sentryWay, ring int, c counters) asm.Instructions {
	code := asm.Instructions{function(asm.Mov.Reg(asm.R6, asm.R3), "lookout", btf.StaticFunc, "map", "key", "state")}
	code = append(code, digestTaps(w)...)
	code = append(code, asm.StoreMem(asm.RFP, slotDigest+8*watchTaps, asm.R7, asm.DWord), asm.StoreMem(asm.R6, sentryCrowd, asm.R9, asm.DWord))
	code = append(code, digestHooks(w)...)
	code = append(code, asm.StoreMem(asm.RFP, slotDigest+8*watchHooks, asm.R7, asm.DWord))
	code = append(code, digestLearned(w)...)
	code = append(code, asm.StoreMem(asm.RFP, slotDigest+8*watchLearned, asm.R7, asm.DWord))
	code = append(code, digestTCX(w)...)
	code = append(code, asm.StoreMem(asm.RFP, slotDigest+8*watchTCX, asm.R7, asm.DWord).WithSymbol("compare"), asm.Mov.Imm(asm.R7, 0))
	for i := range int16(numWatches) {
		same := fmt.Sprintf("same-%d", i)
		code = append(code,
			asm.LoadMem(asm.R1, asm.RFP, slotDigest+8*i, asm.DWord),
			asm.LoadMem(asm.R2, asm.R6, sentryDigest+8*i, asm.DWord),
			asm.JEq.Reg(asm.R1, asm.R2, same),
			asm.Or.Imm(asm.R7, 1<<i),
			asm.Mov.Imm(asm.R0, 0).WithSymbol(same))
	}
	code = append(code, askLearned(c)...)
	code = append(code, asm.JEq.Imm(asm.R7, 0, "again"))
	code = append(code, moveEpochs(c.seen.FD())...)
	code = append(code, asm.StoreMem(asm.RFP, slotReport+reportMask, asm.R7, asm.DWord))
	for to, from := range map[int16]int16{reportMoves: sentryMoves, reportLate: sentryLate, reportQuestions: sentryQuestions} {
		code = append(code, asm.LoadMem(asm.R1, asm.R6, from, asm.DWord), asm.StoreMem(asm.RFP, slotReport+to, asm.R1, asm.DWord))
	}
	code = append(code,
		asm.LoadMapPtr(asm.R1, ring),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, slotReport),
		asm.Mov.Imm(asm.R3, reportSize),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "told"),
		// No room: whatever is there the next time is a change, though it be what was known, so that the move is told of.
		asm.LoadMem(asm.R1, asm.RFP, slotDigest+8*watchTaps, asm.DWord),
		asm.Xor.Imm(asm.R1, -1),
		asm.StoreMem(asm.R6, sentryDigest+8*watchTaps, asm.R1, asm.DWord),
		asm.Ja.Label("again"),
		asm.Mov.Imm(asm.R1, 1).WithSymbol("told"),
		asm.StoreMem(asm.R6, sentryKnown, asm.R1, asm.DWord))
	for i := range int16(numWatches) {
		code = append(code, asm.LoadMem(asm.R1, asm.RFP, slotDigest+8*i, asm.DWord),
			asm.StoreMem(asm.R6, sentryDigest+8*i, asm.R1, asm.DWord))
	}
	return append(code,
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("again"),
		asm.LoadImm(asm.R2, int64(tapPeriod), asm.DWord),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnTimerStart.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	)
}

// moveEpochs has programs stop using what they copied, before anybody is told: the Watcher may be busy, or stopped. Of packet
// sockets that are too many to look at, each look finds a change, which is for the Watcher to find out; the first look finds
// what the Watcher is about to read. What was learned has been dealt with. R7 is the mask.
func moveEpochs(seen int) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMem(asm.R1, asm.R6, sentryKnown, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "report"),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.And.Imm(asm.R1, ^(1 << watchLearned)),
		asm.JEq.Imm(asm.R1, 0, "report"),
		asm.JNE.Imm(asm.R1, 1<<watchTaps, "move"),
		asm.LoadMem(asm.R1, asm.R6, sentryCrowd, asm.DWord),
		asm.JGE.Imm(asm.R1, sentrySockets, "report"),
		asm.LoadMem(asm.R1, asm.R6, sentryMoves, asm.DWord).WithSymbol("move"),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R6, sentryMoves, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R2, 1),
	}
	code = append(code, addTo(seen, 0, toConfig)...)
	return append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol("report"))
}
