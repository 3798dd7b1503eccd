package synth

import (
	"cmp"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// Where the kernel finds a packet's connection and translates its addresses, whatever the priority of the chains that
// say what to translate (enum nf_ip_hook_priorities).
var (
	stageTracks          = filter.Stage{Hook: unix.NF_INET_PRE_ROUTING, Priority: -200}
	stageTranslatesDest  = filter.TranslatesDest
	stageTranslateSource = filter.TranslatesSource
)

// compareStages orders stages as packets pass them. Which of two hooks of one stage comes first nobody tells.
func compareStages(a, b filter.Stage) int {
	return cmp.Or(cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Priority, b.Priority))
}

// translatedField reads a place of the frame as it is at a stage. Of checksums behind a translation nothing is known: nil.
func (c *compiler) translatedField(at filter.Stage, place int, width uint8) *ir.Value {
	v := c.Load(place, width)
	if t := c.pkt.connection; t == nil || !t.Table.Tracking.NAT || compareStages(at, stageTranslatesDest) < 0 {
		return v
	}
	sums := []int{c.ip.end() + atTCPChecksum, c.ip.end() + atUDPChecksum}
	if slices.Contains(sums, place) || !c.ip.six && place == atHeaderSum {
		return nil
	}
	if name, ok := c.rewritten(place, c.ip.dest, c.ip.end()+2, "dest", "dport"); ok {
		return c.translatedAt(compareStages(at, stageTranslatesDest), v, name)
	}
	if name, ok := c.rewritten(place, c.ip.source, c.ip.end(), "source", "sport"); ok {
		return c.translatedAt(compareStages(at, stageTranslateSource), v, name)
	}
	return v
}

// rewritten names the field that is to stand at a place, if it is one of an address or the port.
func (c *compiler) rewritten(place int, address []int, atPort int, name, port string) (string, bool) {
	if place == atPort {
		return port, true
	}
	i := slices.Index(address, place)
	switch {
	case i < 0:
		return "", false
	case !c.ip.six:
		return name, true
	}
	return name + []string{"hi", "lo"}[i], true
}

// translatedAt is what stands there before or after it is translated. At the same stage, nothing may change.
func (c *compiler) translatedAt(when int, own *ir.Value, name string) *ir.Value {
	if when < 0 {
		return own
	}
	v := c.Field(c.pkt.connection, name)
	if when == 0 {
		c.Guard(ir.Eq, v, own, slowpath.RulesetConn)
	}
	return v
}

// connectionFact is what the packet's connection is to rules behind the hook that finds it. Packets of connections that
// have a zone are left to the kernel before.
func (c *compiler) connectionFact(at filter.Stage, f filter.Field) *ir.Value {
	const established = 1 << 1 // NF_CT_STATE_BIT(IP_CT_ESTABLISHED), in either direction
	if c.pkt.connection == nil || compareStages(at, stageTracks) <= 0 {
		return nil
	}
	switch f.ConnKey() {
	case unix.NFT_CT_STATE:
		return c.Const(established)
	case unix.NFT_CT_DIRECTION:
		return c.Field(c.pkt.connection, "dir")
	case unix.NFT_CT_STATUS:
		return c.Field(c.pkt.connection, "status")
	case unix.NFT_CT_MARK:
		return c.Field(c.pkt.connection, "mark")
	case unix.NFT_CT_L3PROTOCOL:
		return c.Const(uint64(c.ip.nfproto))
	case unix.NFT_CT_PROTOCOL:
		return c.Load(c.ip.protocol, 1)
	case unix.NFT_CT_ZONE:
		return c.Const(0)
	case unix.NFT_CT_SRC:
		return c.tupleWord(f, c.ip.source, "source", "dest")
	case unix.NFT_CT_DST:
		return c.tupleWord(f, c.ip.dest, "dest", "source")
	case unix.NFT_CT_PROTO_SRC:
		return c.ofTuple(f, c.Load(c.ip.end(), 2), "dport")
	case unix.NFT_CT_PROTO_DST:
		return c.ofTuple(f, c.Load(c.ip.end()+2, 2), "sport")
	}
	return nil
}

// tupleWord is a word of an address of one of the connection's tuples.
func (c *compiler) tupleWord(f filter.Field, own []int, name, opposite string) *ir.Value {
	i := 0
	if f.At&filter.ConnLow != 0 {
		i = 1
	}
	if i >= len(own) {
		return nil
	}
	if other, ok := c.rewritten(own[i], own, -1, opposite, ""); ok {
		return c.ofTuple(f, c.Load(own[i], c.ip.word), other)
	}
	return nil
}

// ofTuple is what stands in one of the connection's tuples: in that of the packet's direction what came in, in the other
// one the opposite of what goes out.
func (c *compiler) ofTuple(f filter.Field, own *ir.Value, opposite string) *ir.Value {
	direction := c.Const(0)
	if f.At&filter.ConnReply != 0 {
		direction = c.Const(1)
	}
	row := c.pkt.connection
	return c.Select(ir.Eq, c.Field(row, "dir"), direction, own, c.Field(row, opposite))
}
