package synth

import (
	"strconv"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// leastMTU6 is the MTU that every link with IPv6 has (RFC 8200).
const leastMTU6 = 1280

// egress6Of vets an outgoing interface for IPv6, of which it is known already what is the same for IPv4.
func egress6Of(s *introspect.Snapshot, l introspect.Link, e egress) egress {
	if e.reason != slowpath.None {
		return e
	}
	conf, ok := s.Netconf6.Get(l.Index)
	switch {
	case !ok, l.MTU < leastMTU6, device6(s, l, "disable_ipv6") != "0":
		e.reason = slowpath.EgressDisabled
	case !conf.Forwarding && device6(s, l, "accept_redirects") != "0": // it takes ICMPv6 redirects, in silence
		e.reason = slowpath.EgressLearns
	}
	e.mtu = mtu6(s, l, conf)
	return e
}

// mtu6 is the longest packet that is sure to be sent by an interface as it is. The kernel goes by an MTU of its own
// for IPv6, which routers may announce; no message says so, so that nothing longer than the least MTU is sure then.
func mtu6(s *introspect.Snapshot, l introspect.Link, conf introspect.Netconf) uint32 {
	accepts := device6(s, l, "accept_ra")
	told := accepts != "0" && (accepts != "1" || !conf.Forwarding) && device6(s, l, "accept_ra_mtu") != "0"
	n, err := strconv.ParseUint(device6(s, l, "mtu"), 10, 32)
	if told || err != nil {
		return leastMTU6
	}
	return min(l.MTU, uint32(n))
}

// device6 is a sysctl of an interface; empty if it is not known.
func device6(s *introspect.Snapshot, l introspect.Link, name string) string {
	v, _ := s.Sysctls.Get(introspect.Name("ipv6/conf/" + l.Name + "/" + name))
	return v.Value
}
