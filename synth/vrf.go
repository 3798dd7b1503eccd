package synth

import (
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// vrfOf is the VRF that an interface belongs to.
func vrfOf(s *introspect.Snapshot, l introspect.Link) (introspect.Link, bool) {
	if l.Master == 0 {
		return introspect.Link{}, false
	}
	master, ok := s.Links.Get(l.Master)
	if !ok || master.Kind != kindVRF {
		return introspect.Link{}, false
	}
	return master, true
}

// free tells whether an interface has no master that sees what leaves by it. A VRF sees only what the host itself sends.
func free(s *introspect.Snapshot, l introspect.Link) bool {
	_, vrf := vrfOf(s, l)
	return l.Master == 0 || vrf
}

// refuseVRF accepts an interface of a VRF where the VRF does nothing but choose the table: the kernel shows it every
// packet, as if that had come in there, with its own settings and listeners.
func refuseVRF(s subject, vrf introspect.Link) verdict {
	no := func(why string) verdict { return refused(slowpath.VRF, "vrf %s: %s", vrf.Name, why) }
	all, _ := s.Netconf.Get(introspect.AllDevices)
	conf, _ := s.Netconf.Get(vrf.Index)
	_, filtered := tcIngress(s.Snapshot, vrf.Index)
	switch {
	case vrf.Kind != kindVRF || vrf.VRFTable == 0 || len(vrf.Unknown) > 0:
		return no("not understood")
	case vrf.Flags&unix.IFF_UP == 0:
		return no("down")
	case !conf.Forwarding:
		return no("does not forward ipv4")
	case max(all.RPFilter, conf.RPFilter, reversePath(s.Snapshot, s.link)) > 0:
		return no("rp_filter is on")
	case filtered:
		return no("tc filters on ingress")
	case deafened(s.Snapshot):
		return no("sysctl net.ipv4.raw_l3mdev_accept is 0, so that it is not heard what MTUs of paths the kernel learns")
	}
	return accepted
}

// deafened tells whether the Watcher's raw socket, which belongs to no VRF, is given no packets of VRFs.
func deafened(s *introspect.Snapshot) bool {
	v, ok := s.Sysctls.Get("ipv4/raw_l3mdev_accept")
	return ok && v.Value == "0"
}
