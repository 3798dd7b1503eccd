package synth

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// world is a random configuration that changes.
type world struct {
	*rand.Rand
	introspect.Snapshot
	throws bool // there are throw routes
	six    bool
}

func newWorld(seed uint64, six bool) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), six: six}
	for range 4 {
		w.link()
	}
	for priority, table := range defaultRules {
		if table != tableDefault || !six {
			w.rule(introspect.Rule{Key: introspect.RuleKey{Priority: priority}, Table: table})
		}
	}
	for range w.IntN(60) {
		w.step()
	}
	return w
}

// rule adds a rule that leads to a table.
func (w *world) rule(r introspect.Rule) {
	r.Action, r.SuppressGroup = unix.FR_ACT_TO_TBL, introspect.Nothing
	if r.SuppressPrefix == 0 {
		r.SuppressPrefix = introspect.Nothing
	}
	w.addRule(r)
}

func (w *world) addRule(r introspect.Rule) {
	if w.six {
		w.Rules6 = w.Rules6.With(r.Key, r)
	} else {
		w.Rules4 = w.Rules4.With(r.Key, r)
	}
}

func (w *world) addr() netip.Addr {
	// A small world: everything is near everything else.
	a := uint32(10+w.IntN(2))<<24 | uint32(w.IntN(3))<<16 | uint32(w.IntN(3))<<8 | uint32(w.IntN(6))
	if w.IntN(40) == 0 {
		a = w.Uint32()
	}
	if w.six {
		return w.addr6(a)
	}
	return netipAddr(a)
}

// addr6 puts a small number into an IPv6 address: half of it where networks are told apart, the rest at the end.
func (w *world) addr6(a uint32) netip.Addr {
	hi, lo := 0x2001<<48|uint64(a>>8), uint64(a&0xff)
	switch w.IntN(30) {
	case 0:
		hi = uint64(w.oneOf(0, 0xfe80<<48-1<<63, 0xff02<<48-1<<63)) | uint64(w.IntN(2))<<63
	case 1:
		lo = w.Uint64()
	}
	return netipAddr6(hi, lo)
}

func (w *world) oneOf(n ...int) int { return n[w.IntN(len(n))] }

func (w *world) dev() introspect.Index { return introspect.Index(2 + w.IntN(4)) }

func (w *world) link() {
	i := w.dev()
	l := introspect.Link{Index: i, Name: fmt.Sprint("r", i), Type: 1, Flags: 0x11043, MTU: uint32(w.oneOf(1500, 1500, 1400)),
		MAC: introspect.MAC{2, 0, 0, 0, byte(w.oneOf(1, 1, 9)), byte(i)}, Carrier: w.IntN(9) > 0, XDPFeatures: 7, PeerNS: -1}
	w.Links = w.Links.With(i, l)
	w.Netconf6 = w.Netconf6.With(i, introspect.Netconf{Index: i, Forwarding: w.IntN(9) > 0})
	for name, value := range map[string]string{"disable_ipv6": "0", "mtu": "1500", "accept_ra": fmt.Sprint(w.IntN(2))} {
		path := "ipv6/conf/" + l.Name + "/" + name
		w.Sysctls = w.Sysctls.With(introspect.Name(path), introspect.Sysctl{Path: path, Value: value})
	}
	if w.IntN(20) == 0 {
		w.Links = w.Links.Without(i)
	}
}

