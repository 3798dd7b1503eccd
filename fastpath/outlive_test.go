package fastpath

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// childVariable tells a copy of the test binary to be the process that is killed, and how.
const childVariable = "HONE_FASTPATH_CHILD"

func TestMain(m *testing.M) {
	if how := os.Getenv(childVariable); how != "" {
		if err := child(how); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// witness is the table that parent and child share: what the programs decided, seen from outside of the process.
var witness = &ir.Table{Name: "witness", Kind: ir.Rows, Size: 1, RowSize: 64}

// The words of the witness.
const (
	wordChanged = 0  // set by the parent when its change of the configuration has returned
	wordOld     = 8  // decisions by the old configuration before
	wordWrong   = 16 // and after the change had returned
	wordPunted  = 24 // packets left to the kernel
)

// juror counts each packet in the witness. It reads whether the change has returned before it reads its guard, so that
// a decision that was made before is never taken for one that was made after.
func juror() *ebpf.CollectionSpec {
	insns := asm.Instructions{
		asm.LoadMapValue(asm.R6, 0, 0).WithReference(witness.Name),
		asm.LoadMem(asm.R7, asm.R6, wordChanged, asm.DWord),
		asm.LoadMapValue(asm.R1, 0, 0).WithReference(emit.MapSeen),
		asm.LoadMapValue(asm.R2, 0, 0).WithReference(emit.MapBuilt),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.LoadMem(asm.R2, asm.R2, 0, asm.DWord),
		asm.Mov.Imm(asm.R3, 1),
		asm.JNE.Reg(asm.R1, asm.R2, "punt"),
		asm.JNE.Imm(asm.R7, 0, "wrong"),
		asm.AddAtomic.Mem(asm.R6, asm.R3, asm.DWord, wordOld),
		asm.Ja.Label("out"),
		asm.AddAtomic.Mem(asm.R6, asm.R3, asm.DWord, wordWrong).WithSymbol("wrong"),
		asm.Ja.Label("out"),
		asm.AddAtomic.Mem(asm.R6, asm.R3, asm.DWord, wordPunted).WithSymbol("punt"),
		asm.Mov.Imm(asm.R0, 1).WithSymbol("out"), // XDP_DROP, it costs least
		asm.Return(),
	}
	return program(insns, emit.MapSpec(witness, emit.Kernel{}))
}

// child attaches a program to every interface named r*, vouches for all, says so, and waits to be killed. The epochs
// come from a filter on a socket with a high number, which is where an accident would have put it.
func child(how string) error {
	m, err := ebpf.NewMapFromFD(3)
	if err != nil {
		return err
	}
	seen, err := ebpf.NewMap(wordsSpec(emit.MapSeen))
	if err != nil {
		return err
	}
	host, err := Open(kernel, seen)
	if err != nil {
		return err
	}
	host.tables[witness.Name] = &table{shape: shapeOf(witness), m: m}
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	var ports []*Port
	for _, l := range links {
		if l.Name[0] != 'r' {
			continue
		}
		p, err := host.Attach(l.Index, juror(), Native)
		if err != nil {
			return err
		}
		ports = append(ports, p)
	}
	epochs, err := listen(seen)
	if err != nil {
		return err
	}
	if how == "outlive" {
		if _, err := Outlive([]int{epochs}); err != nil {
			return err
		}
	}
	for _, p := range ports {
		p.Vouch(slowpath.Epochs{})
	}
	fmt.Println(len(ports))
	time.Sleep(lab.Patience(time.Minute))
	return fmt.Errorf("%d ports: nobody killed me", len(ports))
}

// listen opens a socket on which the kernel announces routes, with a filter that counts them in seen.
func listen(seen *ebpf.Map) (int, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "GPL", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R1, seen.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}})
	if err != nil {
		return -1, err
	}
	defer func() { _ = prog.Close() }()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, prog.FD()); err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_IPV4_ROUTE - 1)})
}

// killed is what the witness saw of one death.
type killed struct{ old, wrong, punted uint64 }

// kill starts a child, kills it while packets pass all of its ports, and changes a route after the given delay.
func kill(t *testing.T, how string, delay time.Duration, ports int) killed {
	t.Helper()
	shared, err := newTable(witness, emit.Kernel{})
	must(t, err)
	defer shared.close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"="+how)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{duplicate(t, shared.m.FD())}
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	word := make([]byte, 8)
	n, err := out.Read(word)
	if err != nil || string(word[:n]) != strconv.Itoa(ports)+"\n" {
		t.Fatalf("the child says %q, %v", word[:n], err)
	}
	time.Sleep(10 * time.Millisecond)
	must(t, cmd.Process.Kill())
	time.Sleep(delay)
	route(t)
	shared.mem.store(wordChanged, 1)
	_ = cmd.Wait()
	settle()
	return killed{shared.mem.load(wordOld), shared.mem.load(wordWrong), shared.mem.load(wordPunted)}
}

func duplicate(t *testing.T, fd int) *os.File {
	t.Helper()
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	f := os.NewFile(uintptr(d), "witness")
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// routes counts the changes, so that each is one: the kernel does not announce a replacement by the same.
var routes int

// route changes a route to another one.
func route(t *testing.T) {
	t.Helper()
	routes++
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	r := &netlink.Route{LinkIndex: lo.Attrs().Index, Scope: netlink.SCOPE_LINK,
		Dst: &net.IPNet{IP: net.IPv4(192, 0, 2, 0), Mask: net.CIDRMask(24, 32)}, MTU: 1000 + routes}
	must(t, netlink.RouteReplace(r))
}

// TestKilledProcessLeavesNoOldDecision kills a process with 32 ports while routes change and packets pass. The control
// group has no Outlive: it must fail, or the test proves nothing.
func TestKilledProcessLeavesNoOldDecision(t *testing.T) {
	namespace(t)
	up(t, "lo")
	const ports = 32
	var wires []wire
	for i := range ports {
		a, _ := pair(t, fmt.Sprintf("a%d", i), fmt.Sprintf("r%d", i))
		wires = append(wires, openWire(t, a, 0))
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				_ = wires[n%ports].send(numbered(uint64(n)))
			}
		}
	}()
	defer func() { close(stop); <-done }()
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	deaths := []struct {
		how  string
		runs int
	}{{"plain", 1}, {"outlive", 4}}
	if testing.Short() {
		deaths[0].runs, deaths[1].runs = 1, 2
	}
	for _, d := range deaths {
		var sum killed
		// One kill may come between two packets: the flaw has some more to show itself.
		for n := 0; n < d.runs || d.how == "plain" && sum.wrong == 0 && n < 24; n++ {
			k := kill(t, d.how, time.Duration(10+rnd.IntN(60))*time.Millisecond, ports)
			sum.old, sum.wrong, sum.punted = sum.old+k.old, sum.wrong+k.wrong, sum.punted+k.punted
		}
		t.Logf("told: %d kills, %s: %d decisions before the change, %d after it had returned, %d punted", d.runs, d.how,
			sum.old, sum.wrong, sum.punted)
		if (d.how == "outlive") != (sum.wrong == 0) {
			t.Errorf("%s: %d decisions by the old route (seed %d)", d.how, sum.wrong, seed)
		}
		if sum.old == 0 || (d.how == "outlive" && sum.punted == 0) {
			t.Errorf("%s: a run without packets before or after the change proves nothing: %+v (seed %d)", d.how, sum, seed)
		}
	}
}
