package emit_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// tells is a program that writes the answer of a lookup into the packet. The tuple stands where the tests put it.
func tells(kind ir.TableKind, tracking ir.Tracking) *ir.Program {
	b := ir.NewBuilder("tells")
	t := b.Table(&ir.Table{Name: "connections", Kind: kind, Domain: slowpath.Config, Size: 64, Tracking: tracking})
	b.Bound(tupleAt+40+64, slowpath.Short)
	var args []*ir.Value
	width := 4
	if kind == ir.Conntrack6 {
		width = 16
	}
	for at := tupleAt; at < tupleAt+2*width; at += min(width, 8) {
		args = append(args, b.Load(at, uint8(min(width, 8))))
	}
	args = append(args, b.Load(tupleAt+38, 1), b.Load(tupleAt+32, 2), b.Load(tupleAt+34, 2))
	row := b.Lookup(t, args...)
	usable, not := b.NewBlock("usable"), b.NewBlock("not")
	reason := b.Field(row, "reason")
	b.If(ir.Ne, reason, b.Const(0), not, usable, true)
	b.Start(not)
	b.PuntBy(reason)
	b.Start(usable)
	b.Keep(row, slowpath.ConntrackWindow)
	if tracking.Account {
		b.Account(row, b.Field(row, "dir"), b.Meta(ir.MetaLen))
	}
	for _, f := range kind.LiveFields() {
		b.Store(tupleAt+40+f.Offset, f.Width, b.Field(row, f.Name))
	}
	b.Redirect(b.Const(7))
	return b.Program
}

const tupleAt = 16

// tupled is a packet with a tuple for the program.
func tupled(protocol uint8, source, dest netip.AddrPort) []byte {
	pkt := make([]byte, tupleAt+40+64)
	at := tupleAt + copy(pkt[tupleAt:], source.Addr().AsSlice())
	copy(pkt[at:], dest.Addr().AsSlice())
	binary.BigEndian.PutUint16(pkt[tupleAt+32:], source.Port())
	binary.BigEndian.PutUint16(pkt[tupleAt+34:], dest.Port())
	pkt[tupleAt+38] = protocol
	return pkt
}

// table is the world for Eval: what the kernel lists.
type table struct {
	all      []lab.Connection
	tracking ir.Tracking
	kind     ir.TableKind
	unsure   bool // nobody knows where the kernel notes that a source is masqueraded
}

// row answers as a Conntrack table does.
func (t table) row(args []uint64) []byte {
	row := make([]byte, t.kind.LiveRow())
	put := func(name string, n uint64) {
		for _, f := range t.kind.LiveFields() {
			if f.Name == name {
				var buf [8]byte
				binary.NativeEndian.PutUint64(buf[:], n)
				copy(row[f.Offset:f.Offset+int(f.Width)], buf[:])
			}
		}
	}
	protocol, source, dest := t.packet(args)
	for _, c := range t.all {
		dir := 0
		if c.Protocol == protocol && c.Reply == [2]netip.AddrPort{source, dest} {
			dir = 1
		} else if c.Protocol != protocol || c.Source != source || c.Dest != dest {
			continue
		}
		put("reason", uint64(t.judge(c)))
		if t.judge(c) != slowpath.None {
			return row
		}
		put("dir", uint64(dir))
		put("status", uint64(c.Status))
		put("mark", uint64(c.Mark))
		if dir == 0 {
			source, dest = c.Reply[1], c.Reply[0]
		} else {
			source, dest = c.Dest, c.Source
		}
		t.addresses(put, source, dest)
		return row
	}
	put("reason", uint64(slowpath.ConntrackMiss))
	return row
}

func (t table) packet(args []uint64) (protocol uint8, source, dest netip.AddrPort) {
	ports := args[len(args)-2:]
	if t.kind == ir.Conntrack {
		source, dest = addr4(args[0], ports[0]), addr4(args[1], ports[1])
	} else {
		source, dest = addr6(args[0], args[1], ports[0]), addr6(args[2], args[3], ports[1])
	}
	return uint8(args[len(args)-3]), source, dest
}

func addr4(n, port uint64) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n)))), uint16(port))
}

func addr6(hi, lo, port uint64) netip.AddrPort {
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, hi), lo)
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b)), uint16(port))
}

func (t table) addresses(put func(string, uint64), source, dest netip.AddrPort) {
	for name, a := range map[string]netip.AddrPort{"source": source, "dest": dest} {
		if b := a.Addr().AsSlice(); t.kind == ir.Conntrack {
			put(name, uint64(binary.BigEndian.Uint32(b)))
		} else {
			put(name+"hi", binary.BigEndian.Uint64(b))
			put(name+"lo", binary.BigEndian.Uint64(b[8:]))
		}
		put(name[:1]+"port", uint64(a.Port()))
	}
}

