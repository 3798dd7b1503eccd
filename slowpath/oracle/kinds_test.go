package oracle

import (
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// kindConfig is a configuration with a kind of device that not every kernel has, and what hone has to make of it: r0 is
// refused for a Reason, or it has a fast path and leaves packets to the kernel for one.
type kindConfig struct {
	config
	refused slowpath.Reason
	left    slowpath.Reason
}

// behind gives a device of the router an address and a neighbour, which packets to 198.51.100/24 go to.
func behind(device string) []string {
	return []string{"ip link set " + device + " up", "ip addr add 198.51.100.254/24 dev " + device,
		"ip neigh add 198.51.100.1 lladdr 02:00:00:00:0b:00 nud permanent dev " + device}
}

// egressOver is a configuration whose packets leave by a device that the lines make.
func egressOver(name, device string, lines ...string) kindConfig {
	return kindConfig{config: config{name: name, setup: append(lines, behind(device)...),
		targets: []string{"198.51.100.1/32"}}, left: slowpath.EgressKind}
}

var kindConfigs = []kindConfig{
	{config: config{name: "vlan device on r0", tagged: true, setup: []string{"ip link add r0.5 link r0 type vlan id 5",
		"ip link set r0.5 up", "ip addr add 10.5.0.254/24 dev r0.5"}}, left: slowpath.VLANTag},
	{config: config{name: "vlan device on r0, headers not reordered", tagged: true, setup: []string{
		"ip link add r0.5 link r0 type vlan id 5 reorder_hdr off", "ip link set r0.5 up"}}, left: slowpath.VLANTag},
	{config: config{name: "802.1ad device on r0", setup: []string{"ip link add r0.5 link r0 type vlan proto 802.1ad id 5",
		"ip link set r0.5 up"}}},
	egressOver("egress priority tag", "r1.0", "ip link add r1.0 link r1 type vlan id 0"),
	egressOver("egress vlan on vlan", "q1", "ip link add r1.7 link r1 type vlan proto 802.1ad id 7",
		"ip link set r1.7 up", "ip link add q1 link r1.7 type vlan id 8"),
	egressOver("egress dummy", "d0", "ip link add d0 type dummy"),
	egressOver("egress ipvlan", "i0", "ip link add i0 link r1 type ipvlan mode l2"),
	egressOver("egress bond", "bond0", "ip link add bond0 type bond mode active-backup", "ip link set r3 down",
		"ip link set r3 master bond0"),
	egressOver("egress team", "team0", "ip link add team0 type team", "ip link set r3 down", "ip link set r3 master team0"),
	egressOver("egress gretap", "g0", "ip link add g0 type gretap remote 10.2.0.1 local 10.2.0.254"),
	egressOver("egress geneve", "gnv0", "ip link add gnv0 type geneve id 5 remote 10.2.0.1"),
	egressOver("egress bridge with vlan filtering", "br0", "ip link add br0 type bridge vlan_filtering 1",
		"ip link set r3 master br0"),
	egressOver("egress vlan on bridge", "br0.9", "ip link add br0 type bridge vlan_filtering 1", "ip link set br0 up",
		"bridge vlan add dev br0 vid 9 self", "ip link set r3 master br0", "bridge vlan add dev r3 vid 9",
		"ip link add br0.9 link br0 type vlan id 9"),
	{config: config{name: "egress ipip", setup: []string{"ip link add t0 type ipip remote 10.2.0.1 local 10.2.0.254",
		"ip link set t0 up", "ip route add 198.51.100.0/24 dev t0"}, targets: []string{"198.51.100.0/24"}},
		left: slowpath.EgressKind},
	{config: config{name: "ipvlan on r0", setup: []string{"ip link add i0 link r0 type ipvlan mode l2",
		"ip link set i0 up"}}, refused: slowpath.Kind},
	{config: config{name: "ipvtap on r0", setup: []string{"ip link add i0 link r0 type ipvtap mode l2"}},
		refused: slowpath.Kind},
	{config: config{name: "macvtap on r0", setup: []string{"ip link add m0 link r0 type macvtap mode bridge"}},
		refused: slowpath.Kind},
	{config: config{name: "r0 in a bond", setup: []string{"ip link add bond0 type bond mode active-backup",
		"ip link set r0 down", "ip link set r0 master bond0", "ip link set bond0 up", "ip link set r0 up"}},
		refused: slowpath.Member},
	{config: config{name: "r0 in a team", setup: []string{"ip link add team0 type team", "ip link set r0 down",
		"ip link set r0 master team0"}}, refused: slowpath.Member},
	{config: config{name: "macsec on r0", setup: []string{"ip link add mc0 link r0 type macsec"}}, refused: slowpath.Kind},
}

// TestKinds compares hone with the kernel where there are devices of kinds that are not compiled.
func TestKinds(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("short")
	}
	tried := 0
	for _, c := range kindConfigs {
		if !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b, err := newBed(c.config)
			if err != nil {
				t.Skipf("%s: %v", c.name, err)
			}
			t.Cleanup(func() { release(); b.close() })
			g := b.generator(c.config, seed())
			o, err := b.judge(c.config, fault{}, g.frames(600), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range o.findings {
				t.Error(f)
			}
			c.check(t, &o)
			t.Logf("%s; left to the kernel: %s", &o, o.left("fast"))
			tried++
		})
	}
	t.Logf("told: %d of %d kinds of device", tried, len(kindConfigs))
}

// check compares what hone did with what it has to do. A kernel that does not show the tag of a frame on a veth has no
// fast path there.
func (c kindConfig) check(t *testing.T, o *outcome) {
	t.Helper()
	want := c.refused
	if want == slowpath.None && o.refused == slowpath.VLANHidden && !showsTags(t) {
		t.Logf("the kernel does not show the VLAN tags of a veth: %s", o.cause)
		return
	}
	if o.refused != want {
		t.Errorf("refused for %s (%s), wanted %s", o.refused, o.cause, want)
	}
	if c.left != slowpath.None && !slices.Contains(o.reasons("fast"), c.left) {
		t.Errorf("nothing is left to the kernel for %s, but: %s", c.left, o.left("fast"))
	}
	if o.refused == slowpath.None && o.share("fast") == 0 {
		t.Errorf("nothing is fast: %s", o.left("fast"))
	}
}
