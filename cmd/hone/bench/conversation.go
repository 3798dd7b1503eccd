package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// segment is one frame of a TCP connection.
type segment struct {
	answer   bool // it comes from the server
	flags    uint8
	seq, ack uint32
	payload  bool
}

// Bits of TCP's flags.
const (
	tcpFIN = 1
	tcpSYN = 2
	tcpPSH = 8
	tcpACK = 16
)

// Every segment has timestamps, as Linux sends them, and so none is as short as to be filled up. A request, and a response,
// is said bytes long.
const (
	headers    = lab.OffL4 + 20 + 12
	said       = 6
	longest    = headers + said
	timestamps = 0x0101080a // two of nothing, then ten bytes of timestamps
	offTCPSum  = lab.OffL4 + 16
	offOptions = lab.OffL4 + 20
)

// segments are a whole connection as netperf's TCP_CRR has it: opened, a request, a response, closed from both sides.
var segments = [8]segment{
	{flags: tcpSYN, seq: 1000},
	{flags: tcpSYN | tcpACK, seq: 5000, ack: 1001, answer: true},
	{flags: tcpACK, seq: 1001, ack: 5001},
	{flags: tcpACK | tcpPSH, seq: 1001, ack: 5001, payload: true},
	{flags: tcpACK | tcpPSH, seq: 5001, ack: 1001 + said, payload: true, answer: true},
	{flags: tcpACK | tcpFIN, seq: 1001 + said, ack: 5001 + said},
	{flags: tcpACK | tcpFIN, seq: 5001 + said, ack: 1002 + said, answer: true},
	{flags: tcpACK, seq: 1002 + said, ack: 5002 + said},
}

// Places in the memory of a generator of conversations: behind the count, as in others, the segments, each with the number
// of the end that sends it behind its frame and how much shorter it is than others, and what is of each connection:
// addresses, ports and their sums.
const (
	atSegments  = 64
	segmentSize = longest + 8
	atEnd       = longest
	atShorter   = longest + 4
	atTalks     = atSegments + 8*segmentSize // there are so many segments
	talkSize    = 16
	atPorts     = 8
	atIPSum     = 12
	atTCPSum    = 14
)

// newConversations makes a generator that sends both sides of TCP connections, the client's from A, the server's from B.
// A batch of the generator has one segment each of as many connections, so that none overtakes the one before it.
func (r *rig) newConversations(room int) (*flood, error) {
	out, err := r.ends()
	if err != nil {
		return nil, err
	}
	defer out.Close() // the program keeps it
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "talks", Type: ebpf.Array, KeySize: 4, ValueSize: uint32(atTalks + room*talkSize),
		MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return nil, fmt.Errorf("bench: make generator: %w", err)
	}
	f := &flood{format: format{size: longest}, m: m, port: r.Ports[0], room: room}
	if f.mem, err = m.Memory(); err != nil {
		return nil, fmt.Errorf("bench: map generator: %w", errors.Join(err, m.Close()))
	}
	for i, s := range segments {
		if _, err := f.mem.WriteAt(r.template(s), int64(atSegments+i*segmentSize)); err != nil {
			return nil, fmt.Errorf("bench: make generator: %w", errors.Join(err, m.Close()))
		}
	}
	if f.prog, err = ebpf.NewProgram(conversationSpec(m, out, room)); err != nil {
		return nil, fmt.Errorf("bench: load generator: %w", errors.Join(err, m.Close()))
	}
	return f, nil
}

// ends is the map of the two interfaces that conversations are sent by, which are in two namespaces.
func (r *rig) ends() (*ebpf.Map, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ends", Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	if err != nil {
		return nil, fmt.Errorf("bench: make generator: %w", err)
	}
	for i, p := range r.Ports[:2] {
		if err := p.Peer.Net.Do(func() error { return m.Put(uint32(i), uint32(p.Peer.Index)) }); err != nil {
			return nil, fmt.Errorf("bench: make generator: send by %s: %w", p.Peer.Name, errors.Join(err, m.Close()))
		}
	}
	return m, nil
}

// template is the frame of a segment between two stations that have no addresses and ports yet, and its end.
func (r *rig) template(s segment) []byte {
	from, size := 0, headers
	if s.answer {
		from = 1
	}
	if s.payload {
		size = longest
	}
	none := netip.AddrFrom4([4]byte{})
	b := lab.Packet{DstMAC: r.Ports[from].MAC, SrcMAC: r.Ports[from].Peer.MAC, Src: none, Dst: none,
		Payload: make([]byte, size-lab.OffL4-8)}.Frame()
	b[lab.OffProtocol] = unix.IPPROTO_TCP
	binary.BigEndian.PutUint32(b[lab.OffL4+4:], s.seq)
	binary.BigEndian.PutUint32(b[lab.OffL4+8:], s.ack)
	binary.BigEndian.PutUint32(b[lab.OffL4+12:], 8<<28|uint32(s.flags)<<16|0xffff) // the greatest window
	binary.BigEndian.PutUint32(b[offOptions:], timestamps)
	lab.SetHeaderChecksum(b)
	lab.SetL4Checksum(b)
	all := append(b, make([]byte, segmentSize-size)...)
	all[atEnd] = byte(from)
	binary.NativeEndian.PutUint32(all[atShorter:], uint32(size-longest))
	return all
}

