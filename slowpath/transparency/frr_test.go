package transparency

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// awaitPatience is how long the daemons may take to agree.
const awaitPatience = 20 * time.Second

// families are what is tried with each family: the addresses of the second host, and of the routers on both ways.
var families = []struct {
	name, flag, target string
	better, worse      []string
}{
	{"ipv4", "-4", "10.4.0.1", []string{"10.1.0.254", "10.12.0.2", "10.24.0.4", "10.4.0.1"}, []string{"10.1.0.254", "10.13.0.3", "10.34.0.4", "10.4.0.1"}},
	{"ipv6", "-6", "fd00:4::1", []string{"fd00:1::254", "fd00:12::2", "fd00:24::4", "fd00:4::1"}, []string{"fd00:1::254", "fd00:13::3", "fd00:34::4", "fd00:4::1"}},
}

// TestFRR has routers find their ways by OSPF and BGP, and fails and heals a link under traffic, with the kernel alone and
// with honed in every router: the ways must be the same, and the time that it takes to find others.
func TestFRR(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	for _, program := range []string{"ip", "ethtool", "traceroute", "iperf3", frrDir + "zebra", frrDir + "ospfd", frrDir + "ospf6d", frrDir + "bgpd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (Debian's packages frr, traceroute, iperf3)", program)
		}
	}
	honed := buildHoned(t)
	f := newFabric(t)
	f.route()
	took := f.await(awaitPatience, "the better way", func() bool { return f.goes(0, true) && f.goes(1, true) })
	t.Logf("converged in %v", took)
	alone := f.failAndHeal()
	for i, gap := range f.failAndHeal() { // the daemons are slower while they are young
		alone[i] = max(alone[i], gap)
	}
	agents := f.accelerate(honed)
	beside := f.failAndHeal()
	for _, d := range agents {
		if n := d.fast(t); n < 1000 {
			t.Errorf("r%d: only %d packets took the fast path", d.router, n)
		} else {
			t.Logf("r%d: %d packets took the fast path", d.router, n)
		}
	}
	t.Logf("away and back: %v with the kernel alone, %v with honed", alone, beside)
	for i := range alone {
		if beside[i] > 2*alone[i]+time.Second {
			t.Errorf("%v without a packet, %v with the kernel alone", beside[i], alone[i])
		}
	}
}

// goes tells whether traceroute finds the routers of the better or the worse way.
func (f *fabric) goes(family int, better bool) bool {
	x := families[family]
	out, _ := f.run("h1", fmt.Sprintf("traceroute %s -n -q 1 -w 1 -m 6 %s", x.flag, x.target))
	var found []string
	for line := range strings.Lines(out) {
		if words := strings.Fields(line); len(words) > 1 && words[0] != "traceroute" {
			found = append(found, words[1])
		}
	}
	want := x.worse
	if better {
		want = x.better
	}
	return strings.Join(found, " ") == strings.Join(want, " ")
}

// failAndHeal takes a wire of the better way down and up again under traffic of both families, and tells how long each
// time no packet came through.
func (f *fabric) failAndHeal() (gaps []time.Duration) {
	f.t.Helper()
	f.transfers()
	for _, change := range []struct {
		line   string
		better bool
	}{{"ip link set to2 down", false}, {"ip link set to2 up", true}} {
		var probes []*probe
		for _, x := range families {
			probes = append(probes, f.newProbe("h1", "h2", x.target))
		}
		time.Sleep(300 * time.Millisecond)
		f.must("r1", change.line)
		for i, x := range families {
			f.await(awaitPatience, fmt.Sprintf("another way of %s after %s", x.name, change.line), func() bool { return f.goes(i, change.better) })
		}
		time.Sleep(300 * time.Millisecond)
		for i, p := range probes {
			lost, gap := p.finish(f.t)
			gaps = append(gaps, gap)
			f.t.Logf("%s: %s: %d lost, %v without a packet", change.line, families[i].name, lost, gap)
		}
	}
	f.transfers()
	return gaps
}

// transfers has TCP carry some data with each family.
func (f *fabric) transfers() {
	f.t.Helper()
	for _, x := range families {
		server := f.serve("h2", "iperf3 -s -1 -B "+x.target)
		f.must("h1", fmt.Sprintf("iperf3 -c %s -n 4M --connect-timeout 3000", x.target))
		server()
	}
}