func (w *world) route() {
	bits := w.oneOf(0, 7, 8, 14, 15, 16, 17, 22, 23, 24, 25, 30, 31, 32, 32)
	if w.six {
		bits = w.oneOf(0, 16, 32, 48, 56, 60, 63, 64, 64, 64, 65, 80, 120, 127, 128, 128)
	}
	p := netip.PrefixFrom(w.addr(), bits).Masked()
	key := introspect.RouteKey{Dst: p, Table: uint32(w.oneOf(254, 254, 254, 254, 255, 253, 77)), Priority: uint32(w.oneOf(0, 0, 5))}
	if w.IntN(30) == 0 && !w.six {
		key.TOS = 16
	}
	r := introspect.Route{Key: key, Type: uint8(w.oneOf(1, 1, 1, 1, 1, 1, 2, 3, 6))}
	if w.throws && w.IntN(5) == 0 {
		r.Type = unix.RTN_THROW
	}
	switch w.IntN(4) {
	case 0:
		r.Object = uint32(1 + w.IntN(3))
	case 1:
		r.Hops = []introspect.Hop{{Index: w.dev()}}
	default:
		r.Hops = []introspect.Hop{{Index: w.dev(), Via: w.addr()}}
	}
	if w.IntN(12) == 0 {
		r.Hops = append(r.Hops, introspect.Hop{Index: w.dev(), Via: w.addr()})
	}
	if w.IntN(12) == 0 {
		r.MTU = 1300
	}
	if w.IntN(40) == 0 {
		r.Scope = unix.RT_SCOPE_HOST
	}
	if !w.six {
		w.Routes4 = w.Routes4.With(key, r)
		return
	}
	r.Expires = w.IntN(12) == 0
	if w.IntN(30) == 0 {
		r.Unknown = []string{"src-len"}
	}
	w.Routes6 = w.Routes6.With(key, r)
}

func (w *world) neigh() {
	k := introspect.NeighKey{Index: w.dev(), Addr: w.addr()}
	n := introspect.Neigh{Key: k, MAC: introspect.MAC{2, 1, byte(w.IntN(3)), 0, 0, byte(k.Index)}, HasMAC: w.IntN(5) > 0,
		State: uint16(w.oneOf(2, 2, 4, 8, 0x20, 1))}
	w.Neighs = w.Neighs.With(k, n)
}

func (w *world) step() {
	switch w.IntN(15) {
	case 0:
		w.link()
	case 1:
		k := introspect.AddrKey{Index: w.dev(), Local: netip.PrefixFrom(w.addr(), 24)}
		w.Addrs = w.Addrs.With(k, introspect.Addr{Key: k})
	case 2, 3, 4, 5:
		w.route()
	case 6, 7, 8:
		w.neigh()
	case 9:
		id := introspect.Index(1 + w.IntN(3))
		n := introspect.Nexthop{ID: uint32(id), Hop: introspect.Hop{Index: w.dev(), Via: w.addr()}, Blackhole: w.IntN(6) == 0}
		w.Nexthops = w.Nexthops.With(id, n)
	case 10:
		policy := introspect.Sysctl{Value: fmt.Sprint(w.IntN(2))}
		w.Sysctls = w.Sysctls.With("ipv4/fib_multipath_hash_policy", policy).With("ipv6/fib_multipath_hash_policy", policy)
	case 11:
		if e := (introspect.Exception{Dst: w.addr()}); e.Dst.Is6() {
			w.Learned6 = w.Learned6.With(introspect.Address(e.Dst), e)
		} else if w.IntN(2) == 0 {
			w.Bound = w.Bound.With(introspect.Address(e.Dst), e)
		}
	default:
		w.remove()
	}
}

func (w *world) remove() {
	w.Routes4, w.Routes6 = drop(w, w.Routes4), drop(w, w.Routes6)
	if w.IntN(3) == 0 {
		w.Neighs = drop(w, w.Neighs)
		w.Addrs = drop(w, w.Addrs)
		w.Nexthops = drop(w, w.Nexthops)
		w.Learned6, w.Bound = drop(w, w.Learned6), drop(w, w.Bound)
	}
}

func drop[K introspect.Key[K], V introspect.Object[V]](w *world, m introspect.Map[K, V]) introspect.Map[K, V] {
	if m.Len() == 0 {
		return m
	}
	n := w.IntN(m.Len())
	for k := range m.All() {
		if n--; n < 0 {
			return m.Without(k)
		}
	}
	return m
}

func (w *world) now() *introspect.Snapshot {
	s := w.Snapshot
	return &s
}
