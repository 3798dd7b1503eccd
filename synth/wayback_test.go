package synth

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

const fibPresent = 1 << 5 // NFTA_FIB_F_PRESENT

// rare matches by what few rules ask for.
func (r *ruler) rare() []introspect.Expr {
	if r.IntN(3) == 0 {
		return r.back()
	}
	return []introspect.Expr{r.xt()}
}

// stray sometimes makes a source one that is behind the other interface, or nowhere.
func (r *ruler) stray(net []byte) {
	if r.IntN(8) == 0 {
		net[0] = byte(2 + r.IntN(2))
	}
}

// back asks for the way to the source.
func (r *ruler) back() []introspect.Expr {
	e := introspect.Fib{DReg: 8, Result: unix.NFT_FIB_RESULT_OIF, Flags: unix.NFTA_FIB_F_SADDR}
	e.Flags |= uint32(r.oneOf(0, unix.NFTA_FIB_F_IIF, unix.NFTA_FIB_F_IIF|unix.NFTA_FIB_F_MARK))
	data := []byte{byte(r.IntN(2))}
	if r.IntN(2) == 0 {
		e.Flags |= fibPresent
	} else {
		data = binary.NativeEndian.AppendUint32(nil, uint32(r.oneOf(0, 2, 3)))
	}
	return []introspect.Expr{e, introspect.Cmp{SReg: 8, Op: uint32(r.IntN(2)), Data: introspect.Data(data)}}
}

// back does what nft_fib4_eval and nft_fib6_eval do where no route is odd.
func (n *naive) back(e introspect.Fib) []byte {
	routes, at, size := n.s.Routes4, 26, 4
	if n.six {
		routes, at, size = n.s.Routes6, 22, 16
	}
	source, _ := netip.AddrFromSlice(n.frame[at : at+size])
	var best introspect.Route
	for _, table := range []uint32{254, 255} { // what local has comes first
		found := introspect.Route{Key: introspect.RouteKey{Dst: netip.PrefixFrom(source, 0)}}
		for k, r := range routes.All() {
			if k.Table == table && k.Dst.Contains(source) && k.Dst.Bits() >= found.Key.Dst.Bits() {
				found = r
			}
		}
		if len(found.Hops) > 0 {
			best = found
		}
	}
	var oif uint32
	if best.Type == unix.RTN_UNICAST && (e.Flags&unix.NFTA_FIB_F_IIF == 0 || best.Hops[0].Index == n.link.Index) {
		oif = uint32(best.Hops[0].Index)
	}
	if e.Flags&fibPresent != 0 {
		return []byte{byte(min(oif, 1))}
	}
	return binary.NativeEndian.AppendUint32(nil, oif)
}

// wayBackRule is firewalld's in a chain of prerouting.
func wayBackRule(s *introspect.Snapshot, family uint8, name string, flags uint32) {
	key := introspect.ChainKey{Family: family, Table: "t", Name: "c"}
	s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
	c := introspect.Chain{Key: key, Base: true, Type: "filter", Policy: 1, Rules: []*introspect.ChainRule{{Handle: 1, Exprs: []introspect.Expr{
		introspect.Fib{DReg: 8, Result: unix.NFT_FIB_RESULT_OIF, Flags: flags}, introspect.Cmp{SReg: 8, Data: "\x00"}, code(introspect.VerdictDrop)}}}}
	s.Chains = s.Chains.With(key, c)
	h := introspect.Hook{Kind: "nft", Name: name + " t c", Family: name}
	s.Hooks = s.Hooks.With(introspect.Name(h.Name), h)
}

const (
	saddrIIF  = unix.NFTA_FIB_F_SADDR | unix.NFTA_FIB_F_MARK | unix.NFTA_FIB_F_IIF | fibPresent
	saddrOnly = unix.NFTA_FIB_F_SADDR | fibPresent
)

