package oracle

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// vlanRouter is a configuration with VLAN devices, and what hone has to make of it.
type vlanRouter struct {
	config
	in       []int           // the VLANs of most frames, 0 without a tag
	ad       bool            // their tags are those of 802.1ad
	mac      string          // whom most frames are for, where that is not r0
	offloads bool            // ports leave tags beside their frames, as a veth does by itself
	refused  slowpath.Reason // why r0 has no fast path at all
	left     slowpath.Reason // what some frames are left to the kernel for
	least    int             // the percentage of frames that has to be fast
	most     int             // and that may be; 0 for any
	later    int             // that has to be fast once the configuration has changed
}

var vlanPacketsFlag = flag.Int("oracle.vlans", 160000, "packets to compare over all configurations with VLAN devices")

// vlanRouters lists all configurations with VLAN devices.
func vlanRouters() []vlanRouter {
	return slices.Concat(vlanWays, vlanLinks, vlanOddities, vlanRules, vlanRulesets, vlanWays6, vlanChanges)
}

// TestVLANDevices compares hone with the kernel where packets come in or leave by VLAN devices.
func TestVLANDevices(t *testing.T) {
	needRoot(t)
	needTags(t)
	needVLANs(t)
	if testing.Short() {
		t.Skip("short")
	}
	all, tried, made, packets := vlanRouters(), 0, 0, 0
	frames := *vlanPacketsFlag / len(all) / 2
	for _, c := range all {
		if !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			tried++
			b := c.start(t)
			made++
			g := b.tagging(c, seed())
			o, err := b.judge(c.config, fault{}, g.frames(frames), g.frames(frames))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed(), f)
			}
			if o.unsteady > maxUnsteady {
				t.Errorf("seed %d: %d batches differed and did not when they were sent again; the last: %s", seed(), o.unsteady, o.last)
			}
			c.check(t, &o)
			t.Logf("%s; left to the kernel: %s", &o, o.left("fast"))
			packets += o.packets
		})
	}
	t.Logf("told: %d packets compared over %d of %d configurations with VLAN devices, seed %d", packets, made, tried, seed())
	if made < tried*3/4 {
		t.Errorf("only %d of %d configurations can be made here: the others say nothing", made, tried)
	}
}

// TestVLANDevicesOfTheKernelAgree runs the frames of some configurations twice through the kernel.
func TestVLANDevicesOfTheKernelAgree(t *testing.T) {
	needRoot(t)
	needVLANs(t)
	if testing.Short() {
		t.Skip("short")
	}
	for i, c := range vlanRouters() {
		if i%5 != 0 && *onlyFlag == "" || !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			b := c.start(t)
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			frames := b.tagging(c, seed()).frames(240)
			first, second := b.mustPlay(t, frames), b.mustPlay(t, frames)
			if !slices.EqualFunc(first, second, arrivals.equal) { // only what differs again is more than a timer of the kernel's
				first = b.mustPlay(t, frames)
			}
			arrived, tags := 0, 0
			for n := range first {
				if !first[n].equal(second[n]) {
					t.Errorf("batch %d:\n%s", n, describe(first[n], second[n]))
				}
				arrived += len(first[n])
				for _, f := range first[n] {
					if len(f) > 14 && (f[13:15] == "\x81\x00" || f[13:15] == "\x88\xa8") {
						tags++
					}
				}
			}
			t.Logf("%d frames, of which %d left, %d of them with a tag", len(frames), arrived, tags)
		})
	}
}

