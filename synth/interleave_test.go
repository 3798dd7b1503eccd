package synth

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// This file is the argument for tables that change in place, as a model: packets on their way through programs, each of
// which reads one word after the other and may be held up between any two for as long as several changes take, and an agent
// that does writes one word after the other. Whatever is sent is what some configuration says that was in force on the way,
// all of it. Ways to let what was let go be used again sooner have to be caught.

// sooner is when what was let go is used again.
type sooner int

const (
	ended     sooner = iota // once no program runs that began before the writes were done
	done                    // once the writes are done
	workedOut               // once the writes are known
)

// sent is what a packet was given.
type sent struct {
	mac             uint64
	smac, oif, port uint32
	vid             uint16 // of its tag; 0: it has none
}

// crossing is a packet on its way.
type crossing struct {
	addr   uint32
	length uint16
	first  int // the configuration that was in force when it began
	next   func() (struct{}, bool)
	stop   func()
	sent   *sent // nil while it is not sent
}

// interleaved is the model.
type interleaved struct {
	*rand.Rand
	sooner
	fib       *FIB
	memory    *memory
	snapshot  *introspect.Snapshot
	packed    bool
	history   []*FIB // of each configuration alone
	writes    []ir.Write
	crossings []*crossing
	before    []*crossing // those that rested waits for
	rested    func()
	count     struct{ sent, long, reused int }
}

func TestInterleaved(t *testing.T) {
	seed := rand.Uint64()
	for name, s := range map[string]*introspect.Snapshot{"cards": parse(t, router(t)), "bridge": parse(t, bridgeRouter(t)),
		"VLANs": stacked(parse(t, router(t)), true, true), "VLAN of a bridge": stackedBridge(t)} {
		var all [3]int
		for n := range uint64(60) {
			m := newInterleaved(s, rand.New(rand.NewPCG(seed, n)), ended)
			if wrong := m.run(t); wrong != nil {
				t.Fatalf("%s: seed %d, round %d: to %v, %d bytes: %+v", name, seed, n, netipAddr(wrong.addr), wrong.length, *wrong.sent)
			}
			all = [3]int{all[0] + m.count.sent, all[1] + m.count.long, all[2] + m.count.reused}
		}
		if slices.Min(all[:]) < 10 {
			t.Errorf("%s: %d sent, %d of them across changes, %d rows used again", name, all[0], all[1], all[2])
		}
	}
}

// TestInterleavedSooner catches what does not wait for programs.
func TestInterleavedSooner(t *testing.T) {
	for _, s := range []sooner{done, workedOut} {
		caught := false
		for n := uint64(0); n < 300 && !caught; n++ {
			caught = newInterleaved(parse(t, bridgeRouter(t)), rand.New(rand.NewPCG(n, 1)), s).run(t) != nil
		}
		if !caught {
			t.Errorf("variant %d is not caught", s)
		}
	}
}

func newInterleaved(snapshot *introspect.Snapshot, r *rand.Rand, s sooner) *interleaved {
	m := &interleaved{Rand: r, sooner: s, snapshot: snapshot, packed: r.IntN(2) == 0}
	m.fib = NewFIB(m.snapshot)
	if m.packed {
		m.fib.build(m.snapshot, Shape{Views: []ViewShape{{Table: tableRoute, Nodes: leastUnits}}})
	}
	m.memory = remember(m.fib)
	m.history = []*FIB{NewFIB(m.snapshot)}
	return m
}

// run lets things happen in any order, and returns what was sent wrongly.
func (m *interleaved) run(t *testing.T) (wrong *crossing) {
	haste := 0
	for range 4000 {
		if m.IntN(16) == 0 {
			haste = []int{2, 6, 9}[m.IntN(3)]
		}
		switch n := m.IntN(10); {
		case n < 2 && len(m.crossings) < 8:
			m.begin()
		case n < haste && len(m.crossings) > 0:
			if wrong = m.advance(m.IntN(len(m.crossings))); wrong != nil {
				return wrong
			}
		case len(m.writes) > 0:
			m.memory.write(m.writes[0])
			if m.writes = m.writes[1:]; len(m.writes) == 0 {
				m.written()
			}
		case n == 9:
			m.update(t)
		}
	}
	for len(m.crossings) > 0 && wrong == nil {
		wrong = m.advance(0)
	}
	return wrong
}

// addresses are those that packets go to.
func addresses() (all []uint32) {
	for n := range uint32(2) {
		all = append(all, 10<<24|1<<16|2+n, 10<<24|2<<16|2+n, 192<<24|2<<8|n*150)
	}
	return all
}

// update works a change out. What is written at once is cut into the words that it may come in.
func (m *interleaved) update(t *testing.T) {
	next := *m.snapshot
	m.snapshot = &next
	m.change()
	waiting := slices.Clone(m.fib.rows.free.queue)
	writes, reshaped := m.fib.Update(m.snapshot)
	if reshaped {
		t.Fatal("tables were made anew")
	}
	m.count.reused += max(0, len(waiting)-len(m.fib.rows.free.queue))
	m.history = append(m.history, NewFIB(m.snapshot))
	for _, w := range writes {
		size := len(w.Data)
		if size > 8 {
			size = 2
		}
		for at := 0; at < len(w.Data); at += size {
			m.writes = append(m.writes, ir.Write{Table: w.Table, Offset: w.Offset + at, Data: w.Data[at:min(at+size, len(w.Data))]})
		}
	}
	if m.sooner == workedOut || len(m.writes) == 0 {
		m.written()
	}
}