// judge tells why packets of a connection are the kernel's.
func (t table) judge(c lab.Connection) slowpath.Reason {
	const established = 2 | 4 | 8
	lives := t.tracking.UDP
	if c.Protocol == unix.IPPROTO_TCP {
		lives = t.tracking.TCP
	}
	switch {
	case c.Status&(1<<6|1<<10|1<<13|1<<14) != 0:
		return slowpath.ConntrackSpecial
	case !t.tracking.NAT && c.Status&(ir.StatusSourceNAT|ir.StatusDestNAT) != 0, t.unsure && c.Status&ir.StatusSourceNAT != 0:
		return slowpath.ConntrackNAT
	case c.Status&established != established, lives == 0, c.Protocol == unix.IPPROTO_TCP && c.State != 3:
		return slowpath.ConntrackState
	case c.Protocol == unix.IPPROTO_TCP && !c.Liberal && !t.tracking.Liberal:
		return slowpath.ConntrackWindow
	}
	return slowpath.None
}

// tracking makes a namespace whose connections are tracked, or skips.
func tracking(t *testing.T) (*lab.Namespace, emit.Kernel) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	k, err := fastpath.Probe()
	if err != nil {
		t.Fatal(err)
	}
	if k.Conntrack == nil {
		t.Skip("programs cannot read this kernel's connections")
	}
	emit.Collect = func(spec *ebpf.CollectionSpec) (*ebpf.Collection, error) { return fastpath.Collect(spec, nil) }
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	if err := ns.Run("nft add table inet t", "nft add chain inet t f { type filter hook forward priority 0 ; }",
		"nft add rule inet t f ct state established accept", "nft add chain inet t n { type nat hook postrouting priority 100 ; }"); err != nil {
		t.Skipf("the rules cannot be loaded: %v", err)
	}
	return ns, k
}

// connection makes one up.
func connection(r *rand.Rand, i int, kind ir.TableKind) lab.Connection {
	source, dest := addr4(0x0a000000+uint64(r.IntN(4)), uint64(1000+i)), addr4(0x0b000000+uint64(i), 53)
	nat := addr4(0xc0000200+uint64(r.IntN(9)), uint64(2000+i))
	if kind == ir.Conntrack6 {
		source, dest = addr6(0x20010db8<<32, uint64(r.IntN(4)), uint64(1000+i)), addr6(0x20010db8<<32+1, uint64(i), 53)
		nat = addr6(0x20010db8<<32+2, r.Uint64(), uint64(2000+i))
	}
	c := lab.Connection{Protocol: unix.IPPROTO_UDP, Source: source, Dest: dest, Seconds: 5 + uint32(r.IntN(400)), Mark: r.Uint32(),
		Status: 2 | 4 | 8}
	if r.IntN(2) == 0 {
		c.Protocol, c.State, c.Liberal = unix.IPPROTO_TCP, 3, r.IntN(4) > 0
	}
	switch r.IntN(8) {
	case 0:
		c.Status &^= 4
	case 1:
		c.State = uint8(r.IntN(6))
	case 2:
		c.Status |= 1 << 10
	case 3, 4:
		c.SourceNAT = nat
	case 5:
		c.DestNAT = nat
	}
	return c
}

// TestConntrackAgrees compares what programs read of connections with what the kernel lists, and asks again and again,
// so that the flow cache is asked, too.
func TestConntrackAgrees(t *testing.T) {
	ns, k := tracking(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	families := map[ir.TableKind]uint8{ir.Conntrack: unix.AF_INET, ir.Conntrack6: unix.AF_INET6}
	for _, kind := range []ir.TableKind{ir.Conntrack, ir.Conntrack6} {
		for i := range 60 {
			if err := ns.Connect(connection(r, i, kind)); err != nil {
				t.Fatal(err)
			}
		}
		for i, tr := range []ir.Tracking{{TCP: 432000, UDP: 120}, {TCP: 432000, UDP: 120, NAT: true}, {UDP: 120, NAT: true, Liberal: true},
			{TCP: 432000, UDP: 120, NAT: true}, {TCP: 432000, UDP: 120, NAT: true, Account: true}} {
			known, unsure := k, i == 3
			if unsure {
				without := *k.Conntrack
				without.Masquerade = emit.UnknownMasquerade
				known.Conntrack = &without
			}
			agree := emit.Agree(t, tells(kind, tr), known)
			all, err := ns.Connections(families[kind])
			if err != nil || len(all) != 60 {
				t.Fatalf("%d connections, %v", len(all), err)
			}
			env := &ir.Env{}
			world := table{all, tr, kind, unsure}
			env.Conntrack, env.Conntrack6 = world.row, world.row
			reasons := map[slowpath.Reason]int{}
			for range 400 {
				c := all[r.IntN(len(all))]
				pkt := tupled(c.Protocol, c.Source, c.Dest)
				switch r.IntN(10) {
				case 0, 1, 2, 3:
					pkt = tupled(c.Protocol, c.Reply[0], c.Reply[1])
				case 4:
					pkt[tupleAt+r.IntN(39)] ^= 1 << r.IntN(8)
				}
				var v ir.Verdict
				if failed := ns.Do(func() (err error) { v, err = agree(env, pkt); return err }); failed != nil {
					t.Fatalf("%v %v %+v: %v", kind, tr, c, failed)
				}
				reasons[v.Reason]++
			}
			t.Logf("%v %+v: %v", kind, tr, reasons)
		}
	}
}
