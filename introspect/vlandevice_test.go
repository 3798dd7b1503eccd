package introspect

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// someVLANDevice is what a kernel says of a VLAN device on a link, with some attributes of its kind.
func someVLANDevice(index, lower uint32, data []byte) []byte {
	b := header(sizeofIfInfomsg, unix.AF_UNSPEC)
	native.PutUint16(b[2:], unix.ARPHRD_ETHER)
	native.PutUint32(b[4:], index)
	native.PutUint32(b[8:], unix.IFF_UP|unix.IFF_BROADCAST|unix.IFF_RUNNING|unix.IFF_MULTICAST|unix.IFF_LOWER_UP)
	b = attribute(b, unix.IFLA_IFNAME, []byte("r0.7\x00"))
	b = attribute(b, unix.IFLA_OPERSTATE, []byte{6})
	b = append(b, attribute32(unix.IFLA_MTU, 1500)...)
	b = append(b, attribute32(unix.IFLA_LINK, lower)...)
	b = attribute(b, unix.IFLA_CARRIER, []byte{1})
	info := attribute(nil, unix.IFLA_INFO_KIND, []byte("vlan\x00"))
	info = append(append(info, nested(unix.IFLA_INFO_DATA, len(data))...), data...)
	b = append(append(b, nested(unix.IFLA_LINKINFO, len(info))...), info...)
	b = attribute(b, unix.IFLA_ADDRESS, []byte{0x32, 0x62, 0xbe, 0xb3, 0x89, 0x70})
	return attribute(b, unix.IFLA_BROADCAST, []byte{255, 255, 255, 255, 255, 255})
}

// vlanData are the attributes of the kind that the kernel always sends, and more.
func vlanData(protocol, id uint16, more ...[]byte) []byte {
	b := attribute(nil, unix.IFLA_VLAN_PROTOCOL, []byte{byte(protocol >> 8), byte(protocol)})
	b = attribute(b, unix.IFLA_VLAN_ID, native.AppendUint16(nil, id))
	return append(b, slices.Concat(more...)...)
}

func vlanFlags(flags uint32) []byte {
	return attribute(nil, unix.IFLA_VLAN_FLAGS, native.AppendUint32(native.AppendUint32(nil, flags), ^uint32(0)))
}

// vlanMap is a map of priorities with one entry, or with none.
func vlanMap(kind uint16, entry ...uint32) []byte {
	if len(entry) == 0 {
		return attribute(nil, kind, nil)
	}
	return attribute(nil, kind, attribute(nil, unix.IFLA_VLAN_QOS_MAPPING, native.AppendUint32(native.AppendUint32(nil, entry[0]), entry[1])))
}

// mappedVLAN is the one among the recorded messages.
var mappedVLAN = someVLANDevice(9, 3, vlanData(unix.ETH_P_8021Q, 7, vlanFlags(5), vlanMap(unix.IFLA_VLAN_EGRESS_QOS, 1, 2)))

func TestVLANDevice(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want VLANDevice
	}{
		{"plain", vlanData(unix.ETH_P_8021Q, 4094, vlanFlags(1)), VLANDevice{ID: 4094, Protocol: unix.ETH_P_8021Q, Flags: 1}},
		{"without flags", vlanData(unix.ETH_P_8021AD, 1), VLANDevice{ID: 1, Protocol: unix.ETH_P_8021AD}},
		{"out", vlanData(unix.ETH_P_8021Q, 2, vlanMap(unix.IFLA_VLAN_EGRESS_QOS, 0, 5)),
			VLANDevice{ID: 2, Protocol: unix.ETH_P_8021Q, Mapped: true}},
		{"in", vlanData(unix.ETH_P_8021Q, 2, vlanMap(unix.IFLA_VLAN_INGRESS_QOS, 5, 1)),
			VLANDevice{ID: 2, Protocol: unix.ETH_P_8021Q, Mapped: true}},
		{"empty maps", vlanData(unix.ETH_P_8021Q, 2, vlanMap(unix.IFLA_VLAN_INGRESS_QOS), vlanMap(unix.IFLA_VLAN_EGRESS_QOS)),
			VLANDevice{ID: 2, Protocol: unix.ETH_P_8021Q}},
		{"new", vlanData(unix.ETH_P_8021Q, 2, attribute32(77, 1)), VLANDevice{ID: 2, Protocol: unix.ETH_P_8021Q, Unknown: []string{"attribute-77"}}},
	} {
		l, ok, err := decodeLink(someVLANDevice(9, 3, c.data))
		if err != nil || !ok || !l.VLAN.Equal(c.want) || l.Kind != "vlan" || l.Lower != 3 || len(l.Unknown) > 0 {
			t.Errorf("%s: %v, %+v, want %+v", c.name, err, l, c.want)
		}
	}
	for name, data := range map[string][]byte{
		"ID":       attribute(nil, unix.IFLA_VLAN_ID, []byte{1}),
		"protocol": attribute(nil, unix.IFLA_VLAN_PROTOCOL, []byte{1, 2, 3}),
		"flags":    attribute32(unix.IFLA_VLAN_FLAGS, 1),
		"map":      attribute(nil, unix.IFLA_VLAN_EGRESS_QOS, []byte{9, 0, 1, 0}),
	} {
		if _, _, err := decodeLink(someVLANDevice(9, 3, data)); err == nil {
			t.Errorf("a wrong %s passes", name)
		}
	}
}

