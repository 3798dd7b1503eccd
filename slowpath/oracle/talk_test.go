package oracle

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/hone-net/hone/slowpath/lab"
)

// talk is one connection: a client that follows a script, and a server that answers whoever it hears of. Both are raw
// frames; what they carry tells which talk they belong to, whatever NAT has made of the addresses.
type talk struct {
	id       uint32
	protocol byte // 6, 17 or 1 for an echo of ICMP, of either family
	script   string
	net      *lab.Network
	side     int            // the port behind which the client is
	client   netip.AddrPort // as it sees itself
	target   netip.AddrPort // as the client sees the server

	heard bool           // the server has
	at    int            // the port behind which it is
	peer  netip.AddrPort // the client as the server sees it
	self  netip.AddrPort // the server as it sees itself
	last  []byte         // the IP packet that the server heard last

	sent  [2]uint32 // bytes, SYN and FIN, of the client and of the server
	count uint32    // of packets
	again [2][]byte // what each has sent last
}

// Flags of TCP.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// first is the first sequence number, or the number that packets of UDP carry.
func (t *talk) first(server int) uint32 { return t.id<<17 | uint32(server)<<16 }

// talkOf tells to which talk a frame belongs, and whether it is the server's.
func talkOf(f []byte) (id uint32, server bool, ok bool) {
	l := fieldsOf(f)
	if len(f) < l.l4+12 {
		return 0, false, false
	}
	var n uint32
	switch f[l.next] {
	case 6:
		n = binary.BigEndian.Uint32(f[l.l4+4:])
	case 17:
		n = binary.BigEndian.Uint32(f[l.l4+8:])
	case 1, 58:
		if kind := f[l.l4]; kind != 0 && kind != 8 && kind != 128 && kind != 129 {
			return 0, false, false
		}
		n = binary.BigEndian.Uint32(f[l.l4+8:])
	default:
		return 0, false, false
	}
	return n >> 17, n>>16&1 == 1, true
}

func fieldsOf(f []byte) fields {
	if f[lab.OffEtherType] == 8 {
		return fields4
	}
	return fields6
}

// hear notes what of the talk has arrived behind a port.
func (t *talk) hear(port int, f []byte) {
	l := fieldsOf(f)
	src, _ := netip.AddrFromSlice(f[l.src : l.src+l.size])
	dst, _ := netip.AddrFromSlice(f[l.dst : l.dst+l.size])
	t.heard, t.at, t.last = true, port, slices.Clone(f[lab.OffIP:])
	t.peer, t.self = netip.AddrPortFrom(src, 0), netip.AddrPortFrom(dst, 0)
	if f[l.next] == 6 || f[l.next] == 17 {
		t.peer = netip.AddrPortFrom(src, binary.BigEndian.Uint16(f[l.l4:]))
		t.self = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(f[l.l4+2:]))
	}
}

// move makes the frame of a round, nil if there is none: capitals are the client's. The side is where it comes in.
func (t *talk) move(round int) (side int, f []byte) {
	letter := byte('.')
	if round < len(t.script) {
		letter = t.script[round]
	}
	server := 0
	if letter >= 'a' && letter <= 'z' {
		server = 1
	}
	if letter == '.' || server == 1 && !t.heard {
		return 0, nil
	}
	side = t.side
	if server == 1 {
		side = t.at
	}
	if letter == 'e' {
		return side, t.icmpError(side)
	}
	if letter|0x20 == 'x' {
		return side, t.again[server]
	}
	if f = t.packet(server, side, letter|0x20); t.id%4 > 0 {
		f = trimmed(f)
	}
	t.again[server] = f
	return side, f
}

