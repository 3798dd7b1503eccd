package introspect

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/bpf"
)

// filterCases are filters as tcpdump -dd, lldpd, dhcpd and systemd-networkd have them.
var filterCases = []struct {
	name     string
	network  bool
	harmless bool
	code     []bpf.Instruction
}{
	{"everything", false, false, []bpf.Instruction{bpf.RetConstant{Val: 65535}}},
	{"nothing", false, true, []bpf.Instruction{bpf.RetConstant{Val: 0}}},
	{"ip", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x800, SkipFalse: 1}, bpf.RetConstant{Val: 1}, bpf.RetConstant{Val: 0}}},
	{"arp", false, true, []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x806, SkipFalse: 1}, bpf.RetConstant{Val: 1}, bpf.RetConstant{Val: 0}}},
	{"arp by extension", true, true, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x806, SkipFalse: 1}, bpf.RetConstant{Val: 1}, bpf.RetConstant{Val: 0}}},
	{"lldpd: multicast and lldp or cdp", false, true, []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipFalse: 5},
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x88cc, SkipTrue: 2},
		bpf.LoadAbsolute{Off: 2, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0ccccccc, SkipFalse: 1},
		bpf.RetConstant{Val: 65535},
		bpf.RetConstant{Val: 0}}},
	{"dhcpd", false, true, dhcpFilter(67, 20)},
	{"dhclient", false, true, dhcpFilter(68, 20)},
	{"dns with the same code", false, false, dhcpFilter(53, 20)},
	{"dhcp on a datagram socket", true, true, dhcpFilter(68, 6)},
	{"not multicast", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 1, SkipFalse: 1}, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: 9}}},
	{"ip6", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipFalse: 1}, bpf.RetConstant{Val: 1}, bpf.RetConstant{Val: 0}}},
	{"ip6 by extension", true, false, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x86dd, SkipFalse: 1}, bpf.RetConstant{Val: 1}, bpf.RetConstant{Val: 0}}},
	{"fragments", false, true, []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x800, SkipFalse: 3}, bpf.LoadAbsolute{Off: 20, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"fragments of whatever protocol", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 20, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"vlan 10", false, false, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipFalse: 3}, bpf.LoadExtension{Num: bpf.ExtVLANTag}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 10, SkipTrue: 1}, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: 9}}},
	{"vlan 10 in the frame", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipFalse: 4}, bpf.LoadAbsolute{Off: 14, Size: 2}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 10, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"no vlan", true, false, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipTrue: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"vlan and arp", false, true, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipFalse: 3}, bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x806, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"vlan and arp in the frame", false, true, []bpf.Instruction{bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipFalse: 3}, bpf.LoadAbsolute{Off: 16, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x806, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"vlan by extension of the protocol", true, false, []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
	{"vlan and dhcp in the frame", false, true, []bpf.Instruction{bpf.LoadAbsolute{Off: 16, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x800, SkipFalse: 6}, bpf.LoadAbsolute{Off: 12, Size: 2}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x8100, SkipFalse: 4},
		bpf.LoadAbsolute{Off: 27, Size: 1}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipFalse: 2},
		bpf.LoadAbsolute{Off: 40, Size: 2}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 67, SkipTrue: 1}, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: 9}}},
	{"returns a register", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 30, Size: 4}, bpf.RetA{}}},
	{"options", false, false, []bpf.Instruction{bpf.LoadAbsolute{Off: 14, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: 0x60, SkipTrue: 3}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 15},
		bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: 5, SkipFalse: 1}, bpf.RetConstant{Val: 9}, bpf.RetConstant{Val: 0}}},
}

// dhcpFilter is "udp dst port", for sockets whose data begins at the link or, with at below 20, at the network header.
func dhcpFilter(port uint32, at uint32) []bpf.Instruction {
	header := at - 6
	code := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x800, SkipFalse: 8},
		bpf.LoadAbsolute{Off: header + 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipFalse: 6},
		bpf.LoadAbsolute{Off: at, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: 0x1fff, SkipTrue: 4},
		bpf.LoadMemShift{Off: header},
		bpf.LoadIndirect{Off: header + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: port, SkipFalse: 1},
		bpf.RetConstant{Val: 262144},
		bpf.RetConstant{Val: 0},
	}
	return code
}

