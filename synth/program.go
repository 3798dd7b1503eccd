package synth

import (
	"fmt"
	"strconv"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// compiler writes the program of one interface.
type compiler struct {
	*ir.Builder
	snapshot *introspect.Snapshot
	port     introspect.Link // has the program: frames come in by it
	link     introspect.Link // has the addresses: packets come in by it as far as IP knows
	options  Options
	shape    Shape
	picks    map[*layout]picker          // which view the routes of a family are in
	left     map[*layout]slowpath.Reason // why packets of a family are the kernel's; None: not all of them are
	chains   map[*layout]*filter.Path    // what the ruleset means to a family; nil: it is not followed
	tallied  bool                        // something is to be counted should the packet be forwarded
	within   string                      // prefix of the names of blocks, and behind it
	arm      string                      // another one
	asides   []func()                    // write what an arm has put off
	ip       *layout                     // of the packets that the arm is for
	pkt      packet
}

// The arms of a program: by the tables, by the tables with another look at the length and a note of the use, by the live
// lookup where the tables say so, and by the live lookup while the tables are behind. Each is there for either family.
const (
	armHot    = "hot"
	armOver   = "over"
	armChoose = "choose"
	armCold   = "cold"
)

// packet is what the stages have read of the packet; each arm reads it anew.
type packet struct {
	header [5]*ir.Value // the IPv4 header in words of four bytes, least significant first
	length *ir.Value    // total length
	hops   *ir.Value    // IPv6: hop limit
	source []*ir.Value
	dest   []*ir.Value
	frame  *ir.Value // length of the frame, without what it is filled up with
	filled *ir.Value // how much that is; nil where it is nothing
	row    *ir.Value // the nexthop by the tables, nil where they are not asked
	// connection is the row of the packet's connection, nil where connections are not tracked, or this one is not
	connection *ir.Value
	oif        *ir.Value
	early      early
}

// stage looks at a packet; false if none goes on.
type stage func(*compiler) (goesOn bool)

// The stages look at a packet in this order, until one is not sure that it is to be forwarded. The cheap ones that tell
// apart most come first, and what the row says, so that what the kernel gets costs little; then the header's checksum
// after what it costs least to find wrong; sources come last, because they may need the routes.
func (l *layout) arriving() []stage {
	if l.six {
		return []stage{(*compiler).header6, (*compiler).find, (*compiler).length, (*compiler).connection, (*compiler).found, (*compiler).fit}
	}
	return []stage{(*compiler).ether, (*compiler).version, (*compiler).find, (*compiler).length, (*compiler).connection,
		(*compiler).found, (*compiler).fit}
}

func (l *layout) leaving() []stage {
	if l.six {
		return []stage{(*compiler).nextHeader, (*compiler).hopLimit, (*compiler).sources6, (*compiler).elsewhere, (*compiler).partial}
	}
	return []stage{(*compiler).fragment, (*compiler).checksum, (*compiler).ttl, (*compiler).sources, (*compiler).elsewhere, (*compiler).partial}
}

// Program writes the program of an interface that Refuse accepts. It forwards the packets of which it is sure by the
// tables of the given Shape, and leaves the others to the kernel.
//
// It looks first whether the kernel has announced a change that the tables do not hold yet. While it has not, one compare
// guards them all. Else, if only routes and neighbours have changed, the kernel's live lookup is asked, for as long as
// it answers as the kernel would.
func Program(s *introspect.Snapshot, ifindex int, o Options, shape Shape) (*ir.Program, error) {
	link, ok := s.Links.Get(introspect.Index(ifindex))
	if !ok {
		return nil, fmt.Errorf("synth: program interface %d: there is none", ifindex)
	}
	if len(shape.Views) == 0 || shape.Rows == 0 || shape.Devices == 0 {
		return nil, fmt.Errorf("synth: program %s: tables without a shape", link.Name)
	}
	c := &compiler{Builder: ir.NewBuilder("if" + strconv.Itoa(ifindex)), snapshot: s, port: link, options: o, shape: shape,
		left: map[*layout]slowpath.Reason{}, picks: map[*layout]picker{}, chains: map[*layout]*filter.Path{}}
	if bridge, ok := bridgeOf(s, link); ok {
		return c.bridgePort(bridge)
	}
	c.receivedBy(link)
	c.metadata()
	c.route()
	return c.checked()
}

// receivedBy says by which interface packets come in as far as IP knows.
func (c *compiler) receivedBy(link introspect.Link) {
	c.link = link
	if _, ok := vrfOf(c.snapshot, link); ok || link.Index != c.port.Index {
		// Whether it finds the VRF is not the same in all kernels; and of a bridge it would take the port for the interface.
		c.options.FIBLookup = false
	}
	for _, ip := range []*layout{layout4, layout6} {
		c.picks[ip] = pickerOf(c.snapshot, link, c.shape, ip)
		c.left[ip] = leave(subject{c.snapshot, link, c.options}, ip, c.shape).reason
		if c.options.Ruleset {
			c.chains[ip] = rulesetOf(c.snapshot, link, ip, c.shape)
		}
	}
}

// checked is the program that has been written.
func (c *compiler) checked() (*ir.Program, error) {
	if err := ir.Check(c.Program); err != nil {
		return nil, fmt.Errorf("synth: program %s: %w", c.port.Name, err)
	}
	return c.Program, nil
}

// route writes the arms that route.
func (c *compiler) route() {
	hot, cold := c.NewBlock(c.within+armHot), c.NewBlock(c.within+armCold)
	c.If(ir.Ne, c.Moved(slowpath.Any), c.Const(0), cold, hot, true)
	c.Start(hot)
	if c.stages(armHot, layout4, early{}) {
		c.last()
	}
	c.finish()
	c.Start(cold)
	if c.leave(slowpath.Moved, c.coherent) {
		c.Punt(slowpath.Moved)
		return
	}
	c.GuardImm(ir.Eq, c.Moved(slowpath.Config), 0, slowpath.Moved)
	if c.stages(armCold, layout4, early{}) {
		c.last()
	}
	c.finish()
}

// last sends the packet that has passed all stages.
func (c *compiler) last() {
	if c.arm == armCold {
		c.martianDest()
		c.live()
		return
	}
	c.forward()
}

// finish writes what was put off.
func (c *compiler) finish() {
	for len(c.asides) > 0 {
		write := c.asides[0]
		c.asides = c.asides[1:]
		write()
	}
}

// leave leaves families of which something does not hold to the kernel; it tells whether all of them are by now.
func (c *compiler) leave(r slowpath.Reason, unless func(*layout) bool) (all bool) {
	all = true
	for ip, before := range c.left {
		if before == slowpath.None && !unless(ip) {
			c.left[ip] = r
		}
		all = all && c.left[ip] != slowpath.None
	}
	return all
}

// coherent tells whether a packet can be decided while routes and neighbours change: nothing that the program knows of
// them is asked then, so the live lookup must know all of it.
func (c *compiler) coherent(ip *layout) bool {
	view, _ := c.shape.view(ip.table)
	return c.options.FIBLookup && c.picks[ip].plain && (ip.six || view.Inline && c.rpFilter() == 0)
}

// view is where the routes of the packet's family are looked up.
func (c *compiler) view() ViewShape {
	view, _ := c.shape.view(c.ip.table)
	return view
}

// stages looks at the packet, of which the early chains may have been asked already; false if none is ever forwarded.
func (c *compiler) stages(arm string, ip *layout, asked early) bool {
	c.arm, c.ip, c.pkt = arm, ip, packet{early: asked}
	return c.look(ip.arriving()) && c.look(ip.leaving())
}

func (c *compiler) look(stages []stage) bool {
	for _, look := range stages {
		if !look(c) {
			return false
		}
	}
	return true
}

// block makes a block of the arm that is being written.
func (c *compiler) block(name string) *ir.Block { return c.NewBlock(c.blockName(name)) }

func (c *compiler) blockName(name string) string {
	if c.pkt.early.untracked {
		name = "untracked-" + name
	}
	return c.within + c.arm + c.ip.suffix + "-" + name
}

// SameCode tells whether two programs are the same, so that there is nothing to swap.
func SameCode(a, b *ir.Program) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.String() == b.String()
}
