package synth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// ruler draws rulesets and packets of a small world, so that packets meet rules.
type ruler struct {
	*rand.Rand
	s      introspect.Snapshot
	six    bool
	handle uint64
	table  introspect.TableKey
	chains []string
	sets   int
	odd    bool // there are expressions that programs leave to the kernel
	tracks bool // connections are tracked, and rules ask for them
}

const otherChains = 4

// newRuleset adds a table with chains on every hook of forwarded packets.
func (r *ruler) newRuleset() {
	family := uint8(unix.NFPROTO_INET)
	if r.IntN(2) == 0 {
		family = unix.NFPROTO_IPV4
		if r.six {
			family = unix.NFPROTO_IPV6
		}
	}
	r.table = introspect.TableKey{Family: family, Name: fmt.Sprint("t", r.s.Tables.Len())}
	r.s.Tables = r.s.Tables.With(r.table, introspect.Table{Key: r.table})
	for i := range otherChains {
		r.chain(introspect.Chain{}, fmt.Sprint("c", i), otherChains-1-i)
	}
	for i, hook := range []uint32{0, 2, 4} {
		if r.IntN(3) > 0 || hook == 2 {
			c := introspect.Chain{Base: true, Type: "filter", Hook: hook, Priority: int32(r.IntN(3) - 1), Policy: uint32(min(1, r.IntN(4))), Counts: r.IntN(4) == 0}
			r.chain(c, fmt.Sprint("base", i), otherChains)
		}
	}
}

// chain adds a chain; it leads to the first of the others only, so that there is no loop.
func (r *ruler) chain(c introspect.Chain, name string, leads int) {
	c.Key = introspect.ChainKey{Family: r.table.Family, Table: r.table.Name, Name: name}
	length := r.IntN(7)
	if r.IntN(4) == 0 {
		length = 20 + r.IntN(30)
	}
	alike := r.IntN(2) == 0
	shape := r.IntN(1 << 20)
	for range length {
		r.handle++
		rule := &introspect.ChainRule{Handle: r.handle}
		if alike && r.IntN(8) == 0 {
			rule.Exprs = append(rule.Exprs, r.alike(shape)[:2]...) // what some of the others ask, too
		} else if alike {
			rule.Exprs = r.alike(shape)
		} else {
			for range 1 + r.IntN(3) {
				rule.Exprs = append(rule.Exprs, r.match()...)
			}
		}
		if r.IntN(3) == 0 {
			at := r.IntN(len(rule.Exprs) + 1)
			rule.Exprs = append(rule.Exprs[:at:at], append([]introspect.Expr{r.counter()}, rule.Exprs[at:]...)...)
		}
		if r.odd && r.IntN(25) == 0 {
			rule.Exprs = append(rule.Exprs, introspect.Log{})
		}
		if r.tracks {
			rule.Exprs = r.connected(rule.Exprs)
		}
		if r.IntN(6) > 0 {
			rule.Exprs = append(rule.Exprs, r.verdict(leads))
		}
		c.Rules = append(c.Rules, rule)
	}
	if c.Base {
		family := map[uint8]string{1: "inet", 2: "ip", 10: "ip6"}[c.Key.Family]
		h := introspect.Hook{Kind: "nft", Name: family + " " + c.Key.Table + " " + name, Family: family}
		if family == "inet" {
			h.Family = ""
		}
		r.s.Hooks = r.s.Hooks.With(introspect.Name(h.Name), h)
	}
	r.s.Chains = r.s.Chains.With(c.Key, c)
}

// counter counts, perhaps by a name, of which several rules may have one.
func (r *ruler) counter() introspect.Expr {
	if r.IntN(3) > 0 {
		return introspect.Counter{}
	}
	key := introspect.ObjectKey{Family: r.table.Family, Table: r.table.Name, Name: fmt.Sprint("n", r.IntN(3)), Type: unix.NFT_OBJECT_COUNTER}
	if _, ok := r.s.Objects.Get(key); !ok {
		r.handle++
		r.s.Objects = r.s.Objects.With(key, introspect.StatefulObject{Key: key, Handle: r.handle})
	}
	return introspect.ObjRef{Type: key.Type, Name: key.Name}
}

