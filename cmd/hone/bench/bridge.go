package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	bridgeCase("bridge2", "bridging between two stations, netfilter not asked", 2, "0"),
	bridgeCase("bridge200", "the same between two hundred", 200, "0"),
	bridgeCase("bridge-nf", "the same between two, netfilter asked, as is the default: no rules", 2, "1"),
	{Name: "bridge-route", Doc: "routing from a bridge's port to another interface", run: func(o Options) (Result, error) {
		return routedBridge(o, "bridge-route", "r0")
	}},
	{Name: "route-bridge", Doc: "routing to a bridge's port from another interface", run: func(o Options) (Result, error) {
		return routedBridge(o, "route-bridge", "r1")
	}},
}

func bridgeCase(name, doc string, stations int, netfilter string) Case {
	return Case{Name: name, Doc: doc, run: func(o Options) (Result, error) {
		r, err := newBridge(stations, netfilter)
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
func newBridge(stations int, netfilter string) (_ *rig, err error) {
	r, err := newRig(2, traffic{format: bridged, dsts: []netip.Addr{sinkAddr}, room: stations / 2})
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
		if err := r.R.Sysctl("bridge/bridge-nf-call-"+family, netfilter); err != nil {
			return nil, err
		}
	}
	return r, r.populate(stations / 2)
}

var sinkAddr = netip.MustParseAddr("10.2.0.1")

// populate lets the bridge learn so many stations behind each port, and makes the generator send from those behind the
// first to those behind the second, each to one.
func (r *rig) populate(n int) error {
	var there []lab.Packet
	var frames [][]byte
	for i := range n {
		p := lab.Packet{DstMAC: stationMAC(256 + i), SrcMAC: stationMAC(i), Src: r.flood.source, Dst: sinkAddr, SrcPort: 1000, DstPort: 9,
			Payload: make([]byte, r.flood.size-int(r.flood.end))}
		f := p.Frame()
		binary.BigEndian.PutUint16(f[r.flood.end-2:], 0xbeef)
		frames = append(frames, f)
		p.DstMAC, p.SrcMAC = p.SrcMAC, p.DstMAC
		there = append(there, p)
	}
	if err := errors.Join(r.greet(r.Ports[1], there), r.flood.repeat(frames)); err != nil {
		return err
	}
	_, err := r.send(n) // so that the bridge knows them, too
	return err
}

// greet sends packets into a port, a few at a time.
func (r *rig) greet(port lab.Port, packets []lab.Packet) error {
	s, err := lab.NewSender(port.Peer.Net, port.Peer.Index)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, p := range packets {
		if err := s.Send(p.Frame()); err != nil {
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
	return r.greet(p, []lab.Packet{hello})
}
