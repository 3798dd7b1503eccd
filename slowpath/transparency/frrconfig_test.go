package transparency

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// frrDir is where Debian's package frr has its daemons.
const frrDir = "/usr/lib/frr/"

// frrDaemons are started in this order: the others want zebra. OSPF carries links and loopbacks, BGP between the
// loopbacks the prefixes of the hosts.
var frrDaemons = []struct {
	name   string
	config func(router int) string
}{
	{"zebra", func(int) string { return "" }},
	{"ospfd", ospfConfig},
	{"ospf6d", ospf6Config},
	{"bgpd", bgpConfig},
}

// route starts the routing daemons of every router, each with sockets of its own.
func (f *fabric) route() {
	f.t.Helper()
	for _, d := range frrDaemons {
		for n := 1; n <= 4; n++ {
			dir := filepath.Join(f.dir, fmt.Sprint("r", n))
			if err := os.MkdirAll(dir, 0o777); err != nil {
				f.t.Fatal(err)
			}
			os.Chmod(dir, 0o777)
			file := filepath.Join(dir, d.name+".conf")
			text := fmt.Sprintf("hostname r%d\n%s", n, d.config(n))
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				f.t.Fatal(err)
			}
			f.start(n, frrDir+d.name, "-f", file, "-i", filepath.Join(dir, d.name+".pid"), "-z", filepath.Join(dir, "zserv.api"),
				"--vty_socket", dir, "-P", "0", "--log", "stdout", "--log-level", "warnings")
			if d.name == "zebra" {
				f.await(awaitPatience, "zebra", func() bool { _, err := os.Stat(filepath.Join(dir, "zserv.api")); return err == nil })
			}
		}
	}
}

// neighboursOf lists the routers at the other ends of a router's wires, with what they cost.
func neighboursOf(n int, f func(far, cost int)) {
	for _, w := range wires {
		switch n {
		case w.a:
			f(w.b, w.cost)
		case w.b:
			f(w.a, w.cost)
		}
	}
}

// ospfInterfaces writes the interfaces of OSPF, of which each command begins with a word that tells the version.
func ospfInterfaces(n int, word, area string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "interface lo\n %s\n", area)
	neighboursOf(n, func(far, cost int) {
		fmt.Fprintf(&b, "interface to%d\n %s\n", far, area)
		for _, line := range []string{"network point-to-point", "hello-interval 1", "dead-interval 4", fmt.Sprint("cost ", cost)} {
			fmt.Fprintf(&b, " %s %s\n", word, line)
		}
	})
	return b.String()
}

func ospfConfig(n int) string {
	return ospfInterfaces(n, "ip ospf", "ip ospf area 0") + fmt.Sprintf(`router ospf
 ospf router-id 10.255.0.%d
 timers throttle spf 10 50 200
 timers throttle lsa all 100
 timers lsa min-arrival 50
`, n)
}

func ospf6Config(n int) string {
	return ospfInterfaces(n, "ipv6 ospf6", "ipv6 ospf6 area 0") + fmt.Sprintf(`router ospf6
 ospf6 router-id 10.255.0.%d
 timers throttle spf 10 50 200
 timers lsa min-arrival 50
`, n)
}

// bgpConfig makes one autonomous system in which everybody speaks with everybody.
func bgpConfig(n int) string {
	var b, v4, v6 strings.Builder
	fmt.Fprintf(&b, "router bgp 65000\n bgp router-id 10.255.0.%d\n no bgp default ipv4-unicast\n no bgp network import-check\n", n)
	if n == 1 || n == 4 {
		fmt.Fprintf(&v4, "  network 10.%d.0.0/24\n", n)
		fmt.Fprintf(&v6, "  network fd00:%d::/64\n", n)
	}
	for far := 1; far <= 4; far++ {
		if far == n {
			continue
		}
		for _, one := range []struct {
			address string
			family  *strings.Builder
		}{{fmt.Sprintf("10.255.0.%d", far), &v4}, {fmt.Sprintf("fd00:255::%d", far), &v6}} {
			for _, line := range []string{"remote-as 65000", "update-source lo", "timers 2 6", "timers connect 1", "advertisement-interval 0"} {
				fmt.Fprintf(&b, " neighbor %s %s\n", one.address, line)
			}
			fmt.Fprintf(one.family, "  neighbor %s activate\n  neighbor %s next-hop-self\n", one.address, one.address)
		}
	}
	return fmt.Sprintf("%s address-family ipv4 unicast\n%s exit-address-family\n address-family ipv6 unicast\n%s exit-address-family\n",
		b.String(), v4.String(), v6.String())
}
