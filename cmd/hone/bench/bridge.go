package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/hone-net/hone/slowpath/lab"
)

// bridged are frames that differ in both MACs.
var bridged = ipv4.differing(part{0, 12})

// stationMAC is the MAC of station i; all begin alike, which the hand-written bridge goes by.
func stationMAC(i int) net.HardwareAddr {
	return net.HardwareAddr{0x52, 0x54, 0, 0, byte(i >> 8), byte(i)}
}

// joined are the lines that make r0, and r1 too, ports of a bridge.
func joined(ports ...string) []string {
	lines := []string{"link add br0 type bridge"}
	for _, p := range ports {
		lines = append(lines, "addr flush dev "+p, "link set "+p+" master br0")
	}
	return append(lines, "link set br0 up")
}

// bridgeCases are about so many stations, a half behind each port, about what netfilter sees of bridged packets, and about a
// bridge that routes.
var bridgeCases = []Case{
	bridgeCase("bridge2", "bridging between two stations, netfilter not asked", lan{stations: 2, netfilter: "0"}),
	bridgeCase("bridge200", "the same between two hundred", lan{stations: 200, netfilter: "0"}),
	bridgeCase("bridge-tag", "the same between two, with a VLAN tag that the bridge does not look at", lan{stations: 2, netfilter: "0", tag: 5}),
	bridgeCase("bridge-nf", "the same between two, netfilter asked, as is the default: no rules", lan{stations: 2, netfilter: "1"}),
	{Name: "bridge-route", Doc: "routing from a bridge's port to another interface", run: func(o Options) (Result, error) {
		return routedBridge(o, "bridge-route", "r0")
	}},
	{Name: "route-bridge", Doc: "routing to a bridge's port from another interface", run: func(o Options) (Result, error) {
		return routedBridge(o, "route-bridge", "r1")
	}},
}

// lan is a bridge that knows so many stations.
type lan struct {
	stations  int
	netfilter string // whether that is asked about bridged packets
	tag       uint16 // VLAN of the frames, 0 without a tag
}

func bridgeCase(name, doc string, l lan) Case {
	return Case{Name: name, Doc: doc, run: func(o Options) (Result, error) {
		r, err := newBridge(l)
		if err != nil {
			return Result{}, err
		}
		defer r.close()
		return r.bridging(o, name, bareBridgeSubject)
	}}
}

// bridging compares the subjects.
func (r *rig) bridging(o Options, name string, bare subject) (Result, error) {
	result := Result{Case: name}
	speeds, notes, err := r.compare(o, []subject{dropSubject, kernelSubject, bare, guarded(&result)})
	if result.Subjects = speeds; err == nil {
		result.addRatios("hone")
	}
	result.Notes = append(result.Notes, notes...)
	return result, err
}

// newBridge builds a rig whose router is a bridge that knows so many stations, half of them at the generator.
func newBridge(l lan) (_ *rig, err error) {
	r, err := newRig(2, traffic{format: bridged, dsts: []netip.Addr{sinkAddr}, room: l.stations / 2})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if err := r.R.Batch(joined("r0", "r1")); err != nil {
		return nil, err
	}
	for _, family := range []string{"iptables", "ip6tables", "arptables"} {
		if err := r.R.Sysctl("bridge/bridge-nf-call-"+family, l.netfilter); err != nil {
			return nil, err
		}
	}
	return r, r.populate(l)
}

var sinkAddr = netip.MustParseAddr("10.2.0.1")

// populate lets the bridge learn so many stations behind each port, and makes the generator send from those behind the
// first to those behind the second, each to one.
func (r *rig) populate(l lan) error {
	var there, frames [][]byte
	n := l.stations / 2
	for i := range n {
		p := lab.Packet{DstMAC: stationMAC(256 + i), SrcMAC: stationMAC(i), Src: r.flood.source, Dst: sinkAddr, SrcPort: 1000, DstPort: 9,
			Payload: make([]byte, r.flood.size-int(r.flood.end))}
		f := p.Frame()
		binary.BigEndian.PutUint16(f[r.flood.end-2:], 0xbeef)
		frames = append(frames, l.tagged(f))
		p.DstMAC, p.SrcMAC = p.SrcMAC, p.DstMAC
		there = append(there, l.tagged(p.Frame()))
	}
	if err := errors.Join(r.greet(r.Ports[1], there), r.flood.repeat(frames)); err != nil {
		return err
	}
	_, err := r.send(n) // so that the bridge knows them, too
	return err
}

// tagged puts the tag into a frame; nobody looks at what is behind it.
func (l lan) tagged(frame []byte) []byte {
	if l.tag == 0 {
		return frame
	}
	return slices.Insert(frame, lab.OffEtherType, 0x81, 0, byte(l.tag>>8), byte(l.tag))
}

// greet sends frames into a port, one at a time.
func (r *rig) greet(port lab.Port, frames [][]byte) error {
	s, err := lab.NewSender(port.Peer.Net, port.Peer.Index)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, f := range frames {
		if err := s.Send(f); err != nil {
			return err
		}
	}
	time.Sleep(10 * time.Millisecond)
	return nil
}

// bareBridgeSubject is the hand-written bridge.
var bareBridgeSubject = subject{name: "bare", start: func(r *rig) (func() error, error) {
	return r.attach(bareBridgeSpec(int32(r.Ports[1].Index)))
}}

// bareBridgeSpec is the physical limit of bridging on this rig: both MACs are compared with constants, as far as all
// stations have the same, then redirect.
func bareBridgeSpec(oif int32) *ebpf.ProgramSpec {
	first := int32(binary.LittleEndian.Uint32(stationMAC(0)))
	return bareRedirect(append(bareBound(14),
		asm.LoadMem(asm.R4, asm.R2, 0, asm.Word),
		asm.JNE.Imm32(asm.R4, first, "pass"),
		asm.LoadMem(asm.R4, asm.R2, 6, asm.Word),
		asm.JNE.Imm32(asm.R4, first, "pass"),
	), oif)
}

// routedBridge compares the subjects where one of the two ports belongs to a bridge that has the address.
func routedBridge(o Options, name, port string) (Result, error) {
	const prefixes = 50
	r, err := newRouter(prefixes)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	if err := r.bridgeRoute(port, prefixes); err != nil {
		return Result{}, err
	}
	return r.bridging(o, name, bareSubject)
}

// bridgeRoute makes a port the only one of a bridge, which gets the port's address and its neighbour, and is known to the
// bridge as it is to the kernel.
func (r *rig) bridgeRoute(port string, prefixes int) error {
	p := r.Ports[0]
	if port != p.Name {
		p = r.Ports[1]
	}
	lines := append(joined(port), fmt.Sprintf("addr add %s dev br0", p.Addr),
		fmt.Sprintf("neigh replace %s lladdr %s dev br0 nud permanent", p.Peer.Addr.Addr(), p.Peer.MAC))
	for i := range prefixes {
		lines = append(lines, fmt.Sprintf("route replace 10.128.%d.0/24 via 10.2.0.1", i))
	}
	if err := r.R.Batch(lines); err != nil {
		return err
	}
	hello := lab.Packet{DstMAC: p.MAC, SrcMAC: p.Peer.MAC, Src: p.Peer.Addr.Addr(), Dst: p.Addr.Addr(), SrcPort: 9, DstPort: 9, Payload: make([]byte, 18)}
	return r.greet(p, [][]byte{hello.Frame()})
}
