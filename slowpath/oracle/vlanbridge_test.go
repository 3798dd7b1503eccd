package oracle

import (
	"fmt"
	"strings"
	"testing"
)

// betweenVLANs is a bridge that filters VLANs, with a VLAN device for each of two, which the bridge routes between and to
// elsewhere: r0 and r1 belong to VLAN 10, r2 to VLAN 20, and r3 carries both with tags.
func betweenVLANs(name string, setup ...string) lanConfig {
	c := vlanLAN(name, "bridge vlan add dev r0 vid 10 pvid untagged", "bridge vlan add dev r1 vid 10 pvid untagged",
		"bridge vlan add dev r2 vid 20 pvid untagged", "bridge vlan add dev r3 vid 10", "bridge vlan add dev r3 vid 20",
		"bridge vlan add dev br0 vid 10 self", "bridge vlan add dev br0 vid 20 self", "batch\nlink add br0.10 link br0 type vlan id 10\n"+
			"link add br0.20 link br0 type vlan id 20\nlink set br0.10 up\nlink set br0.20 up\naddr add 10.99.0.254/16 dev br0.10\n"+
			"addr add 10.98.0.254/24 dev br0.20\nroute add 172.16.0.0/16 via 10.5.0.1")
	c.tags, c.pvids, c.routed = []uint16{0, 0, 10, 20}, []uint16{10, 10, 20, 1}, true
	var at []string
	for i := range 24 {
		vid := c.tags[i/4%len(c.tags)]
		if vid == 0 {
			vid = c.pvids[i%4]
		}
		device := "br0.10"
		if vid == 20 {
			device = "br0.20"
			at = append(at, fmt.Sprintf("route add %s/32 dev br0.20", stationAddr(i)))
		}
		at = append(at, fmt.Sprintf("neigh replace %s lladdr %s nud permanent dev %s", stationAddr(i), stationMAC(i), device))
	}
	c.setup = append(append(c.setup, setup...), "batch\n"+strings.Join(at, "\n"))
	return c
}

// changingVLANs is betweenVLANs, and then some lines more.
func changingVLANs(name string, alter ...string) lanConfig {
	c := betweenVLANs("change: " + name)
	c.alter = alter
	return c
}

// besideVLANs is a bridge that filters VLANs and routes to its own one, which two ports carry with tags; the only VLAN device is
// elsewhere.
func besideVLANs(name string, alter ...string) lanConfig {
	c := vlanLAN("change: "+name, withAddress("bridge vlan add dev r0 vid 10 pvid untagged", "bridge vlan add dev r1 vid 10 pvid untagged",
		"bridge vlan add dev r2 vid 10", "bridge vlan add dev r3 vid 10", "bridge vlan add dev br0 vid 10 pvid untagged self",
		"ip link add r5.7 link r5 type vlan id 7", "ip link set r5.7 up")...)
	c.tags, c.pvids, c.routed, c.still, c.alter = []uint16{0, 0, 10, 10}, []uint16{10, 10, 1, 1}, true, true, alter
	return c
}

