package emit

import (
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/synth/ir"
)

// part4 and part6 name the fields that are the packet's own where nothing is translated, in the order of the operands.
var (
	part4 = []string{"source", "dest", "", "sport", "dport"}
	part6 = []string{"sourcehi", "sourcelo", "desthi", "destlo", "", "sport", "dport"}
)

// own gives the fields the packet's own addresses and ports.
func (t *tracked) own() {
	names, width := part6, uint8(8)
	if t.table.Kind == ir.Conntrack {
		names, width = part4, 4
	}
	for i, name := range names {
		switch {
		case name == "":
			width = 2
		case t.spans.Max(t.args[i]) <= ir.Ones(8*int(width)):
			t.assign(t.out[name], t.args[i])
		default:
			t.number(name, t.tuple[i], width)
		}
	}
}

// number gives a field what stands in a packet or a tuple.
func (t *tracked) number(name string, raw reg, width uint8) {
	t.mov(t.out[name], raw)
	t.swap(t.out[name], width)
}

// translate gives the addresses and ports that the packet leaves with: the opposite of the other direction's tuple. The
// kernel translates the source and the destination by themselves, as the entry's status says for either direction.
func (t *tracked) translate(stride, status reg) {
	t.note = "translation"
	at, dest, source := t.copy(t.entry), t.copy(status), t.copy(status)
	t.aluImm(asm.Add, false, at, t.k.Stride)
	t.alu(asm.Sub, false, at, stride)
	other := t.view(at)
	t.own()
	t.alu(asm.LSh, true, dest, t.reply) // the bit for the one direction is beside that for the other
	t.alu(asm.RSh, true, source, t.reply)
	t.ifSet(dest, ir.StatusDestNAT, func() {
		if t.table.Kind == ir.Conntrack {
			t.number("dest", t.ofTuple(other, 0, 4), 4)
		} else {
			t.number("desthi", t.ofTuple(other, 0, 8), 8)
			t.number("destlo", t.ofTuple(other, 8, 8), 8)
		}
		t.number("dport", t.ofTuple(other, 16, 2), 2)
	})
	t.ifSet(source, ir.StatusSourceNAT, func() {
		if t.table.Kind == ir.Conntrack {
			t.number("source", t.ofTuple(other, 20, 4), 4)
		} else {
			t.number("sourcehi", t.ofTuple(other, 20, 8), 8)
			t.number("sourcelo", t.ofTuple(other, 28, 8), 8)
		}
		t.number("sport", t.ofTuple(other, 36, 2), 2)
	})
}

// ifSet emits code that is passed over where a bit is not set.
func (t *tracked) ifSet(bits reg, bit int32, emit func()) {
	over := t.newLabel()
	t.aluImm(asm.And, true, bits, bit)
	t.branchImm(asm.JEq, true, bits, 0, over)
	emit()
	t.mark(over)
}

func (t *tracked) ofTuple(tuple reg, offset int16, width uint8) reg {
	r := t.reg()
	t.load(r, tuple, t.k.Tuple+offset, width)
	return r
}

// masquerade reads the interface whose address the connection's source was translated to, perhaps to what it was; packets
// of its first direction have to leave by it.
func (t *tracked) masquerade(entry reg) {
	oif, none := t.out["oif"], t.newLabel()
	t.setConstant(oif, 0)
	if t.k.Masquerade < 0 {
		return
	}
	t.branchImm(asm.JNE, true, t.reply, 0, none)
	ext, at := t.reg(), t.reg()
	t.load(ext, entry, t.k.Ext, 8)
	t.branchImm(asm.JEq, false, ext, 0, none)
	t.load(at, t.view(ext), t.k.ExtNAT, 1)
	t.branchImm(asm.JEq, true, at, 0, none)
	t.alu(asm.Add, false, at, ext)
	t.load(oif, t.view(at), t.k.Masquerade, 4)
	t.mark(none)
}
