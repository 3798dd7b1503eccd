package synth

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// said is all that is decided about an interface.
type said struct {
	reason  slowpath.Reason
	cause   string
	left    []Left
	program string
}

func sayOf(t *testing.T, s *introspect.Snapshot, i introspect.Index, shape Shape) (d said) {
	t.Helper()
	if d.reason, d.cause = Refuse(s, int(i), tested); d.reason != slowpath.None {
		return d
	}
	d.left = Leave(s, int(i), tested, shape)
	p, err := Program(s, int(i), tested, shape)
	if err != nil {
		t.Fatal(err)
	}
	d.program = p.String()
	return d
}

// office is a router with more links: a VRF with a port, a VLAN on a link, and one that nothing has to do with.
func office(t *testing.T) *introspect.Snapshot {
	text := with(router(t), "rule pref=1000 action=1 table=0 l3mdev from=0.0.0.0/0 to=0.0.0.0/0",
		"link index=9 name=red type=1 flags=0x100c1 kind=vrf mtu=65575 vrf-table=10", "netconf dev=9 forwarding")
	for i := 4; i < 8; i++ {
		more := []string{"", "", " kind=vlan lower=4", " master=9 slave=vrf", ""}[i-3]
		text = with(text, fmt.Sprintf("link index=%d name=r%d type=1 flags=0x11043 mtu=1500 mac=02:00:00:00:0%d:01 broadcast=ff:ff:ff:ff:ff:ff carrier oper=6 xdp-features=0x7%s", i, i-2, i, more),
			fmt.Sprintf("netconf dev=%d forwarding", i))
	}
	return parse(t, text)
}

// disturb changes something that is configured of a link, or of all.
func disturb(r *rand.Rand, s *introspect.Snapshot) *introspect.Snapshot {
	n, i := *s, introspect.Index(2+r.IntN(8))
	l, ok := s.Links.Get(i)
	if !ok {
		return s
	}
	switch r.IntN(9) {
	case 0:
		l.Flags ^= 1
		n.Links = n.Links.With(i, l)
	case 1:
		l.MTU, l.Promiscuity = uint32(1400+r.IntN(9)), uint32(r.IntN(2))
		n.Links = n.Links.With(i, l)
	case 2:
		l.XDPMode, l.XDPProgID = uint8(r.IntN(2)), uint32(r.IntN(2))
		n.Links = n.Links.With(i, l)
	case 3:
		l.Name, l.Master = fmt.Sprint("n", r.IntN(4)), introspect.Index(9*r.IntN(2))
		n.Links = n.Links.With(i, l)
	case 4:
		k := introspect.AddrKey{Index: i, Local: netip.MustParsePrefix([]string{"10.7.0.1/24", "2001:db8::1/64"}[r.IntN(2)])}
		if k.Peer = k.Local.Addr(); r.IntN(2) == 0 {
			n.Addrs = n.Addrs.Without(k)
		} else {
			n.Addrs = n.Addrs.With(k, introspect.Addr{Key: k})
		}
	case 5:
		i = []introspect.Index{i, i, introspect.AllDevices}[r.IntN(3)]
		n.Netconf = n.Netconf.With(i, introspect.Netconf{Index: i, Forwarding: r.IntN(4) > 0, RPFilter: int32(r.IntN(3))})
		n.Netconf6 = n.Netconf6.With(i, introspect.Netconf{Index: i, Forwarding: r.IntN(4) > 0})
	case 6:
		k := introspect.QdiscKey{Index: i, Parent: 0xfffffff1, Handle: 0xffff0000}
		if r.IntN(2) == 0 {
			n.Qdiscs = n.Qdiscs.Without(k)
		} else {
			n.Qdiscs = n.Qdiscs.With(k, introspect.Qdisc{Key: k, Kind: "ingress"})
		}
	case 7:
		path := "ipv6/conf/" + []string{l.Name, l.Name, "all"}[r.IntN(3)] + "/disable_ipv6"
		n.Sysctls = n.Sysctls.With(introspect.Name(path), introspect.Sysctl{Path: path, Value: fmt.Sprint(r.IntN(2))})
	case 8:
		h := introspect.Nexthop{ID: 1, Hop: introspect.Hop{Index: i}}
		n.Nexthops = n.Nexthops.With(1, h)
	}
	return &n
}

// TestConcerned changes things at random, and looks whether anything that it does not concern says something else.
func TestConcerned(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	s := office(t)
	fib, spared, changed := NewFIB(s), 0, 0
	for range 1500 {
		before, shape := map[introspect.Index]said{}, fib.Shape()
		for i := range s.Links.All() {
			before[i] = sayOf(t, s, i, shape)
		}
		next := disturb(r, s)
		fib.Update(next)
		links, all := Concerned(s, next)
		for i := range next.Links.All() {
			now := sayOf(t, next, i, fib.Shape())
			if reflect.DeepEqual(now, before[i]) {
				continue
			}
			changed++
			if !all && !links[i] && fib.Shape().Equal(shape) {
				t.Fatalf("seed %d: link %d is not among %v:\n%s\n%v\n%v", seed, i, links, introspect.Diff(s, next), before[i], now)
			}
		}
		if !all {
			spared += next.Links.Len() - len(links)
		}
		s = next
	}
	t.Logf("seed %d: %d decisions changed, %d were spared", seed, changed, spared)
	if changed < 80 || spared < 1000 {
		t.Errorf("%d decisions changed, %d were spared", changed, spared)
	}
}
