package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

// flow is a UDP flow from the generator.
type flow struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
}

// packet is a frame of the flow between two stations, without its MACs.
func (w flow) packet(size int) lab.Packet {
	return lab.Packet{Src: w.src, Dst: w.dst, SrcPort: w.srcPort, DstPort: w.dstPort, Payload: make([]byte, size)}
}

// answer is the flow in the other direction; from says where the sender seems to be, for the other side.
func (w flow) answer(from netip.Addr) flow { return flow{w.dst, from, w.dstPort, w.srcPort} }

// manyFlows are flows from hosts of 100.64/10 to the prefixes of newRouter, each with a source port of its own as long as
// there are any: NAT to one address has to change none.
func manyFlows(n, prefixes int) []flow {
	all := make([]flow, n)
	for i := range all {
		all[i] = flow{srcPort: uint16(1024 + i%60000), dstPort: 9,
			src: netip.AddrFrom4([4]byte{100, 64 + byte(i>>16), byte(i >> 8), byte(i)}),
			dst: netip.AddrFrom4([4]byte{10, 128, byte(i % prefixes), 9})}
	}
	return all
}

// newFlowRouter is newRouter for flows, with a route back to where they come from, and a ruleset that is loaded first.
// Frames carry checksums that are wrong on purpose, which conntrack is told not to look at.
func newFlowRouter(flows []flow, prefixes int, ruleset string) (*rig, error) {
	r, err := newRig(2, traffic{format: ipv4, dsts: []netip.Addr{flows[0].dst}, room: len(flows)})
	if err != nil {
		return nil, err
	}
	lines := []string{"route add 100.64.0.0/10 via 10.0.0.1"}
	for i := range prefixes {
		lines = append(lines, fmt.Sprintf("route add 10.128.%d.0/24 via 10.2.0.1", i))
	}
	err = errors.Join(r.R.Batch(lines), r.R.Feed("nft -f -", ruleset), r.R.Sysctl("netfilter/nf_conntrack_checksum", "0"), r.flood.follow(flows))
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// follow makes the generator send the packets of these flows by turns.
func (f *flood) follow(flows []flow) error {
	frames := make([][]byte, len(flows))
	for i, w := range flows {
		p := w.packet(f.size - int(f.end))
		p.DstMAC, p.SrcMAC = f.port.MAC, f.port.Peer.MAC
		frames[i] = p.Frame()
		binary.BigEndian.PutUint16(frames[i][f.end-2:], 0xbeef)
	}
	return f.repeat(frames)
}

// udpStream is after how long a UDP flow with answers is one that the kernel keeps.
const udpStream = 2100 * time.Millisecond

// establish makes conntrack know the flows as established: packets both ways, and once more two seconds later. From is the
// address that the other side sees, if that is not the sender's.
func (r *rig) establish(flows []flow, from netip.Addr) error {
	back, err := lab.NewSender(r.B, r.Ports[1].Peer.Index)
	if err != nil {
		return err
	}
	defer back.Close()
	answers := make([][]byte, len(flows))
	for i, w := range flows {
		seen := w.src
		if from.IsValid() {
			seen = from
		}
		p := w.answer(seen).packet(18)
		p.DstMAC, p.SrcMAC = r.Ports[1].MAC, r.Ports[1].Peer.MAC
		answers[i] = p.Frame()
	}
	for turn := range 2 {
		if turn > 0 {
			time.Sleep(udpStream)
		}
		if _, err := r.send(r.flood.room); err != nil {
			return err
		}
		for at := 0; at < len(answers); at += batch {
			if err := back.Send(answers[at:min(at+batch, len(answers))]...); err != nil {
				return err
			}
		}
	}
	return r.established(len(flows))
}

// established wants so many flows to be assured.
func (r *rig) established(want int) error {
	got, err := r.assured()
	if err == nil && got < want {
		err = fmt.Errorf("bench: establish flows: conntrack has %d of %d as assured", got, want)
	}
	return err
}
