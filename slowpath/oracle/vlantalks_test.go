package oracle

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/slowpath"
)

// talking is across with a third VLAN, and ports that write tags into their frames.
var talking = slices.Concat([]string{inFrames("r0"), inFrames("r1"), inFrames("r2"), "sysctl ipv4/conf/all/send_redirects=0",
	"sysctl ipv4/conf/default/send_redirects=0"}, across, over(2, "r2.30", "type vlan id 30"))

var vlanTalks = []config{
	{name: "stateful", setup: talking, vlans: [ports]uint16{10, 20, 30}, rules: strings.ReplaceAll(stateful, `"r0"`, `"r0.10"`),
		talk: []string{"tcp 172.16.5.7:80", "udp 172.16.9.9:53", "udp 172.16.1.1:53", "from b: tcp 10.0.0.9:22"}},
	{name: "masquerade", setup: talking, vlans: [ports]uint16{10, 20, 30}, rules: natOf("ip", "", `oifname "r1.20" masquerade
  oifname "r2.30" counter masquerade`), talk: []string{"tcp 172.16.5.7:80", "udp 172.16.1.1:53", "tcp 172.16.1.1:80", "udp 172.16.9.9:53"}},
	{name: "dnat", setup: talking, vlans: [ports]uint16{10, 20, 30}, rules: natOf("ip", `iifname "r0.10" tcp dport 8080 dnat to 172.16.5.7:80
  iifname "r0" counter dnat to 172.16.5.8`, `oifname "r1.20" snat to 10.2.0.99`),
		talk: []string{"tcp 172.16.1.1:8080", "tcp 172.16.1.1:80", "udp 172.16.1.1:53"}},
	{name: "masquerade, untagged hosts", setup: slices.Concat([]string{inFrames("r1")}, out20), vlans: [ports]uint16{0, 20},
		rules: natOf("ip", "", `oifname "r1.20" masquerade`), talk: []string{"tcp 172.16.1.1:80", "udp 172.16.1.1:53", "echo 172.16.1.1:0"}},
	{name: "masquerade, untagged outside", setup: slices.Concat([]string{inFrames("r0")}, in10), vlans: [ports]uint16{10},
		rules: natOf("ip", "", `oifname "r1" masquerade`), talk: []string{"tcp 172.16.1.1:80", "udp 172.16.1.1:53", "echo 172.16.1.1:0"}},
}

// TestVLANConnections compares hone with the kernel where connections go through VLAN devices.
func TestVLANConnections(t *testing.T) {
	needRoot(t)
	needTags(t)
	needVLANs(t)
	if testing.Short() {
		t.Skip("short")
	}
	for _, c := range vlanTalks {
		if !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.after = []string{"sysctl netfilter/nf_conntrack_udp_timeout=100", "sysctl netfilter/nf_conntrack_udp_timeout_stream=100",
				"sysctl netfilter/nf_conntrack_tcp_timeout_unacknowledged=432000", "sysctl netfilter/nf_conntrack_tcp_timeout_max_retrans=432000"}
			o, n := converse(t, c, fault{})
			if len(o.findings) > 0 {
				// Only what happens twice is believed.
				if o, n = converse(t, c, fault{}); len(o.findings) == 0 {
					t.Log("differed once, and then no more")
				}
			}
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed(), f)
			}
			if o.refused != slowpath.None || o.share("fast") < 15 {
				t.Errorf("refused %s %s, %d%% fast", o.refused, o.cause, o.share("fast"))
			}
			t.Logf("%d connections, %d packets, %s; left to the kernel: %s", n, o.frames, &o, o.left("fast"))
		})
	}
}

// TestVLANNeighbours compares the states of the neighbours of a VLAN device after the same packets, with hone and without.
func TestVLANNeighbours(t *testing.T) {
	needRoot(t)
	needTags(t)
	needVLANs(t)
	if testing.Short() {
		t.Skip("short")
	}
	for _, c := range []config{{name: "vlan", setup: out20}, {name: "ip6 vlan", six: true, setup: out20v6}} {
		t.Run(c.name, func(t *testing.T) {
			kernel, _ := neighboursAfter(t, c, false)
			fast, idle := neighboursAfter(t, c, true)
			if diff := cmp.Diff(kernel, fast); diff != "" {
				t.Errorf("neighbours (-kernel +fast path):\n%s", diff)
			}
			if cmp.Equal(idle, fast) {
				t.Error("upkeep had nothing to do: the packets say nothing about it")
			}
		})
	}
}
