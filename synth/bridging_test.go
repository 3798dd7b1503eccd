package synth

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// bridge is the text of a bridge, br0 (9), with the ports p0 (2), p1 (3) and p2 (4).
func bridge(t testing.TB) string {
	text, err := os.ReadFile("testdata/switch.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var bridges = Options{Hook: "xdp", VethTag: true, VethSummed: true, FIBLookup: true}

// newBridgeBed is the bed of p0, with the entries of all sources kept from ageing.
func newBridgeBed(t testing.TB, text string) *bed {
	t.Helper()
	return newBridgeBedAt(t, text, 2, bridges)
}

// freshen lets no entry age.
func (b *bed) freshen() {
	for _, f := range b.fib.fdbs.tables {
		for at := range f.rows {
			binary.NativeEndian.PutUint32(b.env.Tables[f.name][at*stationBytes+atFresh:], 1)
		}
	}
}

// host is the MAC of a host: number n behind the port of some number.
func host(port, n byte) introspect.MAC { return introspect.MAC{2, 0, 0, 0, port, n} }

// dest and source change the MACs of a frame.
func dest(m introspect.MAC) change   { return put(0, m[:]...) }
func source(m introspect.MAC) change { return put(6, m[:]...) }

// tag puts a VLAN tag before the ethertype.
func tag(tci uint16) change {
	return func(f []byte) []byte { return slices.Insert(f, 12, 0x81, 0, byte(tci>>8), byte(tci)) }
}

// keepingTags makes it known of all ports that no VLAN device stands on them.
func keepingTags(text string) string {
	return strings.ReplaceAll(text, "xdp-features=0x7", "xdp-features=0x7 keeps-tags")
}

// cable makes a veth of p1, whose far end something is known of.
func cable(t testing.TB, text, far string) string {
	return swapped(t, text, "name=p1 type=1 flags=0x11043 slave=bridge master=9", "name=p1 type=1 flags=0x11043 kind=veth slave=bridge master=9 "+far)
}

func TestBridges(t *testing.T) {
	b := newBridgeBed(t, bridge(t))
	frame := datagram(dest(host(2, 2)), source(host(1, 2)))
	if v := b.run(t, frame); v.Kind != ir.RedirectExit || v.Oif != 3 || !bytes.Equal(v.Packet, frame) {
		t.Fatalf("%v\n%s", v, b.program)
	}
}

// TestBridgeReasons breaks one thing at a time about a frame, or about the bridge.
func TestBridgeReasons(t *testing.T) {
	text := bridge(t)
	port := func(from, to string) string { return swapped(t, text, from, to) }
	const learning = "port-learning port-flood\nlink index=3"
	isolated := port(learning, "port-learning port-isolated\nlink index=3")
	on := "sysctl path=bridge/bridge-nf-call-iptables value=1"
	on6 := "sysctl path=bridge/bridge-nf-call-ip6tables value=1"
	chain := "hook kind=nft name=\"ip filter FORWARD\" family=ip"
	asks := "sysctl path=bridge/bridge-nf-filter-vlan-tagged value=1"
	kept := keepingTags(text)
	far := cable(t, kept, "peer-ns=4 lower=7 far-mtu=1400")
	here := with(cable(t, kept, "peer-ns=-1 lower=20"), "link index=20 name=f1 type=1 flags=0x11043 kind=veth peer-ns=-1 lower=3 mtu=1400")
	static := port("mac=02:00:00:00:02:02 port=3", "mac=02:00:00:00:02:02 port=3 static")
	for _, c := range []struct {
		name    string
		text    string
		reason  slowpath.Reason // None: forwarded
		changes []change
	}{
		{"good", text, slowpath.None, nil},
		{"static destination", static, slowpath.None, nil},
		{"static source", text, slowpath.None, []change{source(host(1, 3))}},
		{"short", text, slowpath.Short, []change{cut(33)}},
		{"empty", text, slowpath.Short, []change{cut(0)}},
		{"broadcast", text, slowpath.Multicast, []change{dest(introspect.MAC{255, 255, 255, 255, 255, 255})}},
		{"reserved", text, slowpath.Multicast, []change{dest(introspect.MAC{1, 0x80, 0xc2})}},
		{"nobody", text, slowpath.FDBUnknown, []change{dest(host(2, 77))}},
		{"zero", text, slowpath.FDBUnknown, []change{dest(introspect.MAC{})}},
		{"from zero", text, slowpath.FDBSource, []change{source(introspect.MAC{})}},
		{"from a group", text, slowpath.FDBSource, []change{source(introspect.MAC{1})}},
		{"from nobody", text, slowpath.FDBSource, []change{source(host(1, 77))}},
		{"from elsewhere", text, slowpath.FDBSource, []change{source(host(2, 2))}},
		{"from itself", text, slowpath.FDBSource, []change{source(host(1, 1))}},
		{"to itself", text, slowpath.FDBLocal, []change{dest(host(1, 1))}},
		{"to another port", text, slowpath.FDBLocal, []change{dest(host(2, 1))}},
		{"to the same port", text, slowpath.Redirect, []change{dest(host(1, 3))}},
		{"longest", text, slowpath.None, []change{pad(1514)}},
		{"long", text, slowpath.MTU, []change{pad(1515)}},
		{"shorter port", text, slowpath.None, []change{dest(host(3, 2)), pad(1414)}},
		{"long for the shorter port", text, slowpath.MTU, []change{dest(host(3, 2)), pad(1415)}},
		{"tag", kept, slowpath.None, []change{tag(5)}},
		{"tag with a priority", kept, slowpath.None, []change{tag(0xf005)}},
		{"service tag", kept, slowpath.None, []change{tag(5), put(12, 0x88, 0xa8)}},
		{"tag that somebody may take", text, slowpath.BridgeTagTaken, []change{tag(5)}},
		{"service tag that somebody may take", text, slowpath.BridgeTagTaken, []change{tag(5), put(12, 0x88, 0xa8)}},
		{"priority tag", kept, slowpath.BridgeTag, []change{tag(0xe000)}},
		{"reserved tag", kept, slowpath.BridgeTag, []change{tag(4095)}},
		{"two tags", kept, slowpath.BridgeTag, []change{tag(5), tag(6)}},
		{"service tag behind", kept, slowpath.BridgeTag, []change{tag(5), put(16, 0x88, 0xa8)}},
		{"tagged arp", kept, slowpath.BridgeProtocol, []change{tag(5), put(16, 8, 6)}},
		{"tagged pppoe", kept, slowpath.None, []change{tag(5), put(16, 0x88, 0x64)}},
		{"tagged 802.3", kept, slowpath.None, []change{tag(5), put(16, 0, 40)}},
		{"tagged, short", kept, slowpath.Short, []change{tag(5), cut(33)}},
		{"tagged, longest", kept, slowpath.None, []change{tag(5), pad(1518)}},
		{"tagged, long", kept, slowpath.MTU, []change{tag(5), pad(1519)}},
		{"not tagged, long", kept, slowpath.MTU, []change{pad(1515)}},
		{"tagged, longest for a shorter port", kept, slowpath.None, []change{tag(5), dest(host(3, 2)), pad(1418)}},
		{"tagged, long for a shorter port", kept, slowpath.MTU, []change{tag(5), dest(host(3, 2)), pad(1419)}},
		{"longest, whatever the far end takes", far, slowpath.None, []change{pad(1514)}},
		{"tagged, longest for the far end", far, slowpath.None, []change{tag(5), pad(1418)}},
		{"tagged, long for the far end", far, slowpath.MTU, []change{tag(5), pad(1419)}},
		{"tagged, long for the far end and the port", far, slowpath.MTU, []change{tag(5), pad(1519)}},
		{"service tag, long for the far end", far, slowpath.MTU, []change{tag(5), pad(1419), put(12, 0x88, 0xa8)}},
		{"tagged, longest for the far end here", here, slowpath.None, []change{tag(5), pad(1418)}},
		{"tagged, long for the far end here", here, slowpath.MTU, []change{tag(5), pad(1419)}},
		{"tagged, longest for the port of a far end with more", cable(t, kept, "peer-ns=4 lower=7 far-mtu=9000"), slowpath.None, []change{tag(5), pad(1518)}},
		{"tagged, long for the port of a far end with more", cable(t, kept, "peer-ns=4 lower=7 far-mtu=9000"), slowpath.MTU, []change{tag(5), pad(1519)}},
		{"tagged, far end that nobody knows", cable(t, kept, "peer-ns=4 lower=7"), slowpath.MTU, []change{tag(5)}},
		{"tagged, far end that is not there", cable(t, kept, "peer-ns=-1 lower=20"), slowpath.MTU, []change{tag(5)}},
		{"tagged, far end of somebody else", swapped(t, here, "lower=3", "lower=2"), slowpath.MTU, []change{tag(5)}},
		{"tagged, long, to nobody", kept, slowpath.FDBUnknown, []change{tag(5), dest(host(2, 77)), pad(1518)}},
		{"tagged, to itself", kept, slowpath.FDBLocal, []change{tag(5), dest(host(1, 1))}},
		{"tagged, from nobody", kept, slowpath.FDBSource, []change{tag(5), source(host(1, 77))}},
		{"tagged, nf", with(kept, on, on6), slowpath.None, []change{tag(5)}},
		{"tagged, rules", with(kept, on, chain), slowpath.None, []change{tag(5)}},
		{"tagged, nf of tags", with(kept, on, asks), slowpath.BridgeTag, []change{tag(5)}},
		{"tagged, nf of tags, other family", with(kept, on6, asks), slowpath.None, []change{tag(5)}},
		{"tagged, no nf of tags", with(kept, asks), slowpath.None, []change{tag(5)}},
		{"tagged, neighbours", swapped(t, kept, "port-flood\nlink index=9", "port-neigh-suppress port-flood\nlink index=9"), slowpath.BridgeTag,
			[]change{tag(5), put(16, 0x86, 0xdd)}},
		{"arp", text, slowpath.BridgeProtocol, []change{put(12, 8, 6)}},
		{"another protocol", text, slowpath.None, []change{put(12, 0x88, 0xb5)}},
		{"802.3", text, slowpath.None, []change{put(12, 0, 40)}},
		{"pppoe", text, slowpath.None, []change{put(12, 0x88, 0x64)}},
		{"filtered pppoe", with(text, "sysctl path=bridge/bridge-nf-filter-pppoe-tagged value=1"), slowpath.BridgeProtocol, []change{put(12, 0x88, 0x64)}},
		{"no checksum that is right", text, slowpath.None, []change{put(24, 1, 2)}},
		{"options", text, slowpath.None, []change{put(14, 0x46)}},
		{"blocking", port("mtu=1500 mac=02:00:00:00:02:01 broadcast=ff:ff:ff:ff:ff:ff carrier oper=6 promiscuity=1 xdp-features=0x7 port-state=3",
			"mtu=1500 mac=02:00:00:00:02:01 broadcast=ff:ff:ff:ff:ff:ff carrier oper=6 promiscuity=1 xdp-features=0x7 port-state=4"), slowpath.PortState, nil},
		{"no carrier", port("mac=02:00:00:00:02:01 broadcast=ff:ff:ff:ff:ff:ff carrier", "mac=02:00:00:00:02:01 broadcast=ff:ff:ff:ff:ff:ff"), slowpath.EgressDown, nil},
		{"queue", with(text, "qdisc dev=3 parent=0xffffffff kind=tbf"), slowpath.EgressQdisc, nil},
		{"egress filter", with(text, "qdisc dev=3 parent=0xfffffff1 kind=clsact"), slowpath.EgressFilter, nil},
		{"egress tap", with(text, "tap inode=1 dev=3 protocol=3"), slowpath.EgressTap, nil},
		{"backup port", port("port-learning port-flood\nlink index=4", "port-learning port-flood port-backup=4\nlink index=4"), slowpath.EgressKind, nil},
		{"locked entry", port("mac=02:00:00:00:02:02 port=3", "mac=02:00:00:00:02:02 port=3 locked"), slowpath.FDBEntry, nil},
		{"locked source", port("mac=02:00:00:00:01:02 port=2", "mac=02:00:00:00:01:02 port=2 locked"), slowpath.FDBSource, nil},
		{"odd entry", port("mac=02:00:00:00:02:02 port=3", "mac=02:00:00:00:02:02 port=3 unknown=x"), slowpath.FDBEntry, nil},
		{"another VLAN", port("mac=02:00:00:00:02:02 port=3", "mac=02:00:00:00:02:02 vlan=5 port=3"), slowpath.FDBUnknown, nil},
		{"no learning", port(learning, "port-flood\nlink index=3"), slowpath.None, []change{source(host(7, 7))}},
		{"no learning, from many", port(learning, "port-flood\nlink index=3"), slowpath.FDBSource, []change{source(introspect.MAC{1, 2, 3})}},
		{"no learning, from nobody", port(learning, "port-flood\nlink index=3"), slowpath.FDBSource, []change{source(introspect.MAC{})}},
		{"no learning, locked", port(learning, "port-flood port-locked\nlink index=3"), slowpath.FDBSource, []change{source(host(7, 7))}},
		{"hairpin", port(learning, "port-learning port-hairpin\nlink index=3"), slowpath.None, []change{dest(host(1, 3))}},
		{"one isolated", isolated, slowpath.None, nil},
		{"isolated", swapped(t, isolated, "port-learning port-flood\nlink index=4", "port-isolated\nlink index=4"), slowpath.PortIsolated, nil},
		{"nf", with(text, on), slowpath.None, nil},
		{"nf, checksum", with(text, on), slowpath.HeaderChecksum, []change{put(24, 1, 2)}},
		{"nf, options", with(text, on), slowpath.Version, []change{put(14, 0x46), repair}},
		{"nf, length", with(text, on), slowpath.Length, []change{put(17, 47), repair}},
		{"nf, longer frame", with(text, on), slowpath.Length, []change{pad(70)}},
		{"nf, other family", with(text, on6), slowpath.None, []change{put(24, 1, 2)}},
		{"nf, fragment", with(text, on), slowpath.None, []change{put(20, 0x20, 0), repair}},
		{"nf, arp", with(text, on), slowpath.BridgeProtocol, []change{put(12, 8, 6)}},
		{"rules", with(text, on, chain), slowpath.BridgeRuleset, nil},
		{"rules, other family", with(text, on, chain), slowpath.None, []change{put(12, 0x86, 0xdd)}},
		{"rules without nf", with(text, chain), slowpath.None, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBridgeBed(t, c.text)
			frame := datagram(append([]change{dest(host(2, 2)), source(host(1, 2))}, c.changes...)...)
			v := b.run(t, frame)
			if (v.Kind == ir.RedirectExit) != (c.reason == slowpath.None) || v.Reason != c.reason || !bytes.Equal(v.Packet, frame) {
				t.Errorf("%v, want %v\n%s", v, c.reason, b.program)
			}
		})
	}
}