// start makes the router of a configuration for the length of a test. Its ports write tags into their frames, since behind
// a veth they would be where neither programs nor captures see them.
func (c vlanRouter) start(t *testing.T) *bed {
	t.Helper()
	if !c.offloads {
		c.setup = append([]string{inFrames("r0"), inFrames("r1")}, c.setup...)
	}
	b, err := newBed(c.config)
	if err != nil && missing(err) {
		t.Skipf("%s: a kernel or a command without it: %v", c.name, err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { release(); b.close() })
	b.beside = c.offloads
	if c.open != nil {
		if err := b.net.R.Do(c.open); err != nil {
			t.Skipf("%s: %v", c.name, err)
		}
	}
	return b
}

// inFrames lets a port write VLAN tags into its frames.
func inFrames(port string) string {
	return "ethtool -K " + port + " tx-vlan-offload off tx-vlan-stag-hw-insert off"
}

// check compares what hone did with what it has to do.
func (c vlanRouter) check(t *testing.T, o *outcome) {
	t.Helper()
	if o.refused != c.refused {
		t.Errorf("refused for %s (%s), wanted %s", o.refused, o.cause, c.refused)
	}
	if o.refused != slowpath.None {
		return
	}
	if share := o.share("fast"); share < c.least {
		t.Errorf("only %d%% are fast, wanted %d%%; left to the kernel: %s", share, c.least, o.left("fast"))
	} else if c.most > 0 && share > c.most {
		t.Errorf("%d%% are fast, which may be %d%%", share, c.most)
	}
	if _, ok := o.runs["after"]; ok && o.share("after") < c.later {
		t.Errorf("only %d%% are fast after the change, wanted %d%%; left to the kernel: %s", o.share("after"), c.later, o.left("after"))
	}
	if c.left != slowpath.None && !slices.Contains(o.reasons("fast"), c.left) {
		t.Errorf("nothing is left to the kernel for %s, but: %s", c.left, o.left("fast"))
	}
}

// needVLANs skips a test that needs VLAN devices.
func needVLANs(t testing.TB) {
	t.Helper()
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	err = ns.Run("ip link add v0 type veth peer name v1", "ip link add v0.5 link v0 type vlan id 5")
	if err != nil {
		t.Skipf("the kernel has no VLAN devices: %v", err)
	}
}

// over gives what a port of the router has, addresses, neighbours and routes, to a VLAN device on it.
func over(port int, device, kind string) []string {
	lines := []string{fmt.Sprintf("link add %s link r%d %s", device, port, kind)}
	return []string{"batch\n" + strings.Join(append(lines, "link set "+device+" up"), "\n"), handed(port, device, commonLines)}
}

// handed is what gives to a device what the lines say of a port, once the port has lost it.
func handed(port int, device, common string) string {
	subnet := map[int]int{0: 0, 1: 2, 2: 3, 3: 4}[port]
	mac := map[int]string{0: "02:00:00:00:0a:00", 1: "02:00:00:00:0b:00", 2: "02:00:00:00:0b:01", 3: "02:00:00:00:0b:02"}[port]
	name := fmt.Sprintf("r%d", port)
	lines := []string{
		fmt.Sprintf("addr del 10.%d.0.254/24 dev %s", subnet, name), fmt.Sprintf("addr add 10.%d.0.254/24 dev %s", subnet, device),
		fmt.Sprintf("neigh replace 10.%d.0.1 lladdr %s nud permanent dev %s", subnet, mac, device)}
	return "batch\n" + strings.Join(append(lines, following(name, device, common, fmt.Sprintf(" via 10.%d.0.1", subnet))...), "\n")
}

// following are the lines about the neighbours of a port, said of a device, and about the routes by a gateway.
func following(port, device, common, gateway string) (lines []string) {
	for line := range strings.Lines(strings.TrimSpace(common)) {
		line = strings.TrimSpace(line)
		about, is := strings.CutSuffix(line, " dev "+port)
		switch {
		case is && strings.HasPrefix(line, "neigh add"):
			lines = append(lines, strings.Replace(about, " add ", " replace ", 1)+" dev "+device)
		case strings.HasSuffix(line, gateway):
			lines = append(lines, strings.Replace(line, " add ", " replace ", 1))
		}
	}
	return lines
}

// over6 is over for both families.
func over6(port int, device, kind string) []string {
	own := []string{"2001:db8::", "2001:db8:2::", "2001:db8:3::", "2001:db8:4::"}[port]
	lines := []string{fmt.Sprintf("addr del %sfe/64 dev r%d", own, port), fmt.Sprintf("addr add %sfe/64 dev %s nodad", own, device),
		fmt.Sprintf("addr add fe80::1:%d/64 dev %s nodad", port, device)}
	lines = append(lines, following(fmt.Sprintf("r%d", port), device, commonLines6, " via "+own+"1")...)
	return append(over(port, device, kind), "batch\n"+strings.Join(lines, "\n"))
}

// beside makes a VLAN device with an address and a neighbour, and routes to it.
func beside(device, kind string, number int, routes ...string) []string {
	lines := []string{fmt.Sprintf("link add %s %s", device, kind), "link set " + device + " up",
		fmt.Sprintf("addr add 10.%d.0.254/24 dev %s", number, device),
		fmt.Sprintf("neigh add 10.%d.0.1 lladdr 02:00:00:00:0d:%02d nud permanent dev %s", number, number%100, device)}
	for _, r := range routes {
		lines = append(lines, fmt.Sprintf("route replace %s via 10.%d.0.1", r, number))
	}
	return []string{"batch\n" + strings.Join(lines, "\n")}
}
