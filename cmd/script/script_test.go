package script

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
)

// binaries is the directory of the programs: HONE_BINARIES, or else they are built freshly.
var binaries = os.Getenv("HONE_BINARIES")

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if binaries != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "hone-script")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	build := exec.Command("go", "build", "-o", dir, "../hone", "../honed")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup:               setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "router": router, "bridged": bridged, "send": send, "none": none, "signal": signalProcess,
			"foreign": foreign, "scrape": scrape, "settled": settled, "fast": fast, "filled": filled,
			"listen": listen, "stream": stream, "scene": scene, "unload": unload, "told": told,
			"plug": plug, "serve": serve, "visits": visits, "counts": counts, "carried": carried, "barred": barred,
		},
	})
}

// scripts numbers the namespaces of the scripts that run at the same time.
var scripts atomic.Int32

// setup names the script's namespaces and sees to it that they vanish with it.
func setup(e *testscript.Env) error {
	id := fmt.Sprintf("hone-s%d-%d", os.Getpid(), scripts.Add(1))
	e.Setenv("PATH", binaries+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
	e.Setenv("A", id+"a")
	e.Setenv("R", id+"r")
	e.Setenv("B", id+"b")
	e.Setenv("C", id+"c")
	e.Values[foreignKey{}] = &[]link.Link{}
	e.Values[streamsKey{}] = map[string]*streamed{}
	socket := filepath.Join(e.WorkDir, "h.sock")
	e.Setenv("HONE_SOCKET", socket)
	e.Setenv("SOCKET", socket)
	e.Setenv("OFF", strings.TrimSuffix(socket, ".sock")+".off")
	e.Defer(func() {
		for _, suffix := range []string{"a", "r", "b", "c"} {
			exec.Command("ip", "netns", "del", id+suffix).Run() // it need not exist
		}
	})
	return nil
}

// condition knows [root]: the script may make network namespaces; [first]: it runs in the first of them; and [fast]: the kernel tells what a fast path between
// veth pairs takes, the VLAN tag of a frame and the devices that take redirected ones; [tracked]: programs can read its connections, [counted]: and count their packets; [vlan]: it has VLAN devices; [filters]: its bridges filter VLANs; [cards]: it has network cards to spare; and
// [unveth], [untracked]: the machine is one of packaging/vm, which nobody else uses, and its module veth or nf_conntrack was there and is not any more.
func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "first":
		return control.NetnsName() == "", nil
	case "fast":
		return accelerates()
	case "tracked":
		k, err := fastpath.Probe()
		return err == nil && k.Conntrack != nil, err
	case "counted":
		k, err := fastpath.Probe()
		return err == nil && k.Conntrack != nil && k.Conntrack.Accounts, err
	case "vlan":
		lines := "ip link add p type veth peer name q && ip link add link p name p.5 type vlan id 5"
		return exec.Command("unshare", "-n", "sh", "-c", lines).Run() == nil, nil
	case "filters":
		return exec.Command("unshare", "-n", "ip", "link", "add", "br0", "type", "bridge", "vlan_filtering", "1").Run() == nil, nil
	case "cards":
		return len(cards()) == 4, nil
	case "unveth":
		return os.Getenv("HONE_VM") != "" && unix.DeleteModule("veth", unix.O_NONBLOCK) == nil, nil
	case "untracked":
		return os.Getenv("HONE_VM") != "" && unloaded("nf_conntrack", time.Minute), nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

var accelerates = sync.OnceValues(func() (bool, error) {
	k, err := fastpath.Probe()
	return err == nil && k.VethTag != nil, err
})
