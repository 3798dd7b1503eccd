package oracle

import (
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// plantedLANs are mistakes that a bridge can make.
var plantedLANs = []plant{
	{fault{name: "bridges without looking for the source", program: always("absent")}, "twenty stations"},
	{fault{name: "lets anybody in by a locked port", program: without(slowpath.FDBSource)}, "locked, static entries"},
	{fault{name: "takes sources that are none", program: without(slowpath.FDBSource)}, "learning off"},
	{fault{name: "bridges between isolated ports", program: without(slowpath.PortIsolated)}, "isolated"},
	{fault{name: "bridges back to the same port", program: without(slowpath.Redirect)}, "two stations"},
	{fault{name: "bridges frames of other lengths than they say", program: without(slowpath.Length)}, "nf-call, no rules"},
	{fault{name: "bridges wrong header checksums", program: without(slowpath.HeaderChecksum)}, "nf-call, no rules"},
	{fault{name: "bridges tagged frames untagged", program: without(slowpath.VLANTag)}, "tags in metadata"},
	{fault{name: "keeps tagged packets from the ruleset", program: without(slowpath.BridgeTag)}, "nf-call, rules for tags too"},
	{fault{name: "does not take tags off", snapshot: vlans(func(v *introspect.VLAN) { v.Untagged = false })}, "vlan: trunk and access ports"},
	{fault{name: "takes all tags off", snapshot: vlans(func(v *introspect.VLAN) { v.Untagged = true })}, "vlan: trunks"},
	{fault{name: "takes a blocked VLAN for one that forwards", snapshot: vlans(func(v *introspect.VLAN) { v.State = introspect.PortForwarding })}, "vlan: state of a VLAN"},
	{fault{name: "takes untagged frames for those of another VLAN", snapshot: vlans(func(v *introspect.VLAN) { v.PVID = v.Key.VID == 20 })}, "vlan: two VLANs of a port"},
	{fault{name: "does not ask who carries a VLAN", snapshot: everywhere}, "vlan: static entries of VLANs that are not carried"},
	{fault{name: "does not notice VLANs that leave a port", program: unmoved(slowpath.FDB)}, "vlan: change: VLAN of a trunk"},
	{fault{name: "ignores VLAN devices elsewhere", snapshot: keepTags}, "VLAN device in another namespace"},
	{fault{name: "does not notice VLAN devices elsewhere", program: unmoved(slowpath.FDB)}, "VLAN device that comes, in another namespace"},
	{fault{name: "ignores far ends", snapshot: farEnds}, "tagged stations, small far ends"},
	{fault{name: "ignores far ends of trunks", snapshot: farEnds}, "vlan: trunks, small far ends"},
	{fault{name: "bridges unfinished checksums", program: without(slowpath.PartialChecksum)}, "partial checksums"},
	{fault{name: "does not notice what the bridge learns", program: unmoved(slowpath.FDB)}, "twenty stations"},
	{fault{name: "does not notice changes of routes while it bridges", program: unmoved(slowpath.Any)}, "change: routed, a route"},
	{fault{name: "does not notice changes of neighbours while it bridges", program: unmoved(slowpath.Any)}, "change: routed, a neighbour"},
	{fault{name: "does not notice changes of ports", program: unmoved(slowpath.FDB)}, "change: port is isolated"},
	{fault{name: "does not notice that ports leave", program: unmoved(slowpath.FDB)}, "change: port goes to another bridge"},
	{fault{name: "takes a port that is off for one that forwards", snapshot: members(func(p *introspect.BridgePort) { p.State = introspect.PortForwarding })}, "state disabled, static entries"},
	{fault{name: "takes a locked port for an open one", snapshot: members(func(p *introspect.BridgePort) { p.Locked, p.Learning = false, false })}, "locked, learning"},
	{fault{name: "takes all ports for such as send back", snapshot: members(func(p *introspect.BridgePort) { p.Hairpin = true })}, "isolated"},
	{fault{name: "takes entries of the bridge for those of others", snapshot: strangers}, "local entries"},
}

func TestPlantedFaultsOfBridgesAreFound(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	t.Cleanup(closing.Wait)
	seed, all, caught, tried := seed(), lanConfigs(), 0, 0
	for _, p := range plantedLANs {
		if !strings.HasPrefix(p.name, *onlyFlag) {
			continue
		}
		tried++
		t.Run(p.name, func(t *testing.T) {
			i := slices.IndexFunc(all, func(c lanConfig) bool { return c.name == p.config })
			if i < 0 {
				t.Fatalf("no configuration %q", p.config)
			}
			two := startLAN(t, all[i], seed)
			goOn(t, all[i], two.judge(p.fault, 1200))
			if len(two.o.findings) == 0 {
				t.Fatalf("seed %d: not found in %d frames (%s)", seed, two.o.packets, &two.o)
			}
			caught++
			t.Logf("found: %s", two.o.findings[0])
		})
	}
	t.Logf("told: %d of %d planted faults of bridges found", caught, tried)
}

// members changes what is believed of the ports of bridges.
func members(change func(*introspect.BridgePort)) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		for i, l := range s.Links.All() {
			if l.Master != 0 {
				change(&l.Port)
				s.Links = s.Links.With(i, l)
			}
		}
	}
}

// keepTags takes all ports for such as nobody takes tagged frames off.
func keepTags(s *introspect.Snapshot) {
	for i, l := range s.Links.All() {
		l.KeepsTags = true
		s.Links = s.Links.With(i, l)
	}
}

// farEnds takes the far ends of all ports for such as take long frames.
func farEnds(s *introspect.Snapshot) {
	for i, l := range s.Links.All() {
		l.FarMTU = 9000
		s.Links = s.Links.With(i, l)
	}
}

// vlans changes what is believed of the VLANs of ports.
func vlans(change func(*introspect.VLAN)) func(*introspect.Snapshot) {
	return func(s *introspect.Snapshot) {
		for key, v := range s.VLANs.All() {
			change(&v)
			s.VLANs = s.VLANs.With(key, v)
		}
	}
}

// everywhere has all ports carry the VLANs 10 and 20 with a tag, beside those that they carry.
func everywhere(s *introspect.Snapshot) {
	for i, l := range s.Links.All() {
		for _, vid := range []uint16{10, 20} {
			key := introspect.VLANKey{Index: i, VID: vid}
			if _, ok := s.VLANs.Get(key); !ok && l.Master != 0 {
				s.VLANs = s.VLANs.With(key, introspect.VLAN{Key: key, State: introspect.PortForwarding})
			}
		}
	}
}

// strangers makes entries of the bridge itself those of stations behind its ports.
func strangers(s *introspect.Snapshot) {
	for key, e := range s.FDB.All() {
		if e.Local {
			e.Local, e.Port = false, 3
			s.FDB = s.FDB.With(key, e)
		}
	}
}
