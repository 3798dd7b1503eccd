package synth

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// The kinds of link that are compiled; the kind of a plain network card is empty.
const (
	kindPlain  = ""
	kindVeth   = "veth"
	kindTun    = "tun"
	kindVRF    = "vrf"
	kindBridge = "bridge"
)

// compiledKinds are those whose frames the programs understand, as ingress and as egress.
var compiledKinds = []string{kindPlain, kindVeth, kindTun}

// harmlessChildren are the kinds of link that may stand on an interface without taking untagged IPv4 frames off it. A
// veth and its peer point at each other; tunnels name the interface that they leave by, and receive as the host.
var harmlessChildren = []string{"vlan", "veth", "vxlan", "geneve", "gre", "gretap", "erspan", "ipip", "sit", "vti", "ip6tnl",
	"ip6gre", "ip6gretap", "ip6erspan"}

// software tells whether frames on the link come from a host that may leave checksums to be completed by others. A guest of
// Xen has cards like that: their driver runs a program before it looks whether a checksum is blank.
func software(l introspect.Link) bool { return l.Kind != kindPlain || strings.HasPrefix(l.Bus, "xen") }

func refuseKind(s subject) verdict {
	switch {
	case s.link.Kind == kindBridge:
		return refused(slowpath.Bridge, "its ports are %s", portNames(s.Snapshot, s.link.Index))
	case s.link.Kind == kindVLAN:
		if v := refuseTagged(s); v.reason != slowpath.None {
			return v
		}
		lower, _ := below(s.Snapshot, s.link)
		return refused(slowpath.VLANDevice, "it stands on %s", lower.Name)
	case !slices.Contains(compiledKinds, s.link.Kind):
		return refused(slowpath.Kind, "kind %s", s.link.Kind)
	case s.link.Kind == kindVeth && (s.options.Hook == "auto" || s.options.Hook == ""):
		return refused(slowpath.AutoVeth, "set the hook of %s to xdp to have one all the same", s.link.Name)
	}
	return accepted
}

func refuseMaster(s subject) verdict {
	if s.link.Master == 0 && s.link.SlaveKind == "" && s.link.Flags&unix.IFF_SLAVE == 0 {
		return accepted
	}
	master, _ := s.Links.Get(s.link.Master)
	if master.Kind == kindVRF || s.link.SlaveKind == kindVRF {
		return refuseVRF(s, master)
	}
	if master.Kind == kindBridge {
		return refuseBridge(s, master)
	}
	return refused(slowpath.Member, "a port of %s", master.Name)
}

// refuseChildren looks for links on top of this one that take frames off it before they are routed.
func refuseChildren(s subject) verdict {
	for _, i := range wholeOf(s.Snapshot).children[s.link.Index] {
		if child, _ := s.Links.Get(i); child.PeerNS < 0 && child.Index != s.link.Index &&
			!slices.Contains(harmlessChildren, child.Kind) {
			return refused(slowpath.Kind, "%s (%s) stands on it", child.Name, child.Kind)
		}
	}
	if s.link.Taken {
		return refused(slowpath.Kind, "a device of another network namespace stands on it and is given its frames")
	}
	return accepted
}
