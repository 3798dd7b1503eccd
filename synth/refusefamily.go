package synth

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// familyRefusals are asked of the packets of one family, in this order.
var familyRefusals = []func(subject, *layout) verdict{
	refuseForwarding, refuseDisabled, refuseRules, refuseTracking, refuseHooks, refuseTaps, refuseSysctls,
}

// Left is a family whose packets are all the kernel's at an interface that has a fast path for the other.
type Left struct {
	Family string // "ipv4" or "ipv6"
	Reason slowpath.Reason
	Cause  string // what in the configuration causes it
}

// Leave lists the families that are left to the kernel at an interface for which Refuse has no Reason, with tables of the
// given Shape. Where both are, there is no use in a program.
func Leave(s *introspect.Snapshot, ifindex int, o Options, shape Shape) []Left {
	link, _ := s.Links.Get(introspect.Index(ifindex))
	of, ask := subject{s, link, o}, leave
	if bridge, ok := bridgeOf(s, link); ok {
		ask = func(_ subject, ip *layout, _ Shape) verdict { return leaveBridged(s, bridge, ip) }
	}
	var all []Left
	for _, ip := range []*layout{layout4, layout6} {
		if v := ask(of, ip, shape); v.reason != slowpath.None {
			all = append(all, Left{ip.family, v.reason, v.cause})
		}
	}
	return all
}

func leave(s subject, ip *layout, shape Shape) verdict {
	if v := refuseFamily(s, ip); v.reason != slowpath.None {
		return v
	}
	bridge := s.link
	if lower, ok := below(s.Snapshot, s.link); ok {
		bridge = lower
	}
	if bridge.Kind == kindBridge {
		if v := leaveBridged(s.Snapshot, bridge, ip); v.reason != slowpath.None {
			return v
		}
	}
	if pickerOf(s.Snapshot, s.link, shape, ip).full {
		return refused(slowpath.TableFull, "%s", slowpath.TableFull.Doc())
	}
	return accepted
}

func refuseFamily(s subject, ip *layout) verdict {
	for _, refuse := range familyRefusals {
		if v := refuse(s, ip); v.reason != slowpath.None {
			return v
		}
	}
	return accepted
}

// refuseHost refuses the interfaces of a host that forwards neither IPv4 nor IPv6.
func refuseHost(s subject) verdict {
	if s.bridged() {
		return accepted
	}
	if v := refuseForwarding(s, layout6); v.reason != slowpath.NotForwarding {
		return accepted
	}
	if v := refuseForwarding(s, layout4); v.reason == slowpath.NotForwarding {
		return v
	}
	return accepted
}

// refuseFamilies refuses an interface if there is something against either family. What is said of the one that is
// forwarded says more.
func refuseFamilies(s subject) verdict {
	if s.bridged() {
		return accepted
	}
	four, six := refuseFamily(s, layout4), refuseFamily(s, layout6)
	switch {
	case four.reason == slowpath.None || six.reason == slowpath.None:
		return accepted
	case four.reason == slowpath.NotForwarding:
		return six
	}
	return four
}

// refuseForwarding asks what the kernel asks: IPv4 is forwarded by the interface that a packet comes from, IPv6 by all
// interfaces or none. (Where only a single interface is forced to forward IPv6, the kernel chooses routes as a host does.)
func refuseForwarding(s subject, ip *layout) verdict {
	confs := ip.netconf(s.Snapshot)
	conf, ok := confs.Get(s.link.Index)
	all, _ := confs.Get(introspect.AllDevices)
	switch {
	case ip.six && !all.Forwarding:
		return refused(slowpath.NotForwarding, "ipv6 forwarding is off")
	case !ip.six && (!ok || !conf.Forwarding):
		return refused(slowpath.NotForwarding, "ipv4 forwarding of %s is off", s.link.Name)
	}
	if unknown := append(slices.Clone(conf.Unknown), all.Unknown...); len(unknown) > 0 {
		return refused(slowpath.Unknown, "netconf attribute %s", strings.Join(unknown, " "))
	}
	return accepted
}

// refuseDisabled wants an interface with IPv6, and a host that has been given an address: every host forwards IPv6 for
// nobody as soon as somebody has switched it on.
func refuseDisabled(s subject, ip *layout) verdict {
	if !ip.six {
		return accepted
	}
	if _, ok := s.Netconf6.Get(s.link.Index); !ok || device6(s.Snapshot, s.link, "disable_ipv6") != "0" {
		return refused(slowpath.NoIPv6, "ipv6 of %s is off", s.link.Name)
	}
	if wholeOf(s.Snapshot).numbered {
		return accepted
	}
	return refused(slowpath.NoIPv6, "no interface has an IPv6 address for more than its link")
}

// refuseTaps: a packet socket is to be shown every packet, so that the kernel has to have them.
func refuseTaps(s subject, ip *layout) verdict {
	for _, tap := range s.Taps.All() {
		sees := tap.Protocol == unix.ETH_P_ALL || uint64(tap.Protocol) == ip.ether
		here := tap.Index == 0 || tap.Index == s.link.Index || tap.Index == s.link.Master
		if here && !tap.Harmless && sees {
			return refused(slowpath.Tap, "a packet socket listens (inode %d)", tap.Key.Inode)
		}
	}
	return accepted
}

// refuseSysctls: with ip_forward_use_pmtu the kernel forwards by what it has learned of paths, which nobody announces.
func refuseSysctls(s subject, ip *layout) verdict {
	if v, ok := s.Sysctls.Get("ipv4/ip_forward_use_pmtu"); ok && v.Value != "0" && !ip.six {
		return refused(slowpath.Unknown, "sysctl net.ipv4.ip_forward_use_pmtu is %s", v.Value)
	}
	return accepted
}