// talk makes the generator begin anew with the connections of these flows, of which there have to be as many as it has room for.
func (f *flood) talk(flows []flow) error {
	all := make([]byte, 0, len(flows)*talkSize)
	for _, w := range flows {
		src, dst := w.src.As4(), w.dst.As4()
		all = append(append(all, src[:]...), dst[:]...)
		all = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(all, w.srcPort), w.dstPort)
		sum := folded(all[len(all)-12:len(all)-4], 0)
		all = binary.LittleEndian.AppendUint16(all, uint16(sum))
		all = binary.LittleEndian.AppendUint16(all, uint16(folded(all[len(all)-6:len(all)-2], sum)))
	}
	_, err := f.mem.WriteAt(make([]byte, 8), atCount)
	if err == nil {
		_, err = f.mem.WriteAt(all, atTalks)
	}
	if err != nil {
		return fmt.Errorf("bench: talk: %w", err)
	}
	return nil
}

// folded adds words of two bytes, as they are loaded, to a sum of the kind that checksums are made of.
func folded(b []byte, sum uint32) uint32 {
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.LittleEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}

// conversationSpec writes the frames of connections: batch connections at a time, one segment of each after the other.
func conversationSpec(m, out *ebpf.Map, room int) *ebpf.ProgramSpec {
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R9, asm.R1),
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R7, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R2, asm.R6),
		asm.Add.Imm(asm.R2, longest),
		asm.JGT.Reg(asm.R2, asm.R7, "abort"),
		asm.LoadMapValue(asm.R7, m.FD(), 0),
		asm.LoadMem(asm.R3, asm.R7, atCount, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R3),
		asm.Add.Imm(asm.R2, 1),
		asm.StoreMem(asm.R7, atCount, asm.R2, asm.DWord),
		// R8: the segment.
		asm.Mov.Reg(asm.R8, asm.R3),
		asm.Div.Imm(asm.R8, batch),
		asm.And.Imm(asm.R8, int32(len(segments)-1)),
		asm.Mul.Imm(asm.R8, segmentSize),
		asm.Add.Reg(asm.R8, asm.R7),
		// R7: the connection.
		asm.Mov.Reg(asm.R4, asm.R3),
		asm.And.Imm(asm.R4, batch-1),
		asm.Div.Imm(asm.R3, int32(batch*len(segments))),
		asm.Mul.Imm(asm.R3, batch),
		asm.Add.Reg(asm.R3, asm.R4),
		asm.And.Imm(asm.R3, int32(room-1)),
		asm.Mul.Imm(asm.R3, talkSize),
		asm.Add.Reg(asm.R7, asm.R3),
	}
	insns = append(insns, copied(atSegments, 0, longest)...)
	insns = append(insns,
		asm.LoadMem(asm.R2, asm.R8, atSegments+atEnd, asm.Word),
		asm.LoadMem(asm.R3, asm.R7, int16(atTalks), asm.DWord),
		asm.LoadMem(asm.R4, asm.R7, int16(atTalks)+atPorts, asm.Word),
		asm.JEq.Imm(asm.R2, 0, "sums"),
	)
	insns = append(insns, exchanged(asm.R3, 32)...)
	insns = append(insns, exchanged(asm.R4, 16)...)
	insns = append(insns, asm.StoreMem(asm.R6, lab.OffSrc, asm.R3, asm.DWord).WithSymbol("sums"),
		asm.StoreMem(asm.R6, lab.OffL4, asm.R4, asm.Word))
	insns = append(insns, summed(lab.OffChecksum, atIPSum)...)
	insns = append(insns, summed(offTCPSum, atTCPSum)...)
	insns = append(insns,
		asm.Mov.Reg(asm.R1, asm.R9),
		asm.LoadMem(asm.R2, asm.R8, atSegments+atShorter, asm.Word),
		asm.FnXdpAdjustTail.Call(),
		asm.LoadMapPtr(asm.R1, out.FD()),
		asm.LoadMem(asm.R2, asm.R8, atSegments+atEnd, asm.Word),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRedirectMap.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("abort"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{Name: "conversations", Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "Dual MIT/GPL", Instructions: insns}
}

// exchanged exchanges the lower half of a register, so many bits, and the upper one.
func exchanged(r asm.Register, half int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R5, r),
		asm.RSh.Imm(asm.R5, half),
		asm.LSh.Imm(r, half),
		asm.Or.Reg(r, asm.R5),
	}
}

// summed adds a connection's sum to a checksum of the frame at R6.
func summed(at, sum int16) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R3, asm.R6, at, asm.Half),
		asm.Xor.Imm(asm.R3, 0xffff),
		asm.LoadMem(asm.R4, asm.R7, int16(atTalks)+sum, asm.Half),
		asm.Add.Reg(asm.R3, asm.R4),
		asm.Mov.Reg(asm.R4, asm.R3),
		asm.RSh.Imm(asm.R4, 16),
		asm.Add.Reg(asm.R3, asm.R4),
		asm.Xor.Imm(asm.R3, 0xffff),
		asm.StoreMem(asm.R6, at, asm.R3, asm.Half),
	}
}
