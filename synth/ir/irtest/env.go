package irtest

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// Env makes an environment that fits a program: contents of its tables, and a world that has mostly not moved.
func Env(r *rand.Rand, p *ir.Program) *ir.Env {
	env := &ir.Env{Tables: map[string][]byte{}, Hash: map[string]map[uint32][]byte{}, FIB: live(r.Uint64()),
		FIB6: live(r.Uint64()), Conntrack: live(r.Uint64()), Conntrack6: live(r.Uint64()), VLAN: oneIn(r, 4),
		Partial: oneIn(r, 4)}
	for _, t := range p.Tables {
		switch t.Kind {
		case ir.Rows:
			env.Tables[t.Name] = rows(r, t.Bytes())
		case ir.Keyed:
			data := rows(r, t.Bytes())
			for key := range uint64(8) {
				first, second := t.Places(key)
				binary.NativeEndian.PutUint64(data[pick(r, first, second, second)*t.RowSize:], key)
			}
			env.Tables[t.Name] = data
		case ir.LPM:
			env.Tables[t.Name] = trie(r, t)
		case ir.Packed:
			env.Tables[t.Name] = packed(r, t)
		case ir.LPM6:
			env.Tables[t.Name] = trie6(r, t)
		case ir.Hash:
			env.Hash[t.Name] = map[uint32][]byte{}
			for key := range uint32(8) {
				if !oneIn(r, 3) {
					env.Hash[t.Name][key] = rows(r, t.RowSize)
				}
			}
		}
	}
	for d := range env.Moved {
		if oneIn(r, 4) {
			env.Moved[d] = number(r)
		}
	}
	if env.Moved != (slowpath.Epochs{}) {
		env.Moved[slowpath.Any] |= 1
	}
	return env
}

// rows is memory in which small numbers are common.
func rows(r *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		if oneIn(r, 2) {
			data[i] = pick(r, 1, 2, 0xff, byte(r.Uint32()))
		}
	}
	return data
}

// trie is words of which one in four names a block, in the first level and the first half of the blocks.
func trie(r *rand.Rand, t *ir.Table) []byte {
	data := make([]byte, t.Bytes())
	words, half := make([]uint16, 64), (t.Size+1)/2
	for i := range words {
		words[i] = uint16(r.IntN(16))
		if oneIn(r, 4) {
			words[i] = 0x8000 | uint16(t.Size/2+r.IntN(half))
		} else if oneIn(r, 4) {
			words[i] = 0x8000 | uint16(r.IntN(t.Size))
		}
	}
	first, blocks := 2<<ir.FirstLPM, t.Bytes()-t.Size*512
	for i := 0; i < len(data); i += 2 {
		word := words[(i*7+i>>9)%len(words)]
		if i >= first && word&0x8000 != 0 {
			word |= uint16(t.Size / 2)
		}
		if i >= blocks+t.Size/2*512 || i >= first && i < blocks && t.Focus4.Len == 16 { // the last level
			word &= 15
		}
		binary.NativeEndian.PutUint16(data[i:], word)
	}
	return data
}

// live answers a live lookup with what depends on the operands alone.
func live(seed uint64) func([]uint64) []byte {
	return func(args []uint64) []byte {
		h := fnv.New64a()
		_ = binary.Write(h, binary.NativeEndian, append(args, seed))
		r := New(h.Sum64())
		row := rows(r, ir.Conntrack6.LiveRow()) // the longest
		if !oneIn(r, 4) {
			copy(row, []byte{0, 0, 0, 0})
		}
		return row
	}
}

// Packet makes a packet of 14 to 100 bytes, mostly long enough for the program's bounds, in which the bytes that the
// program may compare with are common.
func Packet(r *rand.Rand, p *ir.Program) []byte {
	pkt := rows(r, 64+r.IntN(37))
	if oneIn(r, 8) {
		pkt = pkt[:14+r.IntN(50)]
	}
	if len(pkt) > 34 && !oneIn(r, 4) {
		binary.BigEndian.PutUint16(pkt[12:], 0x800)
		pkt[14] = 0x45
		binary.BigEndian.PutUint32(pkt[26:], address(r)^uint32(r.IntN(4)))
		binary.BigEndian.PutUint32(pkt[30:], address(r)^uint32(r.IntN(4)))
	} else if len(pkt) > 54 {
		for _, at := range []int{22, 38} {
			hi, lo := address6(r)
			binary.BigEndian.PutUint64(pkt[at:], hi)
			binary.BigEndian.PutUint64(pkt[at+8:], lo)
		}
	}
	return pkt
}