// written is what the agent does when the writes are done.
func (m *interleaved) written() {
	rested := m.fib.Written()
	switch {
	case rested == nil:
	case m.sooner != ended:
		rested()
	default:
		m.rested, m.before = rested, slices.Clone(m.crossings)
		m.settle()
	}
}

// settle ends a rest when no packet is on its way that began before.
func (m *interleaved) settle() {
	on := func(c *crossing) bool { return slices.Contains(m.crossings, c) }
	if m.rested != nil && !slices.ContainsFunc(m.before, on) {
		m.rested()
		m.rested = nil
	}
}

// begin puts a packet on its way.
func (m *interleaved) begin() {
	all := addresses()
	c := &crossing{addr: all[m.IntN(len(all))], length: uint16(46 + m.IntN(2)*1400), first: len(m.history) - 1}
	if len(m.writes) > 0 {
		c.first--
	}
	c.next, c.stop = iter.Pull(m.reads(c))
	m.crossings = append(m.crossings, c)
}

// advance lets a packet read one more word, and returns it if it was sent wrongly.
func (m *interleaved) advance(i int) *crossing {
	c := m.crossings[i]
	if _, on := c.next(); on {
		return nil
	}
	c.stop()
	m.crossings = slices.Delete(m.crossings, i, i+1)
	m.settle()
	if c.sent == nil {
		return nil
	}
	m.count.sent++
	if c.first < len(m.history)-1 {
		m.count.long++
	}
	if m.right(c) {
		return nil
	}
	return c
}

// right tells whether a packet was sent as the kernel might have sent it: to a nexthop that it had at some time on the way,
// as that was then or later, if the nexthop took packets of its length at some time on the way.
func (m *interleaved) right(c *crossing) bool {
	way := m.history[c.first:]
	for i, then := range way {
		to := row{key: then.rows.list[find(then, c.addr)].key}
		fits := func(f *FIB) bool { return c.length <= f.content(&to).mtu }
		sends := func(f *FIB) bool {
			d := f.content(&to)
			return d.flags&flagUsable != 0 && *c.sent == sentBy(d)
		}
		if slices.ContainsFunc(way, fits) && slices.ContainsFunc(way[i:], sends) {
			return true
		}
	}
	return false
}

func sentBy(d rowData) sent {
	return sent{d.macWord(), binary.LittleEndian.Uint32(d.smac[2:]), d.oif, d.port, d.flags >> flagBits}
}

// reads is what a program reads, in its order.
func (m *interleaved) reads(c *crossing) iter.Seq[struct{}] {
	n := binary.NativeEndian
	return func(yield func(struct{}) bool) {
		pause := func() bool { return yield(struct{}{}) }
		i, on := m.walk(c.addr, pause)
		if !on {
			return
		}
		row := m.memory.bytes[tableNexthop][int(i)*nexthopBytes:][:nexthopBytes]
		if limit := n.Uint32(row[atLimit:]); uint32(c.length)+etherHeader > limit {
			if !pause() || n.Uint16(row[atFlags:])&flagUsable == 0 || !pause() || c.length > n.Uint16(row[atMTU:]) {
				return
			}
		}
		if !pause() {
			return
		}
		s := sent{oif: n.Uint32(row[atOif:])}
		if !pause() {
			return
		}
		s.mac = n.Uint64(row[atMAC:])
		if !pause() {
			return
		}
		s.smac = n.Uint32(row[atSMAC:])
		if m.fib.tagged {
			if !pause() {
				return
			}
			s.vid = n.Uint16(row[atFlags:]) >> flagBits
		}
		if m.fib.ported {
			if !pause() {
				return
			}
			s.port = n.Uint32(row[atReason:])
		}
		c.sent = &s
	}
}

// walk finds the row of an address, and pauses after each word that it reads.
func (m *interleaved) walk(addr uint32, pause func() bool) (row uint16, on bool) {
	t, data, n := m.memory.tables[tableRoute], m.memory.bytes[tableRoute], binary.NativeEndian
	if !m.packed {
		word := n.Uint16(data[2*(addr>>(32-ir.FirstLPM)):])
		for left := 32 - ir.FirstLPM; left > 0 && word&blockBit != 0; left -= 8 {
			if !pause() {
				return 0, false
			}
			base := t.Bytes() - 512*t.Size + int(word&^blockBit)*512
			word = n.Uint16(data[base+2*int(addr>>(left-8)&0xff):])
		}
		return word, pause()
	}
	first := n.Uint32(data[4*(addr>>(32-ir.FirstPacked)):])
	if first < ir.NodePacked || !pause() {
		return uint16(first), pause()
	}
	node, slot := data[t.NodesAt()+int(first&placeMask):], addr>>8&(1<<ir.SlotPacked-1)
	if first&ir.NarrowPacked != 0 {
		i := node[slot/2] >> (slot % 2 * 4) % ir.PaletteSize
		if !pause() {
			return 0, false
		}
		return n.Uint16(data[ir.PalettePacked+2*int(i):]), pause()
	}
	word := n.Uint16(node[2*slot:])
	if !pause() || word&blockBit == 0 {
		return word, pause()
	}
	return n.Uint16(data[ir.BlocksPacked+int(word&^blockBit)*ir.BlockBytes+2*int(addr&0xff):]), pause()
}
