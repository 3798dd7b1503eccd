package synth

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// largestMTU is the longest packet that is sure to stand in one buffer of a page with the headroom of XDP in front of it
// and the kernel's bookkeeping behind it.
const largestMTU = 3498

// verdict is a Reason and what in the configuration causes it.
type verdict struct {
	reason slowpath.Reason
	cause  string
}

var accepted = verdict{}

func refused(r slowpath.Reason, format string, args ...any) verdict {
	return verdict{r, fmt.Sprintf(format, args...)}
}

// subject is an interface that is asked about.
type subject struct {
	*introspect.Snapshot
	link    introspect.Link
	options Options
}

// refusals are asked in this order, and the first Reason is the answer: what the administrator wants, what the link is,
// what it is set to, and last what else looks at its packets.
var refusals = []func(subject) verdict{
	refuseSwitch, refuseLink, refuseKind, refuseMaster, refuseChildren, refuseState, refuseUnknown, refuseHost,
	refuseVLAN, refuseXDP, refuseDriver, refuseFamilies, refuseFilters, refusePromiscuous,
}

// Refuse tells why an interface has no fast path, and names what in the configuration causes it. The Reason is None if
// it can have one.
func Refuse(s *introspect.Snapshot, ifindex int, o Options) (slowpath.Reason, string) {
	link, ok := s.Links.Get(introspect.Index(ifindex))
	if !ok {
		return slowpath.LinkDown, fmt.Sprintf("there is no interface %d", ifindex)
	}
	v := firstOf(refusals, subject{s, link, o})
	return v.reason, v.cause
}

// firstOf is the first of some refusals.
func firstOf(refusals []func(subject) verdict, s subject) verdict {
	for _, refuse := range refusals {
		if v := refuse(s); v.reason != slowpath.None {
			return v
		}
	}
	return accepted
}

func refuseSwitch(s subject) verdict {
	if s.options.Hook == "off" {
		return refused(slowpath.Off, "hook is off")
	}
	if s.options.off(s.link) {
		return refused(slowpath.Off, "%s is switched off", s.link.Name)
	}
	names := append(strings.Fields(s.link.Alias), s.link.AltNames...)
	if slices.Contains(names, "hone=off") {
		return refused(slowpath.OffAlias, "alias or alternative name says hone=off")
	}
	return accepted
}

func refuseLink(s subject) verdict {
	switch {
	case s.link.Flags&unix.IFF_LOOPBACK != 0:
		return refused(slowpath.Loopback, "%s is the loopback interface", s.link.Name)
	case s.link.Type != unix.ARPHRD_ETHER:
		return refused(slowpath.NotEthernet, "link type %d", s.link.Type)
	case s.link.MAC == introspect.MAC{} || s.link.MAC[0]&1 != 0:
		return refused(slowpath.NotEthernet, "no Ethernet address")
	}
	return accepted
}

func refuseState(s subject) verdict {
	switch {
	case s.link.Flags&unix.IFF_UP == 0:
		return refused(slowpath.LinkDown, "%s is down", s.link.Name)
	case s.link.MTU > largestMTU:
		return refused(slowpath.LargeMTU, "mtu %d is above %d", s.link.MTU, largestMTU)
	case s.link.MTU < 68:
		return refused(slowpath.Unknown, "mtu %d is below that of IPv4", s.link.MTU)
	}
	return accepted
}

func refuseUnknown(s subject) verdict {
	if len(s.link.Unknown) > 0 {
		return refused(slowpath.Unknown, "link attribute %s", strings.Join(s.link.Unknown, " "))
	}
	return accepted
}

// refuseVLAN keeps off interfaces that take the tag off a frame and put it where a program cannot see it: a tagged frame
// would be forwarded as an untagged one. On a veth, and there only, a native program can look.
func refuseVLAN(s subject) verdict {
	if s.link.Kind == kindVeth {
		if s.options.VethTag && !s.options.generic() {
			return accepted
		}
		return refused(slowpath.VLANHidden, "programs of this kind cannot see a tag on a veth")
	}
	if s.link.StripsVLAN {
		return refused(slowpath.VLANHidden, "rx-vlan-hw-parse is on: ethtool -K %s rxvlan off", s.link.Name)
	}
	return accepted
}

func refuseXDP(s subject) verdict {
	if id := s.link.XDPProgID; id != 0 && !s.options.ours(id) {
		return refused(slowpath.ForeignXDP, "program %d is attached", id)
	}
	return accepted
}

// refuseDriver keeps off interfaces that do not say that they have XDP. Before Linux 6.3 none does, nor that it takes redirected
// frames: a program would cost what it costs to have one, and forward nothing.
func refuseDriver(s subject) verdict {
	if s.link.XDPFeatures == 0 && !s.options.generic() {
		return refused(slowpath.NoDriver, "%s tells no XDP features (drivers that have XDP do since Linux 6.3)", s.link.Name)
	}
	return accepted
}

// refusePromiscuous: nobody who listens is among the taps that are seen, so that somebody is there who is not, such as
// a macvlan in passthru mode that was moved to another namespace.
func refusePromiscuous(s subject) verdict {
	if s.link.Promiscuity > s.bridgePromiscuity() || s.link.Flags&unix.IFF_PROMISC != 0 {
		return refused(slowpath.Promiscuous, "promiscuity %d", s.link.Promiscuity)
	}
	return accepted
}
