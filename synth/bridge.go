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
	return ok && s.options.Bridges
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
	case bridge.Flags&unix.IFF_UP == 0:
		return refused(slowpath.LinkDown, "bridge %s is down", bridge.Name)
	case b.Ageing < leastAgeing:
		return refused(slowpath.BridgeAgeing, "bridge %s forgets after %d.%02d s", bridge.Name, b.Ageing/100, b.Ageing%100)
	case b.VLANFiltering:
		return refused(slowpath.BridgeVLAN, "bridge %s filters VLANs", bridge.Name)
	case b.MST || port.VLANTunnel:
		return refused(slowpath.BridgeVLAN, "bridge %s: spanning trees of VLANs, or VLANs of tunnels", bridge.Name)
	case port.State != introspect.PortForwarding:
		return refused(slowpath.BridgeState, "state %d of %s", port.State, bridge.Name)
	case bridge.Promiscuity > 0 || bridge.Flags&unix.IFF_PROMISC != 0:
		return refused(slowpath.Promiscuous, "bridge %s is promiscuous", bridge.Name)
	}
	return refuseBridgeWatchers(s, bridge)
}

// refuseBridgeWatchers looks for what sees frames that a bridge forwards.
func refuseBridgeWatchers(s subject, bridge introspect.Link) verdict {
	for _, tap := range s.Taps.All() {
		if (tap.Index == 0 || tap.Index == s.link.Index) && !tap.Harmless && tap.Protocol == unix.ETH_P_ALL {
			return refused(slowpath.Tap, "a packet socket listens (inode %d)", tap.Key.Inode)
		}
	}
	for _, c := range s.Chains.All() {
		if c.Key.Family == unix.NFPROTO_BRIDGE && c.Base {
			return refused(slowpath.BridgeRuleset, "chain bridge %s %s", c.Key.Table, c.Key.Name)
		}
	}
	for _, hook := range s.Hooks.All() {
		if of := hook.Family; of != "ip" && of != "ip6" && of != "inet" && hook.Kind != "xfrm" && hook.Kind != "ipvs" {
			return refused(slowpath.BridgeRuleset, "%s %s", hook.Kind, hook.Name)
		}
	}
	four, six := leaveBridged(s.Snapshot, bridge, layout4), leaveBridged(s.Snapshot, bridge, layout6)
	if four.reason != slowpath.None && six.reason != slowpath.None {
		return four
	}
	return accepted
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
	for _, hook := range s.Hooks.All() {
		if hook.Kind != "xfrm" && (ip.six && hook.SeesIPv6() || !ip.six && hook.SeesIPv4()) {
			return refused(slowpath.BridgeRuleset, "%s %s sees what %s forwards (bridge-nf-call)", hook.Kind, hook.Name, bridge.Name)
		}
	}
	return accepted
}

// bridgePromiscuity is how much of an interface's promiscuity is the bridge's, which listens to every address where it does
// not filter VLANs, or has more ports than one that learn or flood.
func (s subject) bridgePromiscuity() uint32 {
	bridge, ok := bridgeOf(s.Snapshot, s.link)
	if !ok || !s.options.Bridges {
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
	isolated bool
}

// outPorts vets the ports of a bridge.
func outPorts(s *introspect.Snapshot, bridge introspect.Index) map[introspect.Index]outPort {
	all := map[introspect.Index]outPort{}
	for _, i := range wholeOf(s).ports[bridge] {
		link, _ := s.Links.Get(i)
		all[i] = outPort{portReason(s, link), min(link.MTU, maxPacket) + etherHeader, link.Port.Isolated}
	}
	return all
}

func portReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	switch {
	case l.Port.State != introspect.PortForwarding:
		return slowpath.PortState
	case len(l.Port.Unknown) > 0 || l.Port.VLANTunnel:
		return slowpath.EgressKind
	}
	return deviceReason(s, l)
}
