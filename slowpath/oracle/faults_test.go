package oracle

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/ir"
)

// plant is a mistake that a forwarder can make, with a configuration whose packets must show it. If it is not found, the
// oracle is blind there.
type plant struct {
	fault
	config string
}

var planted = []plant{
	{fault{name: "forwards packets whose time is over", program: without(slowpath.TTL)}, "plain"},
	{fault{name: "takes two off the TTL", program: faster}, "plain"},
	{fault{name: "forgets the carry of the checksum", program: constant(0xfffe<<16, 0xffff<<16)}, "plain"},
	{fault{name: "forwards wrong header checksums", program: without(slowpath.HeaderChecksum)}, "plain"},
	{fault{name: "forwards frames of other lengths than they say", program: without(slowpath.Length)}, "plain"},
	{fault{name: "forwards options and other versions", program: always("other")}, "plain"},
	{fault{name: "forwards what is for other stations", program: without(slowpath.OtherHost)}, "plain"},
	{fault{name: "forwards tagged frames untagged", program: without(slowpath.VLANTag)}, "tags in metadata"},
	{fault{name: "forwards unfinished checksums", program: without(slowpath.PartialChecksum)}, "partial checksums"},
	{fault{name: "forwards martian sources", program: without(slowpath.SourceMartian)}, "plain"},
	{fault{name: "forwards its own sources", program: without(slowpath.SourceOwn)}, "plain"},
	{fault{name: "does not ask for the way back", program: always("source")}, "rp_filter all 1 r0 0"},
	{fault{name: "forwards what is too long", program: without(slowpath.MTU)}, "egress mtu"},
	{fault{name: "sends to another MAC", tables: scrambled(0)}, "plain"},
	{fault{name: "sends from another MAC", tables: scrambled(8)}, "plain"},
	{fault{name: "sends by another port", tables: otherPort}, "plain"},
	{fault{name: "does not notice changes of routes", program: unmoved(slowpath.Any)}, "change: another gateway"},
	{fault{name: "does not notice ICMP errors", program: unmoved(slowpath.Any)}, "change: learned mtu"},
	{fault{name: "does not know what was learned", snapshot: func(s *introspect.Snapshot) {
		s.Learned4 = introspect.Map[introspect.Address, introspect.Exception]{}
	}}, "learned mtu"},
	{fault{name: "does not notice moved neighbours", program: unmoved(slowpath.Any)}, "change: neighbour moves"},
	{fault{name: "does not notice changes of anything else", program: unmoved(slowpath.Config)}, "change: filter"},
	{fault{name: "does not ask whether the lookup found anything", program: without(slowpath.LiveLookup)}, "change: route withdrawn"},
	{fault{name: "forwards to nowhere by the lookup", program: without(slowpath.DestMartian)}, "default route"},
}

func TestPlantedFaultsAreFound(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	seed, configs, caught := seed(), configs(), 0
	all := slices.Concat(planted, planted6, plantedRules)
	for _, p := range all {
		if !strings.HasPrefix(p.name, *onlyFlag) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			i := slices.IndexFunc(configs, func(c config) bool { return c.name == p.config })
			if i < 0 {
				t.Fatalf("no configuration %q", p.config)
			}
			c := configs[i]
			b := start(t, c)
			g := b.generator(c, seed)
			frames, more := g.frames(1500), g.frames(1500)
			p.fault.kernel = altered(t, c, more)
			o, err := b.judge(c, p.fault, frames, more)
			if err != nil {
				t.Fatal(err)
			}
			// A program that does not look at the epochs cannot be put aside to send a packet once more: batches that differ
			// are all that is seen of it.
			if len(o.findings) == 0 && o.unsteady <= maxUnsteady {
				t.Errorf("seed %d: not found in %d packets (%s)", seed, o.packets, &o)
				return
			}
			caught++
			t.Logf("found: %d packets, %d batches", len(o.findings), o.unsteady)
		})
	}
	t.Logf("told: %d of %d planted faults found", caught, len(all))
}

// altered gives what the kernel does with the frames when a configuration has changed, in a router of its own: a faulty
// program may not let itself be put aside.
func altered(t *testing.T, c config, frames [][]byte) []arrivals {
	t.Helper()
	if len(c.alter) == 0 {
		return nil
	}
	b, err := newBed(c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if err := errors.Join(b.configure(c.alter), b.open()); err != nil {
		t.Fatal(err)
	}
	return b.mustPlay(t, frames)
}

// without drops every guard that leaves packets to the kernel for a Reason.
func without(r slowpath.Reason) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			b.Values = slices.DeleteFunc(b.Values, func(v *ir.Value) bool { return v.Op == ir.OpGuard && v.Reason == r })
		}
	}
}

// constant puts another number in the place of one.
func constant(from, to uint64) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			for _, v := range b.Values {
				if v.Op == ir.OpConst && v.Imm == from {
					v.Imm = to
				}
			}
		}
	}
}

// faster takes one more off the TTL, and makes the checksum right for that.
func faster(p *ir.Program) {
	for _, b := range p.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpStoreLE && v.Imm == lab.OffTTL {
				sum := v.Args[0]
				sum.Args[1].Args[2].Imm += 1<<16 - 1
				sum.Args[1].Args[3].Imm += 1<<16 - 1
			}
		}
	}
}

// always takes the other way where a branch leads to blocks of this name.
func always(name string) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			if b.Exit.Kind == ir.If && strings.HasSuffix(b.Exit.Then.Name, "-"+name) {
				b.Exit = ir.Exit{Kind: ir.Jump, Then: b.Exit.Else}
			}
		}
		p.Blocks = slices.DeleteFunc(p.Blocks, func(b *ir.Block) bool { return strings.HasSuffix(b.Name, "-"+name) })
	}
}

// unmoved takes a domain for one that never changes.
func unmoved(d slowpath.Domain) func(*ir.Program) {
	return func(p *ir.Program) {
		for _, b := range p.Blocks {
			for _, v := range b.Values {
				if v.Op == ir.OpMoved && v.Domain == d {
					*v = ir.Value{ID: v.ID, Op: ir.OpConst}
				}
			}
		}
	}
}

// nexthopRow is the length of a row of the table of nexthops.
const nexthopRow = 32

// scrambled changes a byte of every usable row of the table of nexthops.
func scrambled(off int) func([]ir.Write) []ir.Write {
	return eachRow(func(row []byte) { row[off] ^= 0x10 })
}

func otherPort(w []ir.Write) []ir.Write {
	return eachRow(func(row []byte) {
		if row[16] == 3 {
			row[16] = 4
		}
	})(w)
}

func eachRow(change func(row []byte)) func([]ir.Write) []ir.Write {
	return func(writes []ir.Write) []ir.Write {
		var all []ir.Write
		for _, w := range writes {
			if w.Table == "nexthop" {
				w.Data = slices.Clone(w.Data)
				for row := range slices.Chunk(w.Data, nexthopRow) {
					if len(row) == nexthopRow && !slices.Equal(row[:8], make([]byte, 8)) {
						change(row)
					}
				}
			}
			all = append(all, w)
		}
		return all
	}
}
