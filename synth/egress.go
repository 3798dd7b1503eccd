package synth

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// canTransmit is the bit of Link.XDPFeatures that says that frames can be redirected to the device.
const canTransmit = 4 // NETDEV_XDP_ACT_NDO_XMIT

// freeQdiscs queue without a policy that anybody would miss: a redirected frame goes past them.
var freeQdiscs = []string{"noqueue", "mq", "pfifo_fast", "fq_codel", "fq"}

// egress is what forwarding needs to know of an outgoing interface; with a Reason, it is left to the kernel.
type egress struct {
	reason slowpath.Reason
	mac    introspect.MAC
	mtu    uint32
}

// egresses is an outgoing interface as packets of either family find it.
type egresses struct {
	four, six egress
	bridge    introspect.Index // whose ports send the frames; 0: no bridge's
	inside    uint16           // of its VLANs, that of the frames
	lower     introspect.Index // of a VLAN device on a card: the card, which sends them
	vid       uint16           // with a tag of this VLAN; 0: without
}

func (e egresses) of(six bool) egress {
	if six {
		return e.six
	}
	return e.four
}

// egressesOf vets an outgoing interface.
func egressesOf(s *introspect.Snapshot, i introspect.Index) egresses {
	link, ok := s.Links.Get(i)
	if !ok {
		gone := egress{reason: slowpath.EgressDown}
		return egresses{four: gone, six: gone}
	}
	both := egress{egressReason(s, link), link.MAC, link.MTU}
	all := egresses{four: egress4Of(s, link, both), six: egress6Of(s, link, both)}
	if link.Kind == kindBridge {
		all.bridge = i
		all.inside, _ = untaggedVLAN(s, link.Bridge, i)
	}
	if lower, ok := below(s, link); ok {
		all.tagged(s, link.VLAN.ID, lower)
	}
	return all
}

// egress4Of vets an outgoing interface for IPv4, of which it is known already what is the same for IPv6.
func egress4Of(s *introspect.Snapshot, l introspect.Link, e egress) egress {
	if e.reason == slowpath.None && learns(s, l) {
		e.reason = slowpath.EgressLearns
	}
	return e
}

func egressReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	if !free(s, l) {
		return slowpath.EgressKind
	}
	if l.Kind == kindBridge {
		return bridgeReason(s, l)
	}
	if l.Kind == kindVLAN {
		return tagReason(s, l)
	}
	return deviceReason(s, l)
}

// running are the flags of an interface that sends.
const running = unix.IFF_UP | unix.IFF_RUNNING

// deviceReason vets an outgoing interface, whatever its master.
func deviceReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	switch {
	case !slices.Contains(compiledKinds, l.Kind), !plainDevice(l):
		return slowpath.EgressKind
	case l.Flags&running != running, !l.Carrier:
		return slowpath.EgressDown
	case l.XDPFeatures&canTransmit == 0:
		return slowpath.EgressNotReady
	case l.Sieved:
		return slowpath.EgressFilter
	}
	return watchedReason(s, l)
}

// plainDevice tells whether what is known of an interface says that Ethernet frames are sent by it as they are.
func plainDevice(l introspect.Link) bool {
	return l.Type == unix.ARPHRD_ETHER && len(l.Unknown) == 0 && l.Flags&(unix.IFF_LOOPBACK|unix.IFF_SLAVE|unix.IFF_NOARP) == 0 &&
		l.MAC != introspect.MAC{} && l.MTU >= 68
}

// watchedReason looks for what sees frames that leave by an interface.
func watchedReason(s *introspect.Snapshot, l introspect.Link) slowpath.Reason {
	switch {
	case !queuesFreely(s, l.Index):
		return slowpath.EgressQdisc
	case filtersEgress(s, l.Index):
		return slowpath.EgressFilter
	case tapsEgress(s, l.Index):
		return slowpath.EgressTap
	}
	return slowpath.None
}

// learns tells whether the kernel takes ICMP redirects from a device, as its IN_DEV_RX_REDIRECTS does: of those that
// forward only where all devices are to, of others where one of the two says so. What it learns changes the gateway of
// packets that it forwards, too, and no notification says so.
func learns(s *introspect.Snapshot, l introspect.Link) bool {
	accepts := func(device string) bool {
		v, ok := s.Sysctls.Get(introspect.Name("ipv4/conf/" + device + "/accept_redirects"))
		return ok && v.Value != "0"
	}
	if conf, _ := s.Netconf.Get(l.Index); conf.Forwarding {
		return accepts("all") && accepts(l.Name)
	}
	return accepts("all") || accepts(l.Name)
}

// sendsRedirects tells whether the kernel may send ICMP redirects for IPv4 packets that leave by the device that they came
// from, as its IN_DEV_TX_REDIRECTS does: unless neither this device nor all of them are to.
func sendsRedirects(s *introspect.Snapshot, l introspect.Link) bool {
	off := func(device string) bool {
		v, ok := s.Sysctls.Get(introspect.Name("ipv4/conf/" + device + "/send_redirects"))
		return ok && v.Value == "0"
	}
	return !off("all") || !off(l.Name)
}

// queuesFreely tells whether every queueing discipline of a device is one without a policy. What stands on the ingress
// side is no matter here.
func queuesFreely(s *introspect.Snapshot, i introspect.Index) bool {
	for key, q := range s.Qdiscs.From(introspect.QdiscKey{Index: i}) {
		if key.Index != i {
			break
		}
		if key.Parent != parentIngress && (q.Paced || !slices.Contains(freeQdiscs, q.Kind)) {
			return false
		}
	}
	return true
}

// filtersEgress tells whether tc programs see what leaves by a device.
func filtersEgress(s *introspect.Snapshot, i introspect.Index) bool {
	for key, q := range s.Qdiscs.From(introspect.QdiscKey{Index: i}) {
		if key.Index != i {
			break
		}
		if q.Kind == "clsact" {
			return true
		}
	}
	for key := range s.Filters.From(introspect.FilterKey{Index: i}) {
		if key.Index != i {
			break
		}
		if key.Parent < handleIngress || key.Parent == minorEgress || key.Kind == "tcx" {
			return true
		}
	}
	return false
}

// tapsEgress tells whether a packet socket sees what leaves by a device: only those that listen to every protocol do.
func tapsEgress(s *introspect.Snapshot, i introspect.Index) bool {
	for _, tap := range s.Taps.All() {
		if (tap.Index == 0 || tap.Index == i) && !tap.Harmless && tap.Protocol == unix.ETH_P_ALL {
			return true
		}
	}
	return false
}

// deviceRow is the row of an interface in the table that vets the answers of the live lookup; nil keeps it out.
func (e egresses) deviceRow(i introspect.Index) []byte {
	mtu, mtu6 := e.four.limit(), e.six.limit()
	if e.bridge != 0 || e.vid != 0 || mtu|mtu6 == 0 {
		return nil
	}
	return bytes8(uint64(i)<<deviceIndex | mtu6<<deviceMTU6 | mtu)
}

// limit is the length of the longest packet that leaves by the interface; 0 if none does.
func (e egress) limit() uint64 {
	if e.reason != slowpath.None {
		return 0
	}
	return uint64(min(e.mtu, maxPacket))
}
