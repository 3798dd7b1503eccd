package synth

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// armBridge is the arm for frames that a bridge forwards.
const armBridge = "bridge"

// macShift makes a station's key of a word that begins with a MAC.
const macShift = 16

// bridging writes the program of a port of a bridge.
type bridging struct {
	*compiler
	bridge introspect.Link
	fdb    *fdb
	vid    uint16    // of untagged frames; 0: the bridge does not filter VLANs, or there is none
	tag    *ir.Value // VLAN of a tagged frame, where the bridge filters VLANs
	frame  *ir.Value // its length, without a tag that the bridge knows
	kind   *ir.Value // ethertype, least significant byte first
}

// bridgePort is Program for a port of a bridge.
func (c *compiler) bridgePort(bridge introspect.Link) (*ir.Program, error) {
	table := c.shape.fdbs[bridge.Index]
	if table == nil {
		return nil, fmt.Errorf("synth: program %s: no forwarding database of %s", c.port.Name, bridge.Name)
	}
	b := &bridging{compiler: c, bridge: bridge, fdb: table}
	if vid, ok := untaggedVLAN(c.snapshot, bridge.Bridge, c.port.Index); ok {
		b.vid = vid
	}
	b.arm, b.ip = armBridge, layout4
	b.write()
	return c.checked()
}

// write looks first at what all frames have in common. Routes and neighbours do not matter to a bridge: it goes by its own
// epoch.
func (b *bridging) write() {
	b.metadata()
	b.GuardImm(ir.Eq, b.Moved(slowpath.FDB), 0, slowpath.Moved)
	b.Bound(atPayload, slowpath.Short)
	from := b.LoadLE(atSource48, 8)
	to := b.LoadLE(atDestMAC, 8)
	b.frame, b.kind = b.Meta(ir.MetaLen), b.ArithImm(ir.OpShr, from, 48)
	if b.filters() {
		b.tagArm(to, from)
	}
	b.bare(to, from)
	b.finish()
}

// bare is for all frames of a bridge that does not filter VLANs, else for those without a tag.
func (b *bridging) bare(to, from *ir.Value) {
	if b.filters() && b.vid == 0 {
		b.Punt(slowpath.PortVLAN)
		return
	}
	to = b.key(to)
	dest := b.stations(to, b.key(from))
	if l, ok := b.receiver(b.vid); ok {
		b.routed(to, l)
	}
	b.deliverable(dest)
	b.protocol(dest)
	if b.filters() {
		b.pushed(dest)
	}
	b.send(dest)
}

// send ends the path of a frame that leaves by the port of its destination.
func (b *bridging) send(dest *ir.Value) {
	b.Count(ir.CountFast)
	b.Redirect(b.Field(dest, "port"))
}

// stations looks both up before either answer is needed, and gives that of the destination.
func (b *bridging) stations(to, sender *ir.Value) *ir.Value {
	table := b.Table(b.fdb.table())
	dest := b.Lookup(table, to)
	if b.asksSource() {
		b.source(b.Lookup(table, sender))
	} else {
		b.valid(sender)
	}
	return dest
}

// key makes that of a station of a word that begins with a MAC.
func (b *bridging) key(word *ir.Value) *ir.Value {
	key := b.ArithImm(ir.OpShl, word, macShift)
	switch {
	case b.tag != nil:
		key = b.Arith(ir.OpOr, key, b.tag)
	case b.vid != 0:
		key = b.ArithImm(ir.OpOr, key, stationKey(introspect.MAC{}, b.vid))
	}
	return key
}

// atSource48 is where the source MAC begins.
const atSource48 = 6

// learns tells whether the bridge notes where sources are.
func (b *bridging) learns() bool { return b.port.Port.Learning }

// asksSource tells whether a frame has to come from where the bridge knows its source to be.
func (b *bridging) asksSource() bool { return b.learns() || b.port.Port.Locked }

// valid wants a source that may be one, where the bridge asks no more: neither nobody nor many.
func (b *bridging) valid(sender *ir.Value) {
	b.GuardImm(ir.Ne, sender, stationKey(introspect.MAC{}, b.vid), slowpath.FDBSource)
	b.GuardImm(ir.NoneSet, sender, 1<<macShift, slowpath.FDBSource)
}