func vlanBridges() []lanConfig {
	rules := betweenVLANs("ruleset")
	rules.rules = forward(`iifname "br0.10" oifname "br0.20" udp dport 0-9999 drop`, `iifname "br0.20" tcp dport 10000-30000 counter drop`,
		`iifname "br0" counter drop`, `oifname "br0" drop`, `iifname "r0" drop`)
	ends, down := betweenVLANs("small far ends", "B: ip link set b1 mtu 1400", "B: ip link set b2 mtu 1400"), betweenVLANs("one is down")
	ends.ends, ends.edges, ends.offloads = []int{lanMTU, lanMTU, 1400, 1400}, true, true
	down.after = []string{"ip link set br0.20 down"}
	fewer := []string{"B: ip link set b1 mtu 1400", "B: ip link set b2 mtu 1400"}
	later, beside := changingVLANs("small far ends", fewer...), besideVLANs("small far ends, no VLAN device on the bridge", fewer...)
	for _, c := range []*lanConfig{&later, &beside} {
		c.ends, c.edges, c.offloads = ends.ends, true, true
	}
	offloads := betweenVLANs("offloads")
	offloads.offloads = true
	return []lanConfig{
		betweenVLANs("two VLANs"),
		betweenVLANs("and the bridge itself", "bridge vlan add dev br0 vid 1 pvid untagged self", "ip addr add 10.97.0.254/24 dev br0"),
		betweenVLANs("of which one is the bridge's own", "bridge vlan add dev br0 vid 10 pvid untagged self"),
		betweenVLANs("of which the bridge carries one", "bridge vlan del dev br0 vid 20 self"),
		betweenVLANs("rp_filter", "sysctl ipv4/conf/br0.10/rp_filter=1", "sysctl ipv4/conf/br0.20/rp_filter=1"),
		betweenVLANs("forwarding off in one", "sysctl ipv4/conf/br0.20/forwarding=0"),
		betweenVLANs("forwarding off for the bridge", "sysctl ipv4/conf/br0/forwarding=0"),
		betweenVLANs("rules", "ip rule add iif br0.10 lookup 7", "ip rule add iif br0 prohibit", "ip route add blackhole 172.16.16.0/21 table 7"),
		betweenVLANs("small mtu of one", "ip link set br0.20 mtu 1300"),
		betweenVLANs("small mtu of a port", "ip link set r2 mtu 1400"),
		ends,
		betweenVLANs("egress priorities", "ip link set br0.10 type vlan egress-qos-map 0:3 4:5"),
		betweenVLANs("another mac of one", "ip link set br0.20 address 02:00:00:00:07:20"),
		down,
		betweenVLANs("VLAN device on a port, too", "ip link add r3.20 link r3 type vlan id 20", "ip link set r3.20 up"),
		betweenVLANs("headers not reordered", "ip link set br0.10 type vlan reorder_hdr off"),
		betweenVLANs("filter on one", "tc qdisc add dev br0.20 clsact", "tc filter add dev br0.20 ingress u32 match ip protocol 17 0xff action drop"),
		rules, offloads, later, beside,
		changingVLANs("VLAN of the bridge", "bridge vlan del dev br0 vid 20 self"),
		changingVLANs("untagged for the bridge", "bridge vlan add dev br0 vid 20 untagged self"),
		changingVLANs("untagged for a port", "bridge vlan add dev r3 vid 20 untagged"),
		changingVLANs("tagged for a port", "bridge vlan add dev r2 vid 20 pvid"),
		changingVLANs("device is gone", "ip link del br0.20"),
		changingVLANs("device has another number", "ip link del br0.20", "ip link add br0.20 link br0 type vlan id 10 protocol 802.1ad", "ip link set br0.20 up"),
		changingVLANs("egress priorities", "ip link set br0.20 type vlan egress-qos-map 0:3"),
		changingVLANs("no filtering", "ip link set br0 type bridge vlan_filtering 0"),
	}
}

// TestVLANsOfBridges compares hone with the kernel where a bridge that filters VLANs routes between them.
func TestVLANsOfBridges(t *testing.T) {
	needRoot(t)
	needTags(t)
	needVLANs(t)
	if testing.Short() {
		t.Skip("short")
	}
	t.Cleanup(closing.Wait)
	tried := 0
	for _, c := range vlanBridges() {
		if !strings.HasPrefix(strings.TrimPrefix(c.name, filtering), *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			o := judged(t, startLAN(t, c, seed()), fault{}, seed(), 400)
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed(), f)
			}
			if o.unsteady > 0 {
				t.Logf("%d differences, which were not there again; the first: %s", o.unsteady, o.last)
			}
			t.Log(sayLAN(&o))
			tried++
		})
	}
	t.Logf("told: %d of %d bridges with VLAN devices", tried, len(vlanBridges()))
}
