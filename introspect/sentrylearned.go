package introspect

import "github.com/cilium/ebpf/asm"

// Anybody can teach the host MTUs of paths, as many as he likes, so that programs may not stop for it: the sentry asks the
// Watcher to read what was learned, and moves epochs only where that takes too long. Those of IPv6's routes are enough: the
// live lookup, which programs go by then, knows what was learned.

// packetTooBig is the type of the ICMPv6 message that teaches the MTU of a path.
const packetTooBig = 2

// digestLearned digests how many IPv6 routes were learned. The kernel forgets some when it learns others, so that their
// number may stay as it was: so, as long as there are any, how often the host was told of an MTU counts, too. What is not
// looked at this time is as it was.
func digestLearned(w sentryWay) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMem(asm.R7, asm.R6, sentryDigest+8*watchLearned, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, sentryTicks, asm.DWord),
		asm.Mod.Imm(asm.R1, sentryLearned),
		asm.JNE.Imm(asm.R1, 0, "learned"),
		asm.Mov.Imm(asm.R7, 0),
	}
	if w.stats != 0 {
		code = append(code, inSpace(w.stats)...)
		code = append(code, mix(int32(w.learned), 4)...)
		code = append(code, asm.LoadMem(asm.R1, asm.RFP, slotWord, asm.DWord), asm.JEq.Imm(asm.R1, 0, "learned"))
	}
	if w.messages != 0 {
		code = append(code, inSpace(w.messages)...)
		code = append(code, mix(int32(w.tooBig), 8)...)
	}
	return append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol("learned"))
}

// inSpace loads a pointer of the namespace into R8.
func inSpace(at uint32) asm.Instructions {
	return append(asm.Instructions{asm.LoadMem(asm.R8, asm.R6, sentryNet, asm.DWord)}, fetch(at)...)
}

// askLearned moves the epochs of IPv6's routes, once a question, where there was no answer for too long, and asks another
// one where something was learned. R7 is the mask of changes; what moved epochs is one of them, so that it is told of.
func askLearned(c counters) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMem(asm.R1, asm.R6, sentryTicks, asm.DWord), // one more than when the digest was made
		asm.Sub.Imm(asm.R1, 1),
		asm.Mod.Imm(asm.R1, sentryLearned),
		asm.JNE.Imm(asm.R1, 0, "asked"),
		asm.Mov.Reg(asm.R8, asm.R7),
		asm.LoadMem(asm.R3, asm.R6, sentryTicks, asm.DWord),
		asm.LoadMem(asm.R2, asm.R6, sentryQuestions, asm.DWord),
		asm.LoadMapValue(asm.R1, c.tally.FD(), uint32(tallyAnswered)),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, "waiting"),
		asm.StoreMem(asm.R6, sentrySince, asm.R3, asm.DWord),
		asm.Ja.Label("answered"),
		asm.LoadMem(asm.R1, asm.R6, sentryOverdue, asm.DWord).WithSymbol("waiting"),
		asm.JEq.Reg(asm.R1, asm.R2, "answered"),
		asm.LoadMem(asm.R1, asm.R6, sentrySince, asm.DWord),
		asm.Sub.Reg(asm.R3, asm.R1),
		asm.JLT.Imm(asm.R3, sentryWaits, "answered"),
		asm.StoreMem(asm.R6, sentryOverdue, asm.R2, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, sentryLate, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R6, sentryLate, asm.R1, asm.DWord),
		asm.Or.Imm(asm.R7, 1<<watchLearned),
		asm.Mov.Imm(asm.R2, 1),
	}
	code = append(code, addTo(c.seen.FD(), 0, toRoute6)...)
	return append(code,
		asm.And.Imm(asm.R8, 1<<watchLearned).WithSymbol("answered"),
		asm.JEq.Imm(asm.R8, 0, "asked"),
		asm.LoadMem(asm.R1, asm.R6, sentryQuestions, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R6, sentryQuestions, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("asked"),
	)
}