// TestGroupFilters: a filter that looks for groups alone is one of those that look at nothing else first.
func TestGroupFilters(t *testing.T) {
	want := map[string]bool{"nothing": true, "lldpd: multicast and lldp or cdp": true}
	for _, c := range filterCases {
		code, err := bpf.Assemble(c.code)
		if err != nil {
			t.Fatal(err)
		}
		if got := groupFilter(code, c.network); got != want[c.name] {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestHarmlessFilters(t *testing.T) {
	for _, c := range filterCases {
		code, err := bpf.Assemble(c.code)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := harmlessFilter(code, c.network, true); got != c.harmless {
			t.Errorf("%s: harmless is %v", c.name, got)
		}
		within := slices.Contains([]string{"options", "vlan 10 in the frame", "vlan by extension of the protocol"}, c.name) // what leaves
		if got := harmlessFilter(code, c.network, false); got != (c.harmless || within) {
			t.Errorf("%s: harmless is %v for a socket of one protocol", c.name, got)
		}
	}
	if harmlessFilter(nil, false, true) {
		t.Error("an empty filter is harmless")
	}
}

// forwarded draws a frame that a fast path may forward, as it is seen: in some cases with a tag.
func forwarded(r *rand.Rand) []byte {
	b := bare(r)
	if r.IntN(3) == 0 {
		b = slices.Insert(b, 12, 0x81, 0, byte(r.IntN(16)), byte(r.IntN(80)))
	}
	return b
}

// bare draws one without a tag.
func bare(r *rand.Rand) []byte {
	b := make([]byte, 60+r.IntN(4))
	for i := range b {
		b[i] = byte(r.IntN(4)) * byte(r.IntN(80))
	}
	b[0] &^= 1
	if r.IntN(2) == 0 {
		copy(b[12:], []byte{0x86, 0xdd, 0x60 | b[14]&15})
		return b
	}
	copy(b[12:], []byte{8, 0, 0x45})
	b[20] &= 0xc0
	b[21] = 0
	if r.IntN(2) == 0 {
		b[23] = 17
	}
	if b[23] == 17 {
		for at := 34; at < 38; at += 2 {
			if p := binary.BigEndian.Uint16(b[at:]); p == 67 || p == 68 {
				b[at] = 1
			}
		}
	}
	return b
}

// checkHarmless runs a filter that was judged harmless over forwarded frames.
func checkHarmless(t *testing.T, raw []bpf.RawInstruction, seed uint64) (judged bool) {
	code, ok := bpf.Disassemble(raw)
	if !ok {
		return false
	}
	for _, i := range code {
		if e, is := i.(bpf.LoadExtension); is && e.Num != bpf.ExtLen {
			return false // the machine below knows only one
		}
	}
	machine, err := bpf.NewVM(code)
	if err != nil || !harmlessFilter(raw, false, true) {
		return false
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20 {
		frame := forwarded(r)
		if n, err := machine.Run(frame); err == nil && n != 0 {
			t.Fatalf("seed %d: accepts %d of % x\n%v", seed, n, frame, code)
		}
	}
	return true
}

// random draws an instruction from those that compilers of filters use.
func randomFilter(r *rand.Rand, length int) []bpf.Instruction {
	pick := func(v ...uint32) uint32 { return v[r.IntN(len(v))] }
	offset := func() uint32 { return pick(0, 12, 14, 16, 18, 20, 21, 23, 24, 26, 27, 30, 34, 36, 38, 40) }
	size := func() int { return 1 << r.IntN(3) }
	constant := func() uint32 {
		return pick(0, 1, 2, 5, 6, 17, 67, 68, 0x800, 0x86dd, 0x8100, 0x1fff, 0x45, 0x4500, uint32(r.IntN(300)))
	}
	var code []bpf.Instruction
	for len(code) < length {
		left := length - len(code) - 1
		skip := func() uint8 { return uint8(r.IntN(min(left, 6) + 1)) }
		switch r.IntN(12) {
		case 0, 1, 2:
			code = append(code, bpf.LoadAbsolute{Off: offset(), Size: size()})
		case 3, 4, 5, 6:
			if left < 1 {
				continue
			}
			code = append(code, bpf.JumpIf{Cond: bpf.JumpTest(r.IntN(8)), Val: constant(), SkipTrue: skip(), SkipFalse: skip()})
		case 7:
			op := bpf.ALUOp(pick(0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0))
			v := constant()
			if op == bpf.ALUOpShiftLeft || op == bpf.ALUOpShiftRight {
				v %= 32
			}
			if (op == bpf.ALUOpDiv || op == bpf.ALUOpMod) && v == 0 {
				v = 3
			}
			code = append(code, bpf.ALUOpConstant{Op: op, Val: v})
		case 8:
			code = append(code, bpf.LoadIndirect{Off: offset(), Size: size()}, bpf.LoadMemShift{Off: 14})
		case 9:
			code = append(code, bpf.TAX{}, bpf.ALUOpX{Op: bpf.ALUOp(pick(0x00, 0x10, 0x40, 0x50, 0xa0))})
		case 10:
			code = append(code, bpf.StoreScratch{Src: bpf.RegA, N: r.IntN(3)}, bpf.LoadScratch{Dst: bpf.RegA, N: r.IntN(3)})
		case 11:
			code = append(code, bpf.RetConstant{Val: pick(0, 0, 0, 1)})
		}
	}
	return append(code, bpf.RetConstant{Val: uint32(r.IntN(2))})
}

func TestHarmlessAgreesWithTheMachine(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r, judged := rand.New(rand.NewPCG(seed, 0)), 0
	for i := range 60000 {
		raw, err := bpf.Assemble(randomFilter(r, 3+r.IntN(14)))
		if err != nil {
			continue
		}
		if checkHarmless(t, raw, seed+uint64(i)) {
			judged++
		}
	}
	t.Logf("seed %d: %d of 60000 filters are harmless", seed, judged)
	if judged < 1000 {
		t.Errorf("seed %d: only %d harmless filters", seed, judged)
	}
}

func FuzzHarmlessFilter(f *testing.F) {
	for _, c := range filterCases {
		raw, err := bpf.Assemble(c.code)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encodeFilter(raw))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := decodeFilterCode(b)
		if err != nil || len(raw) > 64 {
			return
		}
		harmlessFilter(raw, true, true)
		checkHarmless(t, raw, 1)
	})
}

func encodeFilter(raw []bpf.RawInstruction) []byte {
	var b []byte
	for _, i := range raw {
		b = native.AppendUint16(b, i.Op)
		b = append(b, i.Jt, i.Jf)
		b = native.AppendUint32(b, i.K)
	}
	return b
}
