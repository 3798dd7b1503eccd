package synth

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// bridgeOf is the bridge that an interface is a port of.
func bridgeOf(s *introspect.Snapshot, l introspect.Link) (introspect.Link, bool) {
	master, ok := s.Links.Get(l.Master)
	return master, ok && l.Master != 0 && master.Kind == kindBridge
}

// bridged tells whether an interface is a port of a bridge.
func (s subject) bridged() bool {
	_, ok := bridgeOf(s.Snapshot, s.link)
	return ok
}

// portNames lists the ports of a bridge.
func portNames(s *introspect.Snapshot, bridge introspect.Index) string {
	var names []string
	for _, i := range wholeOf(s).ports[bridge] {
		port, _ := s.Links.Get(i)
		names = append(names, port.Name)
	}
	return strings.Join(names, ", ")
}

// leastAgeing is the shortest memory of a bridge with which one frame in a quarter of it is few, in hundredths of a second.
const leastAgeing = 10 * 100

// stpKernel is what a bridge says that takes part in the spanning tree by itself (BR_KERNEL_STP).
const stpKernel = 1

// remembers is how long a bridge is sure to remember an entry, in hundredths of a second: while the kernel's spanning tree
// changes, it does for less.
func remembers(b introspect.Bridge) uint32 {
	if b.STP == stpKernel {
		return min(b.Ageing, b.ForwardDelay)
	}
	return b.Ageing
}

// refuseBridge accepts a port whose bridge does with unicast what programs do.
func refuseBridge(s subject, bridge introspect.Link) verdict {
	b, port := bridge.Bridge, s.link.Port
	unknown := append(append(append([]string{}, bridge.Unknown...), b.Unknown...), port.Unknown...)
	switch {
	case len(unknown) > 0:
		return refused(slowpath.Unknown, "bridge %s: attribute %s", bridge.Name, strings.Join(unknown, " "))
	case s.link.Switch != "":
		return refused(slowpath.Kind, "a port of the switch chip %s, which bridges by itself", s.link.Switch)
	case bridge.Flags&unix.IFF_UP == 0:
		return refused(slowpath.LinkDown, "bridge %s is down", bridge.Name)
	case b.Ageing < leastAgeing:
		return refused(slowpath.BridgeAgeing, "bridge %s forgets after %d.%02d s", bridge.Name, b.Ageing/100, b.Ageing%100)
	case b.MST || port.VLANTunnel:
		return refused(slowpath.BridgeVLAN, "bridge %s: spanning trees of VLANs, or VLANs of tunnels", bridge.Name)
	case port.State != introspect.PortForwarding:
		return refused(slowpath.BridgeState, "state %d of %s", port.State, bridge.Name)
	case bridge.Promiscuity > 0 || bridge.Flags&unix.IFF_PROMISC != 0:
		return refused(slowpath.Promiscuous, "bridge %s is promiscuous", bridge.Name)
	}
	if _, ok := untaggedVLAN(s.Snapshot, b, s.link.Index); !ok && !carriesTags(s.Snapshot, s.link) {
		return refused(slowpath.BridgeVLAN, "no VLAN of %s takes the frames of %s", bridge.Name, s.link.Name)
	}
	return refuseBridgeWatchers(s, bridge)
}

// refuseBridgeWatchers looks for what sees frames that a bridge forwards.
func refuseBridgeWatchers(s subject, bridge introspect.Link) verdict {
	if inode, ok := listens(s.Snapshot, s.link.Index); ok {
		return refused(slowpath.Tap, "a packet socket listens (inode %d)", inode)
	}
	if v := watchesBridges(s.Snapshot); v.reason != slowpath.None {
		return v
	}
	four, six := leaveBridged(s.Snapshot, bridge, layout4), leaveBridged(s.Snapshot, bridge, layout6)
	if four.reason != slowpath.None && six.reason != slowpath.None {
		return four
	}
	return accepted
}

// listens looks for a packet socket that is shown the frames which a port receives or sends.
func listens(s *introspect.Snapshot, port introspect.Index) (inode uint64, ok bool) {
	for _, tap := range s.Taps.All() {
		if (tap.Index == 0 || tap.Index == port) && !tap.Groups && tap.Protocol == unix.ETH_P_ALL {
			return uint64(tap.Key.Inode), true
		}
	}
	return 0, false
}