// source wants a source that the bridge knows to be on this very port, else it learns, or drops. One frame in a while goes
// to the kernel, so that it goes on to know.
func (b *bridging) source(from *ir.Value) {
	if !b.learns() {
		b.GuardImm(ir.Eq, b.Field(from, "port"), uint64(b.port.Index), slowpath.FDBSource)
		return
	}
	absent, next := b.block("absent"), b.block("source")
	b.If(ir.Ne, b.Field(from, "here"), b.Const(here(b.port.Index)), absent, next, true)
	b.Start(absent)
	b.GuardImm(ir.Eq, b.Field(from, "port"), uint64(b.port.Index), slowpath.FDBSource)
	b.Mark(from, "fresh")
	b.Punt(slowpath.FDBAgeing)
	b.Start(next)
}

// subject is the bridge, as far as it is asked about.
func (b *bridging) subject() subject { return subject{b.snapshot, b.bridge, b.options} }

// routed is for frames to the bridge itself, which come in by it, or by a VLAN device on it, as far as IP knows.
func (b *bridging) routed(to *ir.Value, by introspect.Link) {
	own, next := b.block("own"), b.block("other")
	b.If(ir.Eq, to, b.Const(stationKey(b.bridge.MAC, b.vid)), own, next, true)
	b.asides = append(b.asides, func() { b.apart(own, "", by, 0, b.route) })
	b.Start(next)
}

// deliverable wants a destination that is known, on another port that takes the frame.
func (b *bridging) deliverable(to *ir.Value) {
	over, fits := b.block("over"), b.block("fits")
	b.If(ir.Gt, b.frame, b.Field(to, "limit"), over, fits, true)
	b.over(over, fits, to)
	b.Start(fits)
	if !b.port.Port.Hairpin {
		b.GuardImm(ir.Ne, b.Field(to, "port"), uint64(b.port.Index), slowpath.Redirect)
	}
	if b.port.Port.Isolated {
		b.GuardImm(ir.NoneSet, b.Field(to, "flags"), stationIsolated, slowpath.PortIsolated)
	}
}

// over says why somebody gets no frame of this length, or none at all.
func (b *bridging) over(start, fits *ir.Block, to *ir.Value) {
	none, long := b.block("unreachable"), b.block("long")
	b.Start(start)
	limit := b.Field(to, "limit")
	b.If(ir.Eq, limit, b.Const(0), none, long, false)
	b.Start(long)
	b.tooLong(fits, limit)
	b.Start(none)
	b.GuardImm(ir.NoneSet, b.Load(atDestMAC, 1), 1, slowpath.Multicast)
	b.PuntBy(b.Field(to, "reason"))
}

// etherType is an ethertype as b.kind has it.
func etherType(n uint16) uint64 { return uint64(n>>8 | n<<8) }

// protocol looks at what the bridge does not forward as it is.
func (b *bridging) protocol(dest *ir.Value) {
	next, six, other := b.block("next"), b.block("not-ipv4"), b.block("not-ip")
	four := next
	if b.inspects(layout4) {
		four = b.block("ipv4")
	}
	b.If(ir.Ne, b.kind, b.Const(etherType(unix.ETH_P_IP)), six, four, true)
	b.inspect(four, next, layout4)
	b.Start(six)
	is6 := next
	if b.inspects(layout6) {
		is6 = b.block("ipv6")
	}
	b.If(ir.Ne, b.kind, b.Const(etherType(unix.ETH_P_IPV6)), other, is6, true)
	b.inspect(is6, next, layout6)
	b.Start(other)
	b.foreign(next, dest)
	b.Start(next)
}

// foreign is for what is neither IPv4 nor IPv6: protocols that a bridge may answer or take part in are the kernel's.
func (b *bridging) foreign(next *ir.Block, dest *ir.Value) {
	if b.mayBePartial() {
		b.Punt(slowpath.PartialChecksum)
		return
	}
	if !b.filters() {
		b.opaque(next, dest)
	}
	b.own(b.kind)
	b.Jump(next)
}

// own wants an ethertype that a bridge forwards without a look.
func (b *bridging) own(kind *ir.Value) {
	for _, own := range bridgeProtocols {
		b.GuardImm(ir.Ne, kind, etherType(own), slowpath.BridgeProtocol)
	}
	if bridgeSysctl(b.snapshot, "filter-pppoe-tagged") {
		b.GuardImm(ir.Ne, kind, etherType(unix.ETH_P_PPP_SES), slowpath.BridgeProtocol)
	}
}

// bridgeProtocols are ARP and RARP, those of ring protection and of fault management, and the one of pauses.
var bridgeProtocols = []uint16{unix.ETH_P_ARP, unix.ETH_P_RARP, unix.ETH_P_MRP, unix.ETH_P_CFM, unix.ETH_P_PAUSE}