// TestWayBack: packets go on whose source has one route with one nexthop, on their own interface where that is asked. All
// others are the kernel's.
func TestWayBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		lines  []string // of the configuration
		source string
		flags  uint32
		passes bool
	}{
		{"neighbour", nil, "2001:db8:1::2", saddrIIF, true},
		{"neighbour that is not known", nil, "2001:db8:1::99", saddrIIF, true},
		{"neighbour of another interface", nil, "2001:db8:2::2", saddrIIF, false},
		{"of any interface", nil, "2001:db8:2::2", saddrOnly, true},
		{"by another interface", nil, "2001:db8:f::2", saddrIIF, false},
		{"no route", nil, "2001:db8:77::2", saddrIIF, false},
		{"no route at all", nil, "2001:db8:77::2", saddrOnly, false},
		{"own", nil, "2001:db8:1::1", saddrOnly, false},
		{"anycast", nil, "2001:db8:1::", saddrOnly, false},
		{"blackhole", []string{"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=6 proto=3 hop=dev:1"}, "2001:db8:77::2", saddrOnly, false},
		{"default", []string{"route6 dst=::/0 table=254 metric=1024 type=1 proto=3 hop=dev:2,via:2001:db8:1::2"}, "2001:db8:77::2", saddrIIF, true},
		{"default by another", []string{"route6 dst=::/0 table=254 metric=1024 type=1 proto=3 hop=dev:3,via:fe80::2"}, "2001:db8:77::2", saddrIIF, false},
		{"better metric", []string{"route6 dst=2001:db8:77::/48 table=254 metric=7 type=1 proto=3 hop=dev:2,via:2001:db8:1::2",
			"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=1 proto=3 hop=dev:3,via:fe80::2"}, "2001:db8:77::2", saddrIIF, true},
		{"worse metric", []string{"route6 dst=2001:db8:77::/48 table=254 metric=7 type=1 proto=3 hop=dev:3,via:fe80::2",
			"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=1 proto=3 hop=dev:2,via:2001:db8:1::2"}, "2001:db8:77::2", saddrIIF, false},
		{"equal", []string{"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=1 proto=3 hop=dev:2,via:2001:db8:1::2",
			"route6 dst=2001:db8:77::/48 table=254 metric=1024 seq=1 type=1 proto=3 hop=dev:3,via:fe80::2"}, "2001:db8:77::2", saddrOnly, false},
		{"better one is a blackhole", []string{"route6 dst=2001:db8:77::/48 table=254 metric=7 type=6 proto=3 hop=dev:1",
			"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=1 proto=3 hop=dev:2,via:2001:db8:1::2"}, "2001:db8:77::2", saddrOnly, false},
		{"ends by itself", []string{"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=1 proto=3 expires hop=dev:2,via:2001:db8:1::2"}, "2001:db8:77::2", saddrOnly, false},
		{"several ways", []string{"route6 dst=2001:db8:77::/48 table=254 metric=1024 type=1 proto=3 hop=dev:2,via:2001:db8:1::2 hop=dev:3,via:fe80::2"},
			"2001:db8:77::2", saddrIIF, false},
		{"other rules", []string{"rule6 pref=5 action=1 table=254"}, "2001:db8:1::2", saddrIIF, false},
		{"destination", nil, "2001:db8:1::2", unix.NFTA_FIB_F_DADDR | fibPresent, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, with(router6(t), c.lines...))
			wayBackRule(s, unix.NFPROTO_IPV6, "ip6", c.flags)
			frame := datagram6(from6(c.source), to6("2001:db8:f::9"))
			wayBackTold(t, s, true, frame, c.passes)
		})
	}
}

// TestWayBack4 is TestWayBack of IPv4.
func TestWayBack4(t *testing.T) {
	for _, c := range []struct {
		name   string
		lines  []string
		source []byte
		flags  uint32
		passes bool
	}{
		{"neighbour", nil, []byte{10, 1, 0, 2}, saddrIIF, true},
		{"neighbour of another interface", nil, []byte{10, 2, 0, 2}, saddrIIF, false},
		{"of any interface", nil, []byte{10, 2, 0, 2}, saddrOnly, true},
		{"no route", nil, []byte{10, 7, 0, 2}, saddrOnly, false},
		{"unreachable", []string{"route dst=10.7.0.0/16 table=254 type=7 proto=3"}, []byte{10, 7, 0, 2}, saddrOnly, false},
		{"default", []string{"route dst=0.0.0.0/0 table=254 type=1 proto=3 hop=dev:2,via:10.1.0.2"}, []byte{10, 7, 0, 2}, saddrIIF, true},
		{"other rules", []string{"rule pref=5 action=1 table=254 from=0.0.0.0/0 to=0.0.0.0/0"}, []byte{10, 1, 0, 2}, saddrIIF, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, with(router(t), c.lines...))
			wayBackRule(s, unix.NFPROTO_IPV4, "ip", c.flags)
			frame := datagram(from(c.source[0], c.source[1], c.source[2], c.source[3]), to(192, 0, 2, 9))
			wayBackTold(t, s, false, repair(frame), c.passes)
		})
	}
}

// TestWayBackFromBridge: what is routed from a bridge comes in by the bridge, not by the port.
func TestWayBackFromBridge(t *testing.T) {
	for source, passes := range map[byte]bool{1: true, 2: false} {
		s := parse(t, bridgeRouter(t))
		wayBackRule(s, unix.NFPROTO_IPV4, "ip", saddrIIF)
		o := bridges
		o.Ruleset = true
		b := &bed{snapshot: s, fib: NewFIB(s)}
		var err error
		if b.program, err = Program(s, 5, o, b.fib.Shape()); err != nil {
			t.Fatal(err)
		}
		b.env = b.fib.Env()
		b.freshen()
		v := b.run(t, repair(datagram(from(10, source, 0, 9))))
		if (v.Kind == ir.RedirectExit) != passes || !passes && v.Reason != slowpath.RulesetSource {
			t.Errorf("source in 10.%d: %v, want %t", source, v, passes)
		}
	}
}

// wayBackTold wants the program and the walk to say the same.
func wayBackTold(t *testing.T, s *introspect.Snapshot, six bool, frame []byte, passes bool) {
	t.Helper()
	b := rulesetBed(t, &ruler{Rand: rand.New(rand.NewPCG(1, 1)), s: *s, six: six})
	v := b.run(t, frame)
	if (v.Kind == ir.RedirectExit) != passes {
		t.Errorf("%v, want %t", v, passes)
	}
	if walked, _ := Walk(s, 2, frame, nil); (walked.End == filter.Passes) != passes {
		t.Errorf("the walk is %v, want %t: %v", walked.End, passes, fmt.Sprint(walked.Visits))
	}
	b.env.Moved = slowpath.Epochs{slowpath.Any: 1, slowpath.Route4: 1, slowpath.Route6: 1}
	b.env.FIB = func([]uint64) []byte { return liveRow(0, 3) }
	b.env.FIB6 = b.env.FIB
	if v := b.run(t, frame); v.Kind != ir.Punt {
		t.Errorf("%v while routes change", v)
	}
}