// hookInetIngress is the hook of the family inet that is on devices (NF_INET_INGRESS): it sees packets before a bridge does.
const hookInetIngress = 5

// watchesBridges looks for chains and functions that see the frames of all bridges or devices.
func watchesBridges(s *introspect.Snapshot) verdict {
	for _, c := range s.Chains.All() {
		if c.Key.Family == unix.NFPROTO_BRIDGE && c.Base {
			return refused(slowpath.BridgeRuleset, "chain bridge %s %s", c.Key.Table, c.Key.Name)
		}
		if c.Key.Family == unix.NFPROTO_INET && c.Base && c.Hook >= hookInetIngress {
			return refused(slowpath.BridgeRuleset, "chain %s sees what a device receives", chainHook(c.Key))
		}
	}
	for _, hook := range s.Hooks.All() {
		if of := hook.Family; of != "ip" && of != "ip6" && of != "inet" && hook.Kind != "xfrm" && hook.Kind != "ipvs" {
			return refused(slowpath.BridgeRuleset, "%s %s", hook.Kind, hook.Name)
		}
	}
	return accepted
}

// sameWatchers tells whether two configurations have the same to see the frames of bridges.
func sameWatchers(a, b *introspect.Snapshot) bool {
	return a.Hooks.Equal(b.Hooks) && a.Chains.Equal(b.Chains) || watchesBridges(a) == watchesBridges(b)
}

// bridgeSysctl is a setting of br_netfilter; without the module, there is none.
func bridgeSysctl(s *introspect.Snapshot, name string) bool {
	v, ok := s.Sysctls.Get(introspect.Name("bridge/bridge-nf-" + name))
	return ok && v.Value != "0"
}

// callsRuleset tells whether a bridge shows the packets of a family that it forwards to the hooks of IP.
func callsRuleset(s *introspect.Snapshot, bridge introspect.Link, ip *layout) bool {
	if ip.six {
		return bridge.Bridge.NFCallIP6 || bridgeSysctl(s, "call-ip6tables")
	}
	return bridge.Bridge.NFCallIP || bridgeSysctl(s, "call-iptables")
}

// leaveBridged tells why a bridge's packets of a family are all the kernel's.
func leaveBridged(s *introspect.Snapshot, bridge introspect.Link, ip *layout) verdict {
	if !callsRuleset(s, bridge, ip) {
		return accepted
	}
	if _, ok := s.Netconf6.Get(introspect.AllDevices); ip.six && !ok {
		return refused(slowpath.BridgeRuleset, "a kernel without IPv6 drops what %s is to show it (bridge-nf-call)", bridge.Name)
	}
	for _, hook := range s.Hooks.All() {
		if hook.Kind != "xfrm" && (ip.six && hook.SeesIPv6() || !ip.six && hook.SeesIPv4()) {
			return refused(slowpath.BridgeRuleset, "%s %s sees what %s forwards (bridge-nf-call)", hook.Kind, hook.Name, bridge.Name)
		}
	}
	return accepted
}

// bridgeRefusals are asked of a bridge that packets are routed from.
var bridgeRefusals = []func(subject) verdict{
	refuseSwitch, refuseLink, refuseRoutedMaster, refuseChildren, refuseState, refuseUnknown, refuseXDP, refuseFamilies, refuseFilters,
}

// routesBridge tells why packets of a VLAN to a bridge's own address are all the kernel's.
func routesBridge(s subject, vid uint16, shape Shape) verdict {
	if v := firstOf(bridgeRefusals, s); v.reason != slowpath.None {
		return v
	}
	if !shape.owns(introspect.FDBKey{Bridge: s.link.Index, MAC: s.link.MAC, VLAN: vid}) {
		return refused(slowpath.FDBLocal, "%s has no entry for its own address", s.link.Name)
	}
	if reason := vlanReason(s.Snapshot, s.link.Index, vid); reason != slowpath.None {
		return refused(reason, "VLAN %d of %s", vid, s.link.Name)
	}
	four, six := leave(s, layout4, shape), leave(s, layout6, shape)
	if four.reason != slowpath.None && six.reason != slowpath.None {
		return four
	}
	return accepted
}

