package emit

import (
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// The tables of the test's forwarder, shaped as synthesis shapes its own.
var (
	testRoutes  = &ir.Table{Name: "route4", Kind: ir.LPM, Domain: slowpath.Route4, Size: 16}
	testNexthop = &ir.Table{Name: "nexthop", Kind: ir.Rows, Domain: slowpath.Neigh, Size: 64, RowSize: 32, Fields: []ir.Field{
		{Name: "mac", Offset: 0, Width: 8}, {Name: "smac", Offset: 8, Width: 4}, {Name: "mtu", Offset: 12, Width: 2},
		{Name: "flags", Offset: 14, Width: 2}, {Name: "oif", Offset: 16, Width: 4}, {Name: "reason", Offset: 20, Width: 4},
		{Name: "used", Offset: 24, Width: 8}}}
	testDevice = &ir.Table{Name: "device", Kind: ir.Hash, Domain: slowpath.Config, Size: 64, RowSize: 8, Fields: []ir.Field{
		{Name: "mtu", Offset: 0, Width: 4}, {Name: "flags", Offset: 4, Width: 4}}}
	testFIB = &ir.Table{Name: "fib", Kind: ir.FIB}
)

const (
	testMAC = 0x0605040302ee // as a little-endian number: ee:02:03:04:05:06
	testIIF = 1000
)

// packet are the values of the header that both arms of the forwarder need.
type packet struct{ ttl, length, check, src, dst *ir.Value }

// forwarder builds a program of the shape that synthesis makes: a hot path guarded by one epoch, and the live lookup
// behind it.
func forwarder() *ir.Program {
	b := ir.NewBuilder("forwarder")
	for _, t := range []*ir.Table{testRoutes, testNexthop, testDevice, testFIB} {
		b.Table(t)
	}
	hot, cold, slow, send := b.NewBlock("hot"), b.NewBlock("cold"), b.NewBlock("slow"), b.NewBlock("send")
	live, punt := b.NewBlock("live"), b.NewBlock("punt")
	zero := b.Const(0)
	b.If(ir.Ne, b.Moved(slowpath.Any), zero, cold, hot, true)

	b.Start(hot)
	p := header(b)
	row := b.Lookup(testNexthop, b.Lookup(testRoutes, p.dst))
	mac := b.Field(row, "mac")
	b.If(ir.Eq, mac, b.Const(0), slow, send, true)

	b.Start(slow)
	b.If(ir.AnySet, b.Field(row, "flags"), b.Const(1), live, punt, false)
	b.Start(punt)
	b.PuntBy(b.Field(row, "reason"))

	b.Start(send)
	b.Guard(ir.Le, p.length, b.Field(row, "mtu"), slowpath.MTU)
	oif := b.Field(row, "oif")
	b.GuardImm(ir.Ne, oif, testIIF, slowpath.Redirect)
	transmit(b, p, mac, b.Field(row, "smac"), oif, ir.CountFast)

	b.Start(live)
	lookupLive(b, p)

	b.Start(cold)
	b.GuardImm(ir.Eq, b.Moved(slowpath.Config), 0, slowpath.Moved)
	lookupLive(b, header(b))
	return b.Program
}

func header(b *ir.Builder) packet {
	b.Bound(34, slowpath.Short)
	b.GuardImm(ir.Eq, b.ArithImm(ir.OpAnd, b.LoadLE(0, 8), 1<<48-1), testMAC, slowpath.OtherHost)
	b.GuardImm(ir.Eq, b.LoadLE(12, 2), 0x0008, slowpath.NotIP)
	b.GuardImm(ir.Eq, b.Load(14, 1), 0x45, slowpath.Version)
	length := b.Load(16, 2)
	b.GuardImm(ir.Ge, length, 20, slowpath.Length)
	b.Guard(ir.Le, b.ArithImm(ir.OpAdd, length, 14), b.Meta(ir.MetaLen), slowpath.Length)
	b.GuardImm(ir.NoneSet, b.LoadLE(20, 2), 0xff3f, slowpath.Fragment)
	sum := b.Const(0)
	for off := 14; off < 34; off += 2 {
		sum = b.Arith(ir.OpAdd, sum, b.LoadLE(off, 2))
	}
	b.GuardImm(ir.Eq, b.Arith(ir.OpFold, sum), 0xffff, slowpath.HeaderChecksum)
	p := packet{ttl: b.Load(22, 1), length: length, check: b.LoadLE(24, 2), src: b.Load(26, 4), dst: b.Load(30, 4)}
	b.GuardImm(ir.Gt, p.ttl, 1, slowpath.TTL)
	return p
}

// transmit rewrites the frame and sends it. One less TTL is 1 more in the little-endian checksum.
func transmit(b *ir.Builder, p packet, mac, smac, oif *ir.Value, c ir.Counter) {
	one := b.ArithImm(ir.OpAdd, p.check, 1)
	check := b.Select(ir.Ge, one, b.Const(0xffff), b.ArithImm(ir.OpAdd, one, 1), one)
	b.StoreLE(0, 8, mac)
	b.StoreLE(8, 4, smac)
	b.Store(22, 1, b.ArithImm(ir.OpSub, p.ttl, 1))
	b.StoreLE(24, 2, check)
	b.Count(c)
	b.Redirect(oif)
}

func lookupLive(b *ir.Builder, p packet) {
	zero := b.Const(0)
	fib := b.Lookup(testFIB, p.src, p.dst, p.length, zero, zero, zero, b.Load(15, 1))
	b.GuardImm(ir.Eq, b.Field(fib, "ret"), 0, slowpath.LiveLookup)
	oif := b.Field(fib, "oif")
	b.GuardImm(ir.Ne, oif, testIIF, slowpath.Redirect)
	device := b.Lookup(testDevice, oif)
	b.Guard(ir.Ne, device, zero, slowpath.LiveDevice)
	b.Guard(ir.Le, p.length, b.Field(device, "mtu"), slowpath.MTU)
	transmit(b, p, b.Field(fib, "mac"), b.Field(fib, "smac"), oif, ir.CountLive)
}