// packet is a packet of the client or the server.
func (t *talk) packet(server, side int, letter byte) []byte {
	from, to := t.client, t.target
	if server == 1 {
		from, to = t.self, t.peer
	}
	p := lab.Packet{DstMAC: t.net.Ports[side].MAC, SrcMAC: t.net.Ports[side].Peer.MAC, Src: from.Addr(), Dst: to.Addr(),
		SrcPort: from.Port(), DstPort: to.Port(), ID: uint16(t.count), DF: t.id&1 == 0}
	t.count++
	length := 24
	switch letter {
	case 'l':
		length = 1300
	case 't':
		p.TTL = 1
	case 'o':
		p.TOS = 0xb9
	}
	if t.protocol == 6 {
		return t.segment(p, server, letter, length)
	}
	p.Payload = make([]byte, length)
	binary.BigEndian.PutUint32(p.Payload, t.first(server)|t.count)
	f := p.Frame()
	if t.protocol == 1 {
		return echo(f, server, uint16(t.id))
	}
	if letter == 'z' && p.Dst.Is4() {
		clear(f[lab.OffL4+6 : lab.OffL4+8])
	}
	return f
}

// echo makes an echo request, or the server's reply, of a datagram.
func echo(f []byte, server int, id uint16) []byte {
	l := fieldsOf(f)
	kind := byte(8 - 8*server)
	f[l.next] = 1
	if l.size == 16 {
		kind, f[l.next] = byte(128+server), 58
	}
	f[l.l4], f[l.l4+1] = kind, 0
	binary.BigEndian.PutUint16(f[l.l4+4:], id)
	binary.BigEndian.PutUint16(f[l.l4+6:], 1)
	if l.size == 4 {
		lab.SetHeaderChecksum(f)
	}
	lab.SetL4Checksum(f)
	return f
}

// segment makes a segment of TCP: a header of 20 bytes, and data where the letter asks for any.
func (t *talk) segment(p lab.Packet, server int, letter byte, length int) []byte {
	flags := map[byte]byte{'s': syn, 'a': ack, 'f': fin | ack, 'r': rst, 'q': rst | ack, 'k': ack, 'n': 0, 'y': syn | fin}
	kind, ok := flags[letter]
	if ok {
		length = 0
	} else {
		kind = psh | ack
	}
	if letter == 's' && server == 1 {
		kind |= ack
	}
	seq := t.first(server) + t.sent[server]
	if letter == 'k' {
		seq--
	}
	t.sent[server] += uint32(length)
	if letter == 's' || letter == 'f' {
		t.sent[server]++
	}
	p.Payload = make([]byte, 12+length)
	f := p.Frame()
	l := fieldsOf(f)
	f[l.next] = 6
	header := f[l.l4:]
	binary.BigEndian.PutUint32(header[4:], seq)
	binary.BigEndian.PutUint32(header[8:], 0)
	if kind&ack != 0 {
		binary.BigEndian.PutUint32(header[8:], t.first(1-server)+t.sent[1-server])
	}
	header[12], header[13] = 0x50, kind
	binary.BigEndian.PutUint16(header[14:], 40000)
	binary.BigEndian.PutUint32(header[16:], 0)
	if l.size == 4 {
		lab.SetHeaderChecksum(f)
	}
	lab.SetL4Checksum(f)
	return f
}

// icmpError is what the server says of the packet that it heard last: that nobody listens, or that it was too big.
func (t *talk) icmpError(side int) []byte {
	p := lab.Packet{DstMAC: t.net.Ports[side].MAC, SrcMAC: t.net.Ports[side].Peer.MAC, Src: t.self.Addr(), Dst: t.peer.Addr(),
		Payload: slices.Clone(t.last[:min(len(t.last), 120)])}
	f := p.Frame()
	l := fieldsOf(f)
	if l.size == 4 {
		f[l.next] = 1
		copy(f[l.l4:], []byte{3, 3 + byte(t.id&1), 0, 0, 0, 0, 4, 0x00})
		lab.SetHeaderChecksum(f)
	} else {
		f[l.next] = 58
		copy(f[l.l4:], []byte{1 + byte(t.id&1), 4 * byte(1-t.id&1), 0, 0, 0, 0, byte(t.id&1) * 5, 0x14})
	}
	lab.SetL4Checksum(f)
	return f
}
