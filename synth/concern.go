package synth

import (
	"slices"
	"strings"

	"github.com/hone-net/hone/introspect"
)

// concern is which interfaces a change of the configuration may make a difference to.
type concern struct {
	old, fresh *introspect.Snapshot
	links      map[introspect.Index]bool
	all        bool
}

// Concerned tells for which interfaces Refuse, Leave and Program may say something else of one Snapshot than of another,
// of which the tables have the same shape: for all, or for some. Routes, nexthop objects and neighbours change tables only. What is
// configured of a link concerns itself and the links above and below it, as long as it keeps its name and its place.
func Concerned(old, fresh *introspect.Snapshot) (links map[introspect.Index]bool, all bool) {
	c := &concern{old: old, fresh: fresh, links: map[introspect.Index]bool{}}
	c.all = !sameForAll(old, fresh)
	for _, look := range []func(){c.linkChanges, c.addrChanges, c.netconfChanges, c.queueChanges, c.sysctlChanges, c.vlanChanges, c.relatives} {
		if look(); c.all {
			return nil, true
		}
	}
	return c.links, false
}

// sameForAll compares what every program may depend on.
func sameForAll(a, b *introspect.Snapshot) bool {
	return a.Rules4.Equal(b.Rules4) && a.Rules6.Equal(b.Rules6) && a.Taps.Equal(b.Taps) &&
		a.Hooks.Equal(b.Hooks) && a.SameRuleset(b)
}

func (c *concern) linkChanges() {
	for change := range introspect.DiffMaps(c.old.Links, c.fresh.Links) {
		if change.Old == nil || change.New == nil || !samePlace(*change.Old, *change.New) || change.New.Kind == kindVRF {
			c.all = true
			return
		}
		c.links[change.Key] = true
	}
}

// samePlace tells whether a link is the same one to the others.
func samePlace(a, b introspect.Link) bool {
	return a.Name == b.Name && a.Type == b.Type && a.Kind == b.Kind && a.Bus == b.Bus && a.SlaveKind == b.SlaveKind && a.Master == b.Master &&
		a.Lower == b.Lower && a.PeerNS == b.PeerNS && a.Group == b.Group && a.VRFTable == b.VRFTable && a.Alias == b.Alias && a.VLAN.Equal(b.VLAN) &&
		filtersVLANs(a) == filtersVLANs(b) &&
		a.Port.NeighSuppress == b.Port.NeighSuppress && (a.Port.Learning || a.Port.Flood) == (b.Port.Learning || b.Port.Flood) &&
		slices.Equal(a.AltNames, b.AltNames) && slices.Equal(a.Unknown, b.Unknown)
}

func (c *concern) addrChanges() {
	if c.old.Addrs.Equal(c.fresh.Addrs) {
		return
	}
	c.all = wholeOf(c.old).numbered != wholeOf(c.fresh).numbered
	for change := range introspect.DiffMaps(c.old.Addrs, c.fresh.Addrs) {
		c.links[change.Key.Index] = true
	}
}

func (c *concern) netconfChanges() {
	for change := range introspect.DiffMaps(c.old.Netconf, c.fresh.Netconf) {
		c.device(change.Key)
	}
	for change := range introspect.DiffMaps(c.old.Netconf6, c.fresh.Netconf6) {
		c.device(change.Key)
	}
}

// device notes a link; what is no link's own concerns all.
func (c *concern) device(i introspect.Index) {
	l, ok := c.fresh.Links.Get(i)
	c.all = c.all || !ok || l.Kind == kindVRF
	c.links[i] = true
}

func (c *concern) queueChanges() {
	for change := range introspect.DiffMaps(c.old.Qdiscs, c.fresh.Qdiscs) {
		c.links[change.Key.Index] = true
	}
	for change := range introspect.DiffMaps(c.old.Filters, c.fresh.Filters) {
		c.links[change.Key.Index] = true
	}
}

func (c *concern) vlanChanges() {
	for change := range introspect.DiffMaps(c.old.VLANs, c.fresh.VLANs) {
		c.links[change.Key.Index] = true
	}
}

// sysctlChanges finds the links that sysctls like ipv4/conf/NAME/accept_redirects are of.
func (c *concern) sysctlChanges() {
	if c.old.Sysctls.Equal(c.fresh.Sysctls) {
		return
	}
	named := map[string][]introspect.Index{}
	for i, l := range c.fresh.Links.All() {
		named[l.Name] = append(named[l.Name], i)
	}
	for change := range introspect.DiffMaps(c.old.Sysctls, c.fresh.Sysctls) {
		var links []introspect.Index
		if words := strings.Split(string(change.Key), "/"); len(words) == 4 && words[1] == "conf" {
			links = named[words[2]]
		}
		c.all = c.all || len(links) == 0
		for _, i := range links {
			c.device(i)
		}
	}
}

// relatives adds the links above and below those that are concerned.
func (c *concern) relatives() {
	if len(c.links) == 0 {
		return
	}
	var more []introspect.Index
	for i, l := range c.fresh.Links.All() {
		if c.links[i] {
			more = append(more, l.Lower, l.Master)
			if l.Kind == kindVLAN {
				more = append(more, wholeOf(c.fresh).ports[l.Lower]...) // of a bridge, which take the device's frames
			}
		} else if c.links[l.Lower] || c.links[l.Master] {
			more = append(more, i)
		}
	}
	for _, i := range more {
		c.links[i] = true
	}
}