// TestVLANDeviceDiffers changes each field: none may pass for the one before.
func TestVLANDeviceDiffers(t *testing.T) {
	all := []VLANDevice{{}, {ID: 1}, {Protocol: 1}, {Flags: 1}, {Mapped: true}, {Unknown: []string{"9"}}}
	for i, a := range all {
		for j, b := range all {
			if (Link{VLAN: a}).Equal(Link{VLAN: b}) != (i == j) {
				t.Errorf("%+v and %+v", a, b)
			}
		}
	}
}

// TestFarEndOfVLANs has a message come about the far end of a cable that a VLAN device may stand on: it matters only where one
// does, in this network namespace.
func TestFarEndOfVLANs(t *testing.T) {
	const space, far = 4, 2
	cable := Link{Index: 3, Kind: "veth", Type: unix.ARPHRD_ETHER, Lower: far, PeerNS: space, FarMTU: 1450}
	near, plain := cable, cable
	near.PeerNS, plain.Kind = -1, ""
	port := cable
	port.SlaveKind = "bridge"
	on := Link{Index: 9, Kind: "vlan", Lower: 3, PeerNS: -1}
	elsewhere, other, macvlan := on, on, on
	elsewhere.PeerNS, other.Lower, macvlan.Kind = space, 5, "macvlan"
	message := header(sizeofIfInfomsg, unix.AF_UNSPEC)
	native.PutUint32(message[4:], far)
	for _, c := range []struct {
		name     string
		cable    Link
		device   Link
		matters  bool
		standing bool
	}{
		{"a VLAN device", cable, on, true, true},
		{"another space's", cable, elsewhere, false, false},
		{"another link's", cable, other, false, false},
		{"a macvlan", cable, macvlan, false, false},
		{"a port", port, other, true, false},
		{"a cable here", near, on, false, true},
		{"no cable", plain, on, false, true},
	} {
		w := &Watcher{s: &Snapshot{Links: Map[Index, Link]{}.With(3, c.cable).With(9, c.device)}}
		if below := w.s.belowVLANs(); below[3] != c.standing || w.s.mindsFarEnd(c.cable, below) != c.matters {
			t.Errorf("%s: %v", c.name, below)
		}
		w.takeFar(netlinkMessage(message), space)
		if w.stale.tags[3] != c.matters || w.stale.ports[3] != c.matters {
			t.Errorf("%s: stale %+v", c.name, w.stale)
		}
		w.stale = stale{}
		if w.takeFar(netlinkMessage(message), space+1); w.stale.any() {
			t.Errorf("%s: a message of another space: stale %+v", c.name, w.stale)
		}
	}
}

// TestFarMTUStays reads links anew: what was read of the far end stays until it is read again, and goes with the cable.
func TestFarMTUStays(t *testing.T) {
	old := Link{Kind: "veth", PeerNS: 4, FarMTU: 1450}
	for _, c := range []struct {
		l    Link
		want uint32
	}{{Link{Kind: "veth", PeerNS: 4}, 1450}, {Link{Kind: "veth", PeerNS: -1}, 0}, {Link{PeerNS: 4}, 0}} {
		if c.l.silentFrom(old); c.l.FarMTU != c.want {
			t.Errorf("%+v, want %d", c.l, c.want)
		}
	}
}

// TestPollVLANs looks for VLAN devices among the links: only where one stands on a link here they are polled.
func TestPollVLANs(t *testing.T) {
	w := &Watcher{s: &Snapshot{}}
	for _, c := range []struct {
		l    Link
		want bool
	}{{Link{Index: 9, Kind: "veth", PeerNS: -1}, false}, {Link{Index: 9, Kind: "vlan", PeerNS: 0}, false},
		{Link{Index: 9, Kind: "vlan", PeerNS: -1}, true}, {Link{Index: 9, Kind: "tun", PeerNS: -1}, false}} {
		n := *w.s
		n.Links = n.Links.With(9, c.l)
		w.s = &n
		if got := w.linkKinds(); got.vlans != c.want || got.taps != (c.l.Kind == "tun") {
			t.Errorf("%+v: VLAN devices %v, taps %v", c.l, got.vlans, got.taps)
		}
	}
}
