package synth

import (
	"bytes"
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/filter"
)

// naive does with a packet what the kernel's nf_tables_core.c does, without haste, for the expressions of these tests.
type naive struct {
	s       *introspect.Snapshot
	link    introspect.Link // by which it came
	six     bool
	oif     introspect.Link
	frame   []byte // an Ethernet header of 14 bytes, and a packet without options
	hook    uint32
	ct      state // of the connection
	counted map[filter.CounterID]int
}

// fate is what becomes of a packet.
type fate int

const (
	passed fate = iota
	dropped
	strange // a rule was reached that programs leave to the kernel
)

// codeStrange is the code of a verdict at which programs stop.
const codeStrange = 1000

func (n *naive) run() fate {
	for _, hook := range []uint32{0, 2, 4} {
		n.hook = hook
		var bases []introspect.Chain
		for _, c := range n.s.Chains.All() {
			if c.Base && c.Hook == hook && (c.Key.Family == n.family() || c.Key.Family == unix.NFPROTO_INET) {
				bases = append(bases, c)
			}
		}
		slices.SortStableFunc(bases, func(a, b introspect.Chain) int { return int(a.Priority - b.Priority) })
		for _, c := range bases {
			n.comes(c.Priority)
			switch n.chain(c) {
			case introspect.VerdictAccept:
			case codeStrange:
				return strange
			case introspect.VerdictDrop:
				return dropped
			default:
				if c.Policy == 0 {
					return dropped
				}
				if c.Counts {
					n.counted[filter.CounterID{Chain: c.Key}]++
				}
			}
		}
	}
	return passed
}

// chain gives accept, drop, strange, or continue at the end of the chain.
func (n *naive) chain(c introspect.Chain) int32 {
	for _, r := range c.Rules {
		v := n.rule(c, r)
		switch v.Code {
		case introspect.VerdictContinue, introspect.VerdictBreak:
		case introspect.VerdictReturn:
			return introspect.VerdictContinue
		case introspect.VerdictJump, introspect.VerdictGoto:
			to, _ := n.s.Chains.Get(introspect.ChainKey{Family: c.Key.Family, Table: c.Key.Table, Name: v.Chain})
			if code := n.chain(to); code != introspect.VerdictContinue || v.Code == introspect.VerdictGoto {
				return code
			}
		default:
			return v.Code
		}
	}
	return introspect.VerdictContinue
}

func code(c int32) introspect.Verdict { return introspect.Verdict{Code: c} }

func (n *naive) rule(c introspect.Chain, r *introspect.ChainRule) introspect.Verdict {
	var regs [64]byte
	nth := 0
	at := func(r introspect.Register) []byte { return regs[4*int(r):] }
	put := func(r introspect.Register, data []byte) {
		clear(at(r)[:(len(data)+3)/4*4])
		copy(at(r), data)
	}
	for _, e := range r.Exprs {
		switch e := e.(type) {
		case introspect.Payload:
			data := n.payload(e)
			if data == nil {
				return code(introspect.VerdictBreak) // past the end of the packet
			}
			put(e.DReg, data)
		case introspect.Meta:
			data := n.meta(e.Key)
			if data == nil {
				return code(introspect.VerdictBreak) // there is no such interface yet
			}
			put(e.DReg, data)
		case introspect.Ct:
			data := n.connection(e.Key)
			if data == nil {
				return code(introspect.VerdictBreak)
			}
			put(e.DReg, data)
		case introspect.Notrack:
			if n.ct == nothing {
				n.ct = notTracked
			}
		case introspect.Fib:
			put(e.DReg, n.back(e))
		case introspect.Immediate:
			put(e.DReg, []byte(e.Data))
		case introspect.Bitwise:
			out := make([]byte, e.Len)
			for i := range out {
				out[i] = at(e.SReg)[i]&e.Mask[i] ^ e.Xor[i]
			}
			put(e.DReg, out)
		case introspect.Byteorder:
			out := make([]byte, e.Len)
			for i := 0; i < int(e.Len); i += int(e.Size) {
				for k := range int(e.Size) {
					out[i+k] = at(e.SReg)[i+int(e.Size)-1-k]
				}
			}
			put(e.DReg, out)
		case introspect.Cmp:
			d := bytes.Compare(at(e.SReg)[:len(e.Data)], []byte(e.Data))
			if ok := []bool{d == 0, d != 0, d < 0, d <= 0, d > 0, d >= 0}[e.Op]; !ok {
				return code(introspect.VerdictBreak)
			}
		case introspect.Range:
			v := at(e.SReg)[:len(e.From)]
			if in := bytes.Compare(v, []byte(e.From)) >= 0 && bytes.Compare(v, []byte(e.To)) <= 0; in != (e.Op == unix.NFT_RANGE_EQ) {
				return code(introspect.VerdictBreak)
			}
		case introspect.Counter:
			n.counted[filter.CounterID{Chain: c.Key, Handle: r.Handle, Nth: nth}]++
			nth++
		case introspect.ObjRef:
			key := introspect.ObjectKey{Family: c.Key.Family, Table: c.Key.Table, Name: e.Name, Type: e.Type}
			object, _ := n.s.Objects.Get(key)
			if e.Type != unix.NFT_OBJECT_COUNTER {
				return code(codeStrange)
			}
			n.counted[filter.CounterID{Chain: introspect.ChainKey{Family: key.Family, Table: key.Table}, Handle: object.Handle, Object: e.Name}]++
		case introspect.Lookup:
			set, _ := n.s.Sets.Get(introspect.SetKey{Family: c.Key.Family, Table: c.Key.Table, Name: e.Set})
			v, found := n.find(set, at(e.SReg)[:set.KeyLen])
			if found == e.Invert {
				return code(introspect.VerdictBreak)
			}
			if e.DReg == introspect.VerdictRegister && v.Code != introspect.VerdictContinue {
				return v
			}
		case introspect.Match:
			matches, hot := n.xt(e)
			if hot {
				return code(introspect.VerdictDrop)
			}
			if !matches {
				return code(introspect.VerdictBreak)
			}
		case introspect.Verdict:
			if e.Code != introspect.VerdictContinue {
				return e
			}
		default:
			return code(codeStrange)
		}
	}
	return code(introspect.VerdictContinue)
}

