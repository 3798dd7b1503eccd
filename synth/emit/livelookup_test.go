package emit_test

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// asked is what a live lookup is asked, and where in the packet of these tests it stands.
type asked struct {
	src, dst     string
	length       uint16
	proto        uint8
	sport, dport uint16
	flow         uint32
}

// told is the answer.
type told struct {
	ret, oif uint32
	mac      uint64
	smac     uint32
	mtu      uint16
}

// asking is a program that asks the kernel what the packet says, and writes the answer into it.
func asking(six bool) *ir.Program {
	b := ir.NewBuilder("asking")
	b.Bound(128, slowpath.Short)
	rest := []*ir.Value{b.Load(32, 2), b.Load(34, 1), b.Load(36, 2), b.Load(38, 2), b.Load(40, 4)}
	table := &ir.Table{Name: "fib", Kind: ir.FIB, Domain: slowpath.Any}
	args := []*ir.Value{b.Load(0, 4), b.Load(16, 4)}
	if six {
		table = &ir.Table{Name: "fib6", Kind: ir.FIB6, Domain: slowpath.Any}
		args = []*ir.Value{b.Load(0, 8), b.Load(8, 8), b.Load(16, 8), b.Load(24, 8)}
	}
	row := b.Lookup(b.Table(table), append(args, rest...)...)
	for i, name := range []string{"ret", "oif", "mac", "smac", "mtu"} {
		b.StoreLE(64+8*i, 8, b.Field(row, name))
	}
	b.Redirect(b.Const(0))
	return b.Program
}

func ask(t *testing.T, ns *lab.Namespace, prog *ebpf.Program, q asked) (a told) {
	t.Helper()
	in, out := make([]byte, 128), make([]byte, 128)
	copy(in, netip.MustParseAddr(q.src).AsSlice())
	copy(in[16:], netip.MustParseAddr(q.dst).AsSlice())
	binary.BigEndian.PutUint16(in[32:], q.length)
	in[34] = q.proto
	binary.BigEndian.PutUint16(in[36:], q.sport)
	binary.BigEndian.PutUint16(in[38:], q.dport)
	binary.BigEndian.PutUint32(in[40:], q.flow)
	err := ns.Do(func() error {
		_, err := prog.Run(&ebpf.RunOptions{Data: in, DataOut: out})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(out[64+8*i:]) }
	return told{uint32(word(0)), uint32(word(1)), word(2), uint32(word(3)), uint16(word(4))}
}

// TestLiveLookup: every operand of a live lookup gets to the kernel, and its answer comes back.
func TestLiveLookup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	set := func(path, value string) {
		if err := ns.Sysctl(path, value); err != nil {
			t.Fatal(err)
		}
	}
	set("ipv6/conf/all/disable_ipv6", "0")
	set("ipv6/conf/default/disable_ipv6", "0")
	if err := ns.Run("ip link set lo up", "ip link add v0 index 100 address 02:11:22:33:44:55 type veth peer name v1",
		"ip link set v0 up", "ip link set v1 up",
		"ip addr add 10.9.0.1/24 dev v0", "ip neigh add 10.9.0.2 lladdr 02:aa:bb:cc:dd:ee dev v0",
		"ip route add 10.20.0.0/16 via 10.9.0.2 mtu lock 1400", "ip route add unreachable 10.20.0.0/16 table 77",
		"ip addr add 2001:db8:9::1/64 dev v0 nodad", "ip neigh add 2001:db8:9::2 lladdr 02:aa:bb:cc:dd:ee dev v0",
		"ip -6 route add 2001:db8:20::/48 via 2001:db8:9::2 mtu lock 1400", "ip -6 route add unreachable 2001:db8:20::/48 table 77",
	); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"-4", "-6"} {
		from := map[string]string{"-4": "10.7.7.7", "-6": "2001:db8:7::7"}[v]
		if err := ns.Run("ip "+v+" rule add tos 0x10 table 77", "ip "+v+" rule add ipproto udp dport 99 table 77",
			"ip "+v+" rule add ipproto udp sport 98 table 77", "ip "+v+" rule add from "+from+" table 77"); err != nil {
			t.Fatal(err)
		}
	}
	set("ipv4/ip_forward", "1")
	set("ipv6/conf/all/forwarding", "1")
	t.Run("ipv4", func(t *testing.T) {
		answers(t, ns, asking(false), asked{src: "10.8.0.1", dst: "10.20.0.1", length: 1400}, "10.7.7.7", "10.30.0.1", 0x10)
	})
	t.Run("ipv6", func(t *testing.T) {
		answers(t, ns, asking(true), asked{src: "2001:db8:8::1", dst: "2001:db8:20::1", length: 1400, flow: 0x12345},
			"2001:db8:7::7", "2001:db8:30::1", 0x10<<20)
	})
}

// answers changes one operand after the other of a question that has an answer.
func answers(t *testing.T, ns *lab.Namespace, p *ir.Program, q asked, from, nowhere string, tos uint32) {
	const (
		unreachable = 2
		notForward  = 4
		tooLong     = 8
	)
	spec, err := emit.Spec(p, emit.Kernel{CPUs: 2, FIBLookup: true, CPUv4: true})
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	prog := coll.Programs[emit.ProgramName]
	want := told{0, 100, 0x1102_eeddccbbaa02, 0x55443322, 1400}
	got := ask(t, ns, prog, q)
	if got.mtu = 1400; got != want {
		t.Fatalf("%+v: %+v, want %+v", q, got, want)
	}
	for _, c := range []struct {
		what   string
		change func(*asked)
		ret    uint32
	}{
		{"source", func(q *asked) { q.src = from }, unreachable},
		{"destination", func(q *asked) { q.dst = nowhere }, notForward},
		{"length", func(q *asked) { q.length = 1401 }, tooLong},
		{"destination port", func(q *asked) { q.proto, q.dport = 17, 99 }, unreachable},
		{"other protocol", func(q *asked) { q.proto, q.dport = 6, 99 }, 0},
		{"source port", func(q *asked) { q.proto, q.sport = 17, 98 }, unreachable},
		{"other source port", func(q *asked) { q.proto, q.sport = 17, 99 }, 0},
		{"traffic class", func(q *asked) { q.flow |= tos }, unreachable},
		{"version", func(q *asked) { q.flow |= 6 << 28 }, 0},
	} {
		changed := q
		c.change(&changed)
		if got := ask(t, ns, prog, changed); got.ret != c.ret {
			t.Errorf("%s: %+v, want %d", c.what, got, c.ret)
		} else if c.ret == tooLong && got.mtu != 1400 {
			t.Errorf("%s: MTU %d", c.what, got.mtu)
		}
	}
}
