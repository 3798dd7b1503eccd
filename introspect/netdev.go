package introspect

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of linux/netdev.h and linux/ethtool_netlink.h.
const (
	netdevDevGet      = 1
	netdevIfindex     = 1
	netdevXDPFeatures = 3

	ethtoolFeaturesGet    = 11
	ethtoolHeader         = 1
	ethtoolHeaderIndex    = 1
	ethtoolFeaturesActive = 4
	ethtoolBitsetBits     = 3
	ethtoolBit            = 1
	ethtoolBitName        = 2
)

// stripping are the features by which a device moves a VLAN tag from the frame to its metadata.
var stripping = map[string]bool{"rx-vlan-hw-parse": true, "rx-vlan-stag-hw-parse": true}

// joining are the features by which the kernel joins packets. Without the first one, the others do nothing.
var joining = map[string]GRO{"rx-gro": GROOn, "rx-udp-gro-forwarding": GROUDP, "rx-gro-list": GROUDP}

// readFeatures asks for the features of every link.
func (k *sensors) readFeatures(s *Snapshot) (*Snapshot, error) {
	for i := range s.Links.All() {
		var err error
		if s, err = k.readFeaturesOf(s, i); err != nil {
			return s, err
		}
	}
	return s, nil
}

// readFeaturesOf asks for those of one link. A dump would answer with messages that are not marked as parts of one.
func (k *sensors) readFeaturesOf(s *Snapshot, i Index) (*Snapshot, error) {
	l, ok := s.Links.Get(i)
	if !ok {
		return s, nil
	}
	xdp, err := k.xdpFeatures(i)
	if err == nil {
		l.XDPFeatures = xdp
		l.StripsVLAN, l.GRO, err = k.offloads(i)
	}
	if errors.Is(err, unix.ENODEV) {
		return s, nil // gone, as a notification is about to tell
	}
	if err != nil {
		return s, fmt.Errorf("introspect: read features of %s: %w", l.Name, err)
	}
	n := *s
	n.Links = s.Links.With(i, l)
	return changed(s, &n), nil
}

func (k *sensors) xdpFeatures(i Index) (features uint64, err error) {
	if k.netdev.ID == 0 {
		return 0, nil
	}
	body := attribute32(netdevIfindex, uint32(i))
	answers, err := k.execute(k.netdev, netdevDevGet, body)
	for _, a := range answers {
		err = errors.Join(err, takeXDPFeatures(&features, a.Data))
	}
	return features, err
}

func takeXDPFeatures(to *uint64, b []byte) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != netdevXDPFeatures {
			return nil
		}
		return set(to, readU64, data)
	})
}

// offloads reads the active features by name; a driver without ethtool operations has none but
// what the kernel does for it.
func (k *sensors) offloads(i Index) (strips bool, gro GRO, err error) {
	if k.ethtool.ID == 0 {
		return true, GROUDP, nil // nobody can tell
	}
	inner := attribute32(ethtoolHeaderIndex, uint32(i))
	body := append(nested(ethtoolHeader, len(inner)), inner...)
	answers, err := k.execute(k.ethtool, ethtoolFeaturesGet, body)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return false, GROOn, nil
	}
	for _, a := range answers {
		err = errors.Join(err, takeActive(&strips, &gro, a.Data))
	}
	return strips, gro, err
}

func takeActive(strips *bool, gro *GRO, b []byte) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != ethtoolFeaturesActive {
			return nil
		}
		return eachFeature(data, func(name string) {
			*strips = *strips || stripping[name]
			*gro = max(*gro, joining[name])
		})
	})
}

// eachFeature walks the names in a verbose bit set.
func eachFeature(b []byte, f func(string)) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != ethtoolBitsetBits {
			return nil
		}
		return attributes(data, func(kind uint16, data []byte) error {
			if kind != ethtoolBit {
				return nil
			}
			return attributes(data, func(kind uint16, data []byte) error {
				if kind == ethtoolBitName {
					f(nameOf(data))
				}
				return nil
			})
		})
	})
}

func (k *sensors) execute(f genetlink.Family, command uint8, body []byte) ([]genetlink.Message, error) {
	m := genetlink.Message{Header: genetlink.Header{Command: command, Version: f.Version}, Data: body}
	return k.generic.Execute(m, f.ID, netlink.Request)
}

func attribute32(kind uint16, v uint32) []byte {
	b := native.AppendUint16(nil, 8)
	b = native.AppendUint16(b, kind)
	return native.AppendUint32(b, v)
}

func nested(kind uint16, size int) []byte {
	b := native.AppendUint16(nil, uint16(unix.SizeofNlAttr+size))
	return native.AppendUint16(b, kind|unix.NLA_F_NESTED)
}

func readU64(b []byte) (uint64, error) {
	if err := wantSize(b, 8); err != nil {
		return 0, err
	}
	return native.Uint64(b), nil
}

// readTCX lists the programs that stand where tc filters do, but that rtnetlink knows nothing of.
func readTCX(s *Snapshot) (*Snapshot, error) {
	n := *s
	n.Filters = keep(s.Filters, func(k FilterKey) bool {
		_, there := s.Links.Get(k.Index)
		return there || k.Kind != kindTCX
	})
	for i := range s.Links.All() {
		if err := n.readTCXOf(i); err != nil {
			return s, err
		}
	}
	return changed(s, &n), nil
}

// tcxPlaces are the places of TCX programs, by those of clsact.
var tcxPlaces = map[uint32]ebpf.AttachType{classIngress: ebpf.AttachTCXIngress, classEgress: ebpf.AttachTCXEgress}

func (s *Snapshot) readTCXOf(i Index) error {
	for parent, attach := range tcxPlaces {
		r, err := link.QueryPrograms(link.QueryOptions{Target: int(i), Attach: attach})
		if errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENODEV) {
			err, r = nil, &link.QueryResult{} // older than Linux 6.6, or the link is gone
		}
		if err != nil {
			return fmt.Errorf("introspect: query TCX programs: %w", err)
		}
		k := FilterKey{i, parent, kindTCX}
		put(&s.Filters, len(r.Programs) == 0, k, Filter{k})
	}
	return nil
}

// readLink reads what is stale of one link.
func (k *sensors) readLink(s *Snapshot, i Index, l staleLink) (*Snapshot, error) {
	s, err := k.readFeaturesOf(s, i)
	if err != nil || !l.whole {
		return s, err
	}
	n := *s
	if err := n.readTCXOf(i); err != nil {
		return s, err
	}
	return readDeviceSysctls(changed(s, &n), l.names)
}

// groups are the multicast groups that tell of changed features: of XDP and of ethtool.
func (k *sensors) groups() []uint32 {
	var all []uint32
	for _, f := range []genetlink.Family{k.netdev, k.ethtool} {
		for _, g := range f.Groups {
			if g.Name == "mgmt" || g.Name == "monitor" {
				all = append(all, g.ID)
			}
		}
	}
	return all
}