// alike matches like rules of a list: the same fields, other values.
func (r *ruler) alike(shape int) (all []introspect.Expr) {
	fields := r.fields()
	if shape&(3<<18) == 0 {
		f := fields[r.IntN(2)]
		all = append(f.load(8), introspect.Cmp{SReg: 8, Data: introspect.Data(r.value(f))})
		return append(all, r.gapped(fields[len(fields)-1-shape%6], shape>>4)...)
	}
	for i := range 1 + shape%3 {
		f := fields[(shape>>(4*i))%len(fields)]
		all = append(all, f.load(8)...)
		v := r.value(f)
		if shape&(1<<18) != 0 && r.IntN(2) == 0 && f.size > 1 {
			v = v[:f.size-1] // a prefix
		}
		all = append(all, introspect.Cmp{SReg: 8, Data: introspect.Data(v)})
	}
	return all
}

func (r *ruler) verdict(leads int) introspect.Expr {
	codes := []int32{introspect.VerdictAccept, introspect.VerdictAccept, introspect.VerdictDrop, introspect.VerdictReturn, introspect.VerdictContinue}
	if i := r.IntN(24); i < 3 && leads > 0 {
		return introspect.Verdict{Code: []int32{introspect.VerdictJump, introspect.VerdictJump, introspect.VerdictGoto}[i], Chain: fmt.Sprint("c", otherChains-1-r.IntN(leads))}
	}
	return code(codes[r.IntN(len(codes))])
}

// asked is something that rules ask for: bytes of a header, or a fact.
type asked struct {
	base, offset uint32
	size         int
	key          int // of a fact, -1 for bytes of a header
}

func (f asked) load(to introspect.Register) []introspect.Expr {
	if f.key >= 0 {
		return []introspect.Expr{introspect.Meta{DReg: to, Key: uint32(f.key)}}
	}
	return []introspect.Expr{introspect.Payload{DReg: to, Base: f.base, Offset: f.offset, Len: uint32(f.size)}}
}

func (r *ruler) fields() []asked {
	all := []asked{{2, 0, 2, -1}, {2, 2, 2, -1}, {2, 0, 4, -1}, {2, 2, 2, -1}, {0, 6, 6, -1}, {2, 13, 1, -1}, {0, 0, 1, unix.NFT_META_L4PROTO},
		{0, 0, 4, unix.NFT_META_LEN}, {0, 0, 4, unix.NFT_META_OIF}, {0, 0, 16, unix.NFT_META_OIFNAME}, {0, 0, 16, unix.NFT_META_IIFNAME},
		{0, 0, 4, unix.NFT_META_MARK}, {0, 0, 2, unix.NFT_META_PROTOCOL}, {0, 0, 4, unix.NFT_META_OIFGROUP}}
	if r.six {
		return append(all, asked{1, 8, 16, -1}, asked{1, 24, 16, -1}, asked{1, 24, 16, -1}, asked{1, 7, 1, -1}, asked{1, 0, 2, -1}, asked{1, 20, 8, -1})
	}
	return append(all, asked{1, 12, 4, -1}, asked{1, 16, 4, -1}, asked{1, 16, 4, -1}, asked{1, 12, 8, -1}, asked{1, 8, 1, -1}, asked{1, 1, 1, -1}, asked{1, 8, 4, -1}, asked{1, 10, 2, -1})
}

// value is bytes that a packet may have there.
func (r *ruler) value(f asked) []byte {
	n := naive{s: &r.s, six: r.six, frame: r.frame(), hook: uint32(2 * r.IntN(3))}
	n.link, _ = r.s.Links.Get(2)
	n.oif, _ = r.s.Links.Get(3)
	var v []byte
	if f.key >= 0 {
		v = n.meta(uint32(f.key))
	} else {
		v = n.payload(introspect.Payload{Base: f.base, Offset: f.offset, Len: uint32(f.size)})
	}
	if len(v) != f.size {
		v = make([]byte, f.size)
	}
	v = bytes.Clone(v)
	if r.IntN(12) == 0 {
		v[r.IntN(len(v))] ^= byte(1 << r.IntN(8))
	}
	return v
}