// find looks a key up: exactly, as a closed interval in each part, or between two elements of a set of intervals.
func (n *naive) find(s introspect.Set, key []byte) (introspect.Verdict, bool) {
	var last *introspect.Element
	var rest introspect.Verdict
	caught := false
	for k, e := range s.Elements.All() {
		switch {
		case k.CatchAll:
			rest, caught = e.Verdict, true
		case s.Flags&introspect.SetInterval == 0 && string(k.Key) == string(key):
			return e.Verdict, true
		case s.Flags&introspect.SetInterval == 0:
		case len(s.Fields) > 1:
			if inParts(s.Fields, []byte(k.Key), []byte(k.To), key) {
				return e.Verdict, true
			}
		case string(k.Key) <= string(key):
			last = &e
		}
	}
	if last != nil && !last.Key.End {
		return last.Verdict, true
	}
	return rest, caught
}

func inParts(fields []uint8, from, to, key []byte) bool {
	if len(to) == 0 {
		to = from
	}
	at := 0
	for _, f := range fields {
		end := at + int(f)
		if bytes.Compare(key[at:end], from[at:end]) < 0 || bytes.Compare(key[at:end], to[at:end]) > 0 {
			return false
		}
		at += (int(f) + 3) / 4 * 4
	}
	return true
}

// packet is the network packet as it is at the hook.
func (n *naive) packet() []byte {
	p := bytes.Clone(n.frame[14:])
	switch {
	case n.hook == 0:
	case n.six:
		p[7]--
	default:
		return countDown(bytes.Clone(n.frame))[14:]
	}
	return p
}

func (n *naive) family() uint8 {
	if n.six {
		return unix.NFPROTO_IPV6
	}
	return unix.NFPROTO_IPV4
}

func (n *naive) header() int {
	if n.six {
		return 40
	}
	return 20
}

func (n *naive) payload(e introspect.Payload) []byte {
	b := n.frame[:14]
	switch e.Base {
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
		b = n.packet()
	case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		b = n.packet()[n.header():]
	}
	if end := int(e.Offset + e.Len); end <= len(b) {
		return b[e.Offset:end]
	}
	return nil
}

func (n *naive) meta(key uint32) []byte {
	host := func(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
	name := func(l introspect.Link) []byte { return append([]byte(l.Name), make([]byte, 16-len(l.Name))...) }
	oif := n.oif
	if n.hook == 0 {
		oif = introspect.Link{}
		if key == unix.NFT_META_OIFTYPE || key == unix.NFT_META_OIFGROUP {
			return nil
		}
	}
	switch key {
	case unix.NFT_META_LEN:
		return host(uint32(len(n.frame) - 14))
	case unix.NFT_META_PROTOCOL:
		return n.frame[12:14]
	case unix.NFT_META_NFPROTO:
		return []byte{n.family()}
	case unix.NFT_META_L4PROTO:
		if n.six {
			return n.frame[20:21]
		}
		return n.frame[23:24]
	case unix.NFT_META_PKTTYPE:
		return []byte{0}
	case unix.NFT_META_MARK:
		return host(0)
	case unix.NFT_META_IIF:
		return host(uint32(n.link.Index))
	case unix.NFT_META_IIFNAME:
		return name(n.link)
	case unix.NFT_META_IIFGROUP:
		return host(n.link.Group)
	case unix.NFT_META_OIF:
		return host(uint32(oif.Index))
	case unix.NFT_META_OIFNAME:
		return name(oif)
	case unix.NFT_META_OIFGROUP:
		return host(oif.Group)
	}
	return nil
}