// refuseRoutedMaster wants a bridge that is part of nothing but a VRF.
func refuseRoutedMaster(s subject) verdict {
	if bridge, ok := bridgeOf(s.Snapshot, s.link); ok {
		return refused(slowpath.Member, "a port of %s", bridge.Name)
	}
	return refuseMaster(s)
}

// bridgePromiscuity is how much of an interface's promiscuity is the bridge's, which listens to every address where it does
// not filter VLANs, or has more ports than one that learn or flood.
func (s subject) bridgePromiscuity() uint32 {
	bridge, ok := bridgeOf(s.Snapshot, s.link)
	if !ok {
		return 0
	}
	if !bridge.Bridge.VLANFiltering {
		return 1
	}
	free := 0
	for _, i := range wholeOf(s.Snapshot).ports[bridge.Index] {
		if port, _ := s.Links.Get(i); i != s.link.Index && (port.Port.Learning || port.Port.Flood) {
			free++
		}
	}
	return uint32(min(free, 1))
}

// outPort is what forwarding needs to know of a port as the way out.
type outPort struct {
	reason   slowpath.Reason
	limit    uint32 // length of the longest frame
	tagged   uint32 // that of the longest that leaves with a tag, without it
	isolated bool
	pushes   bool // the VLAN that was asked about leaves by it with a tag
}

// outPorts vets the ports of a bridge.
func outPorts(s *introspect.Snapshot, bridge introspect.Index) map[introspect.Index]outPort {
	all := map[introspect.Index]outPort{}
	for _, i := range wholeOf(s).ports[bridge] {
		link, _ := s.Links.Get(i)
		all[i] = outPortOf(s, link)
	}
	return all
}

func outPortOf(s *introspect.Snapshot, l introspect.Link) outPort {
	limit := min(l.MTU, maxPacket) + etherHeader
	return outPort{reason: portReason(s, l), limit: limit, tagged: min(limit, farMTU(s, l)+etherHeader), isolated: l.Port.Isolated}
}

// farMTU is the MTU of a cable's other end, which drops longer frames, and by XDP those with a tag four bytes earlier than
// the kernel's own; 0 where that is not known. Other devices have none: then it is their own.
func farMTU(s *introspect.Snapshot, l introspect.Link) uint32 {
	if l.Kind != "veth" {
		return l.MTU
	}
	if l.PeerNS >= 0 {
		return l.FarMTU
	}
	if far, ok := s.Links.Get(l.Lower); ok && far.Kind == l.Kind && far.Lower == l.Index && far.PeerNS < 0 {
		return far.MTU
	}
	return 0
}

func portReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	switch {
	case l.Port.State != introspect.PortForwarding:
		return slowpath.PortState
	case len(l.Port.Unknown) > 0 || l.Port.VLANTunnel || l.Switch != "":
		return slowpath.EgressKind
	case l.Port.BackupPort != 0: // the kernel takes that one as soon as the carrier is gone, and tells of it up to a second later
		return slowpath.EgressKind
	}
	if reason := deviceReason(s, l); reason != slowpath.None {
		return reason
	}
	if _, ok := listens(s, l.Index); ok {
		return slowpath.EgressTap
	}
	return slowpath.None
}

// bridgeReason vets a bridge as the outgoing interface of packets that are routed to it.
func bridgeReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	if _, carried := untaggedVLAN(s, l.Bridge, l.Index); !carried {
		return slowpath.PortVLAN
	}
	return bridgingReason(s, l)
}

// bridgingReason vets a bridge as what frames of its host leave through, in whatever VLAN.
func bridgingReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	switch {
	case !plainDevice(l), len(l.Bridge.Unknown) > 0, l.Bridge.MST, watchesBridges(s).reason != slowpath.None:
		return slowpath.EgressKind
	case l.Flags&running != running, !l.Carrier:
		return slowpath.EgressDown
	}
	return watchedReason(s, l)
}
