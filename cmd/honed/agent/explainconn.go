package agent

import (
	"encoding/binary"
	"net/netip"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/upkeep"
	"github.com/hone-net/hone/synth"
	"github.com/hone-net/hone/synth/ir"
)

// finder asks the kernel for the connection of a packet.
type finder func(protocol uint8, source, dest netip.AddrPort) (upkeep.Connection, bool, error)

// lasting is the status of a connection that has seen packets both ways: IPS_SEEN_REPLY, IPS_ASSURED, IPS_CONFIRMED.
const lasting = 1<<1 | 1<<2 | 1<<3

// connectionOf is the connection of a packet that is said to be of an established one. What becomes of its addresses is known
// if the kernel has that connection; else the note says why not.
func connectionOf(find finder, s *introspect.Snapshot, frame []byte) (c *synth.Connection, note string) {
	c = &synth.Connection{Status: lasting}
	protocol, source, dest, ok := synth.Ends(frame)
	if find == nil || !ok || !synth.Tracks(s, frame) {
		return c, ""
	}
	found, ok, err := find(protocol, source, dest)
	if err != nil {
		return c, err.Error()
	}
	if !ok {
		return c, "the kernel has no such connection"
	}
	c.Source, c.Dest, c.Reply, c.Mark, c.Status = found.Source, found.Dest, found.Reply, found.Mark, found.Status|lasting
	return c, ""
}

// tableOf stands for the kernel's table of connections, which has this one for every packet, and none if it is nil; its packets may
// be left to the kernel.
func tableOf(c *synth.Connection, leaves slowpath.Reason) (four, six func(args []uint64) []byte) {
	four = func(args []uint64) []byte {
		return rowOf(ir.Conntrack.LiveRow(), ir.ConntrackFields, entry(c, leaves, []string{"source", "dest", "protocol", "sport", "dport"}, args))
	}
	six = func(args []uint64) []byte {
		names := []string{"sourcehi", "sourcelo", "desthi", "destlo", "protocol", "sport", "dport"}
		return rowOf(ir.Conntrack6.LiveRow(), ir.Conntrack6Fields, entry(c, leaves, names, args))
	}
	return four, six
}

// entry is what a row says of a packet with some arguments: what they are, unless it is known what becomes of them.
func entry(c *synth.Connection, leaves slowpath.Reason, names []string, args []uint64) map[string]uint64 {
	if c == nil {
		leaves = slowpath.ConntrackMiss
	}
	if leaves != slowpath.None {
		return map[string]uint64{"reason": uint64(leaves)}
	}
	values := map[string]uint64{"status": uint64(c.Status), "mark": uint64(c.Mark)}
	for i, name := range names {
		values[name] = args[i]
	}
	if c.Reply {
		values["dir"] = 1
	}
	if !c.Source.IsValid() {
		return values
	}
	for name, end := range map[string]netip.AddrPort{"source": c.Source, "dest": c.Dest} {
		values[name[:1]+"port"] = uint64(end.Port())
		if b := end.Addr().AsSlice(); end.Addr().Is4() {
			values[name] = uint64(binary.BigEndian.Uint32(b))
		} else {
			values[name+"hi"], values[name+"lo"] = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		}
	}
	return values
}

// rowOf is a row with some of its fields set.
func rowOf(size int, fields []ir.Field, values map[string]uint64) []byte {
	row := make([]byte, size)
	for _, f := range fields {
		switch to := row[f.Offset:]; f.Width {
		case 2:
			binary.NativeEndian.PutUint16(to, uint16(values[f.Name]))
		case 4:
			binary.NativeEndian.PutUint32(to, uint32(values[f.Name]))
		case 8:
			binary.NativeEndian.PutUint64(to, values[f.Name])
		}
	}
	return row
}
