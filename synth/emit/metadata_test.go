package emit_test

import (
	"encoding/binary"
	"net"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// onVeth puts a program that asks for a frame's metadata on one end of a veth pair, has frames sent into the other, and
// tells how many were counted for two reasons.
func onVeth(t *testing.T, p *ir.Program, send func(ns *lab.Namespace), yes, no slowpath.Reason) (uint64, uint64) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	k, err := fastpath.Probe()
	if err != nil {
		t.Fatal(err)
	}
	if k.VethTag == nil || k.VethTag.SummedMask == 0 {
		t.Skip("this kernel does not say where the metadata is")
	}
	spec, err := emit.Spec(p, k)
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := ns.Run("ip link add v0 type veth peer name v1", "ip link set v0 up", "ip link set v1 up",
		"ip addr add 10.9.0.1/24 dev v0", "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev v0"); err != nil {
		t.Fatal(err)
	}
	defer attach(t, ns, "v1", coll.Programs[emit.ProgramName]).Close()
	send(ns)
	counted := func(r slowpath.Reason) (n uint64) {
		value, err := coll.Maps[emit.MapStats].LookupBytes(uint32(0))
		if err != nil {
			t.Fatal(err)
		}
		for at := emit.ReasonOffset(r); at < len(value); at += emit.StatsStride {
			n += binary.NativeEndian.Uint64(value[at:])
		}
		return n
	}
	for until := time.Now().Add(lab.Patience(time.Second)); counted(yes)+counted(no) < 3 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	return counted(yes), counted(no)
}

// TestMetadataTag sends frames over a veth, with and without a VLAN tag in their metadata, to a program that asks for it.
func TestMetadataTag(t *testing.T) {
	b := ir.NewBuilder("vlan")
	b.Bound(20, slowpath.Short)
	b.Guard(ir.Eq, b.Load(16, 4), b.Const(8), slowpath.OtherHost)
	tag := b.Meta(ir.MetaVLAN)
	b.Guard(ir.Eq, tag, b.Const(0), slowpath.VLANTag)
	b.PuntBy(b.ArithImm(ir.OpAdd, tag, uint64(slowpath.NotIP)))
	tagged, plain := onVeth(t, b.Program, func(ns *lab.Namespace) {
		send(t, ns, "v0")
		l := attach(t, ns, "v0", tagger(t))
		t.Cleanup(func() { l.Close() })
		send(t, ns, "v0")
		send(t, ns, "v0")
	}, slowpath.VLANTag, slowpath.NotIP)
	if tagged != 2 || plain != 1 {
		t.Errorf("%d tagged and %d plain frames, want 2 and 1", tagged, plain)
	}
}

// TestMetadataPartial sends datagrams whose checksum the kernel leaves to the device, and complete frames.
func TestMetadataPartial(t *testing.T) {
	b := ir.NewBuilder("partial")
	ours, others := b.NewBlock("ours"), b.NewBlock("others")
	b.Bound(42, slowpath.Short)
	b.GuardImm(ir.Eq, b.Load(12, 2), 0x0800, slowpath.OtherHost)
	partial := b.Meta(ir.MetaPartial)
	b.If(ir.Eq, b.Load(36, 2), b.Const(4242), ours, others, false)
	b.Start(ours)
	b.Guard(ir.Eq, partial, b.Const(0), slowpath.PartialChecksum)
	b.PuntBy(b.ArithImm(ir.OpAdd, partial, uint64(slowpath.NotIP)))
	b.Start(others)
	b.Punt(slowpath.OtherHost)
	partials, complete := onVeth(t, b.Program, func(ns *lab.Namespace) {
		if err := ns.Do(func() error {
			c, err := net.Dial("udp", "10.9.0.2:4242")
			if err != nil {
				return err
			}
			defer c.Close()
			for range 2 {
				if _, err := c.Write([]byte("checksum")); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		send(t, ns, "v0", 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2, 1, 1, 4242>>8, 4242&0xff)
	}, slowpath.PartialChecksum, slowpath.NotIP)
	if partials != 2 || complete != 1 {
		t.Errorf("%d partial and %d complete frames, want 2 and 1", partials, complete)
	}
}

// tagger is a tc program that puts a VLAN tag into the metadata of what leaves.
func tagger(t *testing.T) *ebpf.Program {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R2, 0x0081), // ETH_P_8021Q, big-endian
		asm.Mov.Imm(asm.R3, 7),
		asm.FnSkbVlanPush.Call(),
		asm.Mov.Imm(asm.R0, -1), // go on
		asm.Return(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

// attach puts an XDP program on a device, or a tc program behind it.
func attach(t *testing.T, ns *lab.Namespace, device string, prog *ebpf.Program) (l link.Link) {
	t.Helper()
	if err := ns.Do(func() error {
		iface, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		if prog.Type() == ebpf.XDP {
			l, err = link.AttachXDP(link.XDPOptions{Program: prog, Interface: iface.Index, Flags: link.XDPDriverMode})
		} else {
			l, err = link.AttachTCX(link.TCXOptions{Program: prog, Interface: iface.Index, Attach: ebpf.AttachTCXEgress})
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

// send sends one frame that the program tells from those that the kernel sends by itself; rest starts with the type.
func send(t *testing.T, ns *lab.Namespace, device string, rest ...byte) {
	t.Helper()
	frame := make([]byte, 60)
	copy(frame, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 0, 0, 0, 0, 0, 8})
	copy(frame[12:], rest)
	if err := ns.Do(func() error {
		iface, err := net.InterfaceByName(device)
		if err != nil {
			return err
		}
		s, err := lab.NewSender(ns, iface.Index)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.Queue(true); err != nil {
			return err
		}
		return s.Send(frame)
	}); err != nil {
		t.Fatal(err)
	}
}
