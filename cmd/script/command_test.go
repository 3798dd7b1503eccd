package script

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hone-net/hone/slowpath/lab"
)

// patience is how long await tries.
var patience = lab.Patience(10 * time.Second)

// await REGEXP COMMAND... runs a command until its standard output matches; with !, until it does not.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: await REGEXP COMMAND [ARG...]")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out, _ := command(ts, args[1:]).Output()
		last = string(out)
		if pattern.MatchString(last) != neg {
			return
		}
	}
	ts.Fatalf("%s: not so within %s:\n%s", args[0], patience, last)
}

// settled waits until honed has accounted for every change that the kernel has announced, twice in a row: attaching a
// program makes announcements of its own.
func settled(ts *testscript.TestScript, neg bool, args []string) {
	times := 0
	for end := time.Now().Add(patience); time.Now().Before(end) && times < 2; time.Sleep(50 * time.Millisecond) {
		out, _ := command(ts, []string{"hone", "status", "-j"}).Output()
		times++
		if !strings.Contains(string(out), `"coherent": true`) {
			times = 0
		}
	}
	if times < 2 {
		ts.Fatalf("not settled within %s", patience)
	}
}

// command makes a command in the script's environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path := args[0]
	if args[0] == "hone" || args[0] == "honed" {
		path = binaries + "/" + args[0]
	}
	c := exec.Command(path, args[1:]...)
	c.Dir = ts.MkAbs(".")
	c.Env = []string{"PATH=" + ts.Getenv("PATH"), "HONE_SOCKET=" + ts.Getenv("HONE_SOCKET"), "HOME=/"}
	return c
}

// router [cards] makes the namespaces $A, $R and $B in a row: $A sends (a0), $R forwards (r0, r1), $B receives (b0). Between
// them are veths, or the network cards of a machine of packaging/vm.
func router(ts *testscript.TestScript, neg bool, args []string) {
	a, r, b := ts.Getenv("A"), ts.Getenv("R"), ts.Getenv("B")
	for _, ns := range []string{a, r, b} {
		shell(ts, "ip netns add "+ns)
	}
	cables := []string{
		"ip -n A link add a0 address 02:00:00:00:0a:00 type veth peer name r0 address 02:00:00:00:00:f0 netns R",
		"ip -n R link add r1 address 02:00:00:00:00:f1 type veth peer name b0 address 02:00:00:00:0b:00 netns B",
	}
	if len(args) > 0 {
		c := cards()
		cables = []string{
			"ip link set " + c[0] + " netns A name a0 address 02:00:00:00:0a:00", "ip link set " + c[1] + " netns R name r0 address 02:00:00:00:00:f0",
			"ip link set " + c[2] + " netns R name r1 address 02:00:00:00:00:f1", "ip link set " + c[3] + " netns B name b0 address 02:00:00:00:0b:00",
		}
	}
	shellIn(ts, "ip netns exec R sysctl -eqw net.ipv6.conf.default.addr_gen_mode=1") // no link-local address: R says nothing in its own time
	for _, line := range append(cables,
		"ip -n A link set a0 up", "ip -n R link set r0 up", "ip -n R link set r1 up", "ip -n B link set b0 up",
		"ip -n A addr add 10.0.0.1/24 dev a0", "ip -n R addr add 10.0.0.254/24 dev r0",
		"ip -n R addr add 10.1.0.254/24 dev r1", "ip -n B addr add 10.1.0.1/24 dev b0",
		"ip netns exec R sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.r0.rp_filter=0",
		"ip -n R neigh replace 10.1.0.1 lladdr 02:00:00:00:0b:00 dev r1",
		"ip -n R route add 10.2.0.0/16 via 10.1.0.1",
		"ip netns exec B ethtool -K b0 gro on",
		"ip netns exec A ethtool -K a0 gro on",
	) {
		shellIn(ts, line)
	}
}

// cards are the network cards of a machine of packaging/vm: a cable is between the first two, and one between the others.
func cards() (names []string) {
	if os.Getenv("HONE_VM") == "" || exec.Command("modprobe", "virtio_net").Run() != nil {
		return nil
	}
	for i := range 4 {
		for end := time.Now().Add(10 * time.Second); len(names) == i && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			links, _ := net.Interfaces()
			for _, l := range links {
				if l.HardwareAddr.String() == fmt.Sprintf("52:54:00:ff:00:0%d", i) {
					names = append(names, l.Name)
				}
			}
		}
	}
	return names
}

// bridged makes the namespaces $A, $R and $B, of which $R has a bridge br0 with the ports r0, where $A is (a0), and r1 and
// r2, where $B is (b0, and b1, which is down).
func bridged(ts *testscript.TestScript, neg bool, args []string) {
	for _, ns := range []string{"A", "R", "B"} {
		shell(ts, "ip netns add "+ts.Getenv(ns))
		shellIn(ts, "ip netns exec "+ns+" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
	}
	for _, line := range []string{
		"ip -n R link add br0 address 02:00:00:00:00:bb type bridge mcast_snooping 0",
		"ip -n A link add a0 address 02:00:00:00:0a:00 type veth peer name r0 netns R",
		"ip -n B link add b0 address 02:00:00:00:0b:00 type veth peer name r1 netns R",
		"ip -n B link add b1 address 02:00:00:00:0b:01 type veth peer name r2 netns R",
		"ip netns exec A ethtool -K a0 gro on tx off", "ip netns exec B ethtool -K b0 gro on tx off",
		"ip netns exec B ethtool -K b1 gro on tx off",
		"ip -n R link set r0 master br0 up", "ip -n R link set r1 master br0 up", "ip -n R link set r2 master br0 up",
		"ip -n R link set br0 up", "ip -n A link set a0 up", "ip -n B link set b0 up",
		"ip -n A addr add 10.0.0.1/24 dev a0", "ip -n B addr add 10.0.0.2/24 dev b0",
	} {
		shellIn(ts, line)
	}
}

// shellIn runs a line in which A, R and B stand for the namespaces.
func shellIn(ts *testscript.TestScript, line string) {
	words := strings.Fields(line)
	for i, w := range words {
		if w == "A" || w == "R" || w == "B" {
			words[i] = ts.Getenv(w)
		}
	}
	shell(ts, strings.Join(words, " "))
}

func shell(ts *testscript.TestScript, line string) {
	if out, err := command(ts, strings.Fields(line)).CombinedOutput(); err != nil {
		ts.Fatalf("%s: %v: %s", line, err, out)
	}
}

// signalProcess NAME PIDFILE sends a signal to the process whose number `hone status -j` or a file gives.
func signalProcess(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: signal TERM|KILL|HUP")
	}
	number := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "HUP": syscall.SIGHUP}[args[0]]
	for _, c := range ts.BackgroundCmds() {
		if strings.HasSuffix(c.Path, "/honed") {
			ts.Check(c.Process.Signal(number))
			return
		}
	}
	ts.Fatalf("no honed runs in the background")
}
