package fastpath

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// namespace moves the test into a network namespace of its own. The thread is never unlocked, so it dies with the
// test's goroutine, and the namespace with it.
func namespace(t testing.TB) {
	t.Helper()
	root(t)
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("cannot make a network namespace: %v", err)
	}
}

// pair makes a veth pair, both ends up, and gives their indices.
func pair(t testing.TB, a, b string) (int, int) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = a
	must(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: b}))
	return up(t, a), up(t, b)
}

func up(t testing.TB, name string) int {
	t.Helper()
	must(t, os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("1"), 0))
	l, err := netlink.LinkByName(name)
	must(t, err)
	must(t, netlink.LinkSetUp(l))
	return l.Attrs().Index
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// words makes the map seen.
func words(t testing.TB) (*ebpf.Map, memory) {
	t.Helper()
	m, err := ebpf.NewMap(wordsSpec(emit.MapSeen))
	must(t, err)
	mem, err := mapMemory(m)
	must(t, err)
	t.Cleanup(func() { mem.close(); _ = m.Close() })
	return m, mem
}

func wordsSpec(name string) *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: 8 * uint32(slowpath.NumDomains),
		MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE}
}

// nexthops is the table of the toy program: row 0 holds the interface to redirect to.
var nexthops = &ir.Table{Name: "nexthop", Kind: ir.Rows, Size: 4, RowSize: 32, Fields: []ir.Field{{Name: "oif", Offset: 16, Width: 4}}}

// toy is a program that redirects every frame as it is to the interface of row 0, while vouched for; else it punts.
func toy() *ebpf.CollectionSpec {
	b := ir.NewBuilder("toy")
	b.GuardImm(ir.Eq, b.Moved(slowpath.Any), 0, slowpath.Moved)
	row := b.Lookup(b.Table(nexthops), b.Const(0))
	b.Count(ir.CountFast)
	b.Redirect(b.Field(row, "oif"))
	spec, err := emit.Spec(b.Program, kernel)
	if err != nil {
		panic(err)
	}
	return spec
}

// kernel is what the tests' programs are made for.
var kernel = emit.Kernel{CPUs: 64}

// program wraps instructions into a collection as package emit does.
func program(insns asm.Instructions, tables ...*ebpf.MapSpec) *ebpf.CollectionSpec {
	stats := wordsSpec(emit.MapStats)
	stats.ValueSize = uint32(emit.StatsValue(kernel))
	spec := &ebpf.CollectionSpec{
		Maps: map[string]*ebpf.MapSpec{
			emit.MapSeen: wordsSpec(emit.MapSeen), emit.MapBuilt: wordsSpec(emit.MapBuilt), emit.MapStats: stats,
		},
		Programs: map[string]*ebpf.ProgramSpec{
			emit.ProgramName: {Name: emit.ProgramName, Type: ebpf.XDP, License: "GPL", Instructions: insns},
		},
	}
	for _, m := range tables {
		spec.Maps[m.Name] = m
	}
	return spec
}

// toyHost is a Host for toy programs that redirect to oif.
func toyHost(t testing.TB, oif int) (*Host, memory) {
	t.Helper()
	seen, mem := words(t)
	h, err := Open(kernel, seen)
	must(t, err)
	t.Cleanup(func() { must(t, h.Close()) })
	must(t, h.Tables([]*ir.Table{nexthops}))
	must(t, h.Write([]ir.Write{oifWrite(oif)}))
	return h, mem
}

func oifWrite(oif int) ir.Write {
	return ir.Write{Table: nexthops.Name, Offset: 16, Data: binary.NativeEndian.AppendUint32(nil, uint32(oif))}
}

// wire is a packet socket on an interface.
type wire struct{ fd int }

func openWire(t testing.TB, ifindex int, protocol uint16) wire {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20))
	must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol<<8 | protocol>>8, Ifindex: ifindex}))
	t.Cleanup(func() { _ = unix.Close(fd) })
	return wire{fd}
}

func (w wire) send(frame []byte) error {
	_, err := unix.Write(w.fd, frame)
	return err
}

// receive reads the frames that are there.
func (w wire) receive(each func(frame []byte)) {
	buf := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(w.fd, buf, unix.MSG_DONTWAIT)
		if err != nil {
			return
		}
		each(buf[:n])
	}
}

// testProtocol is an ethertype for experiments (IEEE 802 local), so that no stack answers.
const testProtocol = 0x88b5

// numbered is a frame that carries a number.
func numbered(n uint64) []byte {
	frame := make([]byte, 60)
	copy(frame, net.HardwareAddr{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2})
	binary.BigEndian.PutUint16(frame[12:], testProtocol)
	binary.BigEndian.PutUint64(frame[14:], n)
	return frame
}

func number(frame []byte) (uint64, error) {
	if len(frame) < 22 || binary.BigEndian.Uint16(frame[12:]) != testProtocol {
		return 0, fmt.Errorf("a foreign frame of %d bytes", len(frame))
	}
	return binary.BigEndian.Uint64(frame[14:]), nil
}