// match is one thing that a rule asks.
func (r *ruler) match() []introspect.Expr {
	if r.IntN(6) == 0 {
		return r.rare()
	}
	fields := r.fields()
	f := fields[r.IntN(len(fields))]
	all, v := f.load(8), introspect.Data(r.value(f))
	switch r.IntN(8) {
	case 0:
		mask := make([]byte, f.size)
		for i := range mask {
			mask[i] = byte(r.oneOf(0xff, 0xff, 0xf0, 0, 0x3c))
		}
		xor := make([]byte, f.size)
		if r.IntN(3) == 0 {
			xor[r.IntN(f.size)] = byte(r.Uint32())
		}
		for i := range xor {
			v = v[:i] + introspect.Data([]byte{v[i]&mask[i] ^ xor[i]}) + v[i+1:]
		}
		all = append(all, introspect.Bitwise{SReg: 8, DReg: 8, Len: uint32(f.size), Mask: introspect.Data(mask), Xor: introspect.Data(xor)})
	case 1:
		if f.size == 4 || f.size == 2 {
			all = append(all, introspect.Byteorder{SReg: 8, DReg: 8, Op: 1, Len: uint32(f.size), Size: uint32(f.size)})
			turned := []byte(v)
			for i := range turned {
				turned[i] = v[len(v)-1-i]
			}
			v = introspect.Data(turned)
		}
	case 2, 3:
		return append(all, r.lookup([]int{f.size}, func() []byte { return r.value(f) }))
	case 4:
		g := fields[r.IntN(len(fields))]
		if f.size <= 16 && g.size <= 16 {
			all = append(all, g.load(12)...)
			pad := (f.size + 3) / 4
			if pad < 4 {
				all = append(f.load(8), g.load(introspect.Register(8+pad))...)
			}
			return append(all, r.lookup([]int{f.size, g.size}, func() []byte {
				return append(append(r.value(f), make([]byte, pad*4-f.size)...), r.value(g)...)
			}))
		}
	case 5:
		if r.IntN(2) == 0 {
			w := introspect.Data(r.value(f))
			return append(all, introspect.Range{SReg: 8, Op: uint32(r.IntN(2)), From: min(v, w), To: max(v, w)})
		}
	}
	if f.size > 1 && r.IntN(4) == 0 {
		v = v[:1+r.IntN(f.size)]
	}
	op := uint32(0)
	if r.IntN(3) == 0 {
		op = uint32(r.IntN(6))
	}
	return append(all, introspect.Cmp{SReg: 8, Op: op, Data: v})
}

func (r *ruler) oneOf(n ...int) int { return n[r.IntN(len(n))] }

// frame is a packet that may be forwarded.
func (r *ruler) frame() []byte {
	if r.six {
		return r.frame6()
	}
	f := datagram(from(10, 1, 0, byte(2+r.IntN(4))), to(192, 0, 2, byte(r.IntN(6))), put(22, byte(r.oneOf(2, 3, 64, 65))),
		put(15, byte(r.oneOf(0, 0, 8, 0x2e))), put(23, byte(r.oneOf(6, 17, 17))), put(18, 0, byte(r.IntN(3))))
	if r.IntN(4) == 0 {
		copy(f[6:], []byte{2, 0, 0, 0, 1, byte(r.IntN(3))})
	}
	r.stray(f[27:])
	copy(f[34:], r.ports())
	f[47] = byte(r.oneOf(2, 16, 18, 0))
	if r.IntN(20) == 0 {
		f = f[:34+r.IntN(20)]
		f[17] = byte(len(f) - 14)
	}
	return repair(f)
}

func (r *ruler) ports() []byte {
	port := func() []byte {
		return binary.BigEndian.AppendUint16(nil, uint16(r.oneOf(22, 53, 80, 443, 1000+r.IntN(8))))
	}
	return append(port(), port()...)
}

func (r *ruler) frame6() []byte {
	f := datagram6(from6(fmt.Sprint("2001:db8:1::", 2+r.IntN(4))), to6(fmt.Sprintf("2001:db8:f:%d::%d", r.IntN(2), r.IntN(5))),
		put(21, byte(r.oneOf(2, 3, 64, 65))), put(20, byte(r.oneOf(6, 17, 17))), put(15, byte(r.oneOf(0, 0x40))))
	r.stray(f[27:])
	copy(f[54:], r.ports())
	f[67] = byte(r.oneOf(2, 16, 18, 0))
	if r.IntN(20) == 0 {
		f = payload6(r.IntN(20))(f)
	}
	return f
}
