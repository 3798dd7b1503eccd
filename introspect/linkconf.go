package introspect

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// What IPv4 is told of a device by sysctl can be told by RTM_SETLINK, too (IFLA_INET_CONF), of which neither RTM_NEWNETCONF nor
// a write to a sysctl tells: but RTM_NEWLINK does if the device is up, and has all values (inet_set_link_af, inet_fill_link_af).

const iflaInetConf = 1

// The places of values in IFLA_INET_CONF: IPV4_DEVCONF_* less one.
var confSysctls = map[string]int{"accept_redirects": 3, "send_redirects": 5, "accept_local": 22, "src_valid_mark": 23, "route_localnet": 25}

const (
	confForwarding     = 0
	confProxyNeigh     = 2
	confRPFilter       = 7
	confIgnoreLinkdown = 28
)

// confDiffers tells whether a message about a link has other values than are known.
func (s *Snapshot) confDiffers(l Link, message []byte) (differs bool) {
	_ = attributes(message[sizeofIfInfomsg:], func(kind uint16, data []byte) error {
		if kind != unix.IFLA_AF_SPEC {
			return nil
		}
		return attributes(data, func(family uint16, data []byte) error {
			if family != unix.AF_INET {
				return nil
			}
			return attributes(data, func(kind uint16, data []byte) error {
				differs = differs || kind == iflaInetConf && s.otherConf(l, data)
				return nil
			})
		})
	})
	return differs
}

// otherConf compares the values of IFLA_INET_CONF with what is known.
func (s *Snapshot) otherConf(l Link, values []byte) bool {
	value := func(at int) (int32, bool) {
		if len(values) < 4*at+4 {
			return 0, false
		}
		return int32(native.Uint32(values[4*at:])), true
	}
	if n, known := s.Netconf.Get(l.Index); known {
		for at, flag := range map[int]bool{confForwarding: n.Forwarding, confProxyNeigh: n.ProxyNeigh, confIgnoreLinkdown: n.IgnoreLinkdown} {
			if v, ok := value(at); ok && (v != 0) != flag {
				return true
			}
		}
		if v, ok := value(confRPFilter); ok && v != n.RPFilter {
			return true
		}
	}
	for name, at := range confSysctls {
		known, there := s.Sysctls.Get(Name("ipv4/conf/" + l.Name + "/" + name))
		if v, ok := value(at); ok && there && known.Value != strconv.Itoa(int(v)) {
			return true
		}
	}
	return false
}
