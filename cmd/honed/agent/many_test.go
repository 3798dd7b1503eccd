package agent

import (
	"fmt"
	"testing"
	"time"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// crowd adds interfaces like r0 of some kind to a configuration, with indexes up to beyond 16 bits.
func crowd(t *testing.T, b *bed, n int, kind string) *introspect.Snapshot {
	t.Helper()
	s, err := introspect.ParseSnapshot([]byte(b.text))
	if err != nil {
		t.Fatal(err)
	}
	model, _ := s.Links.Get(2)
	netconf, _ := s.Netconf.Get(2)
	for i := range n {
		index := introspect.Index(70000 - i)
		link, conf := model, netconf
		link.Index, link.Name, link.Kind, conf.Index = index, fmt.Sprint("x", index), kind, index
		s.Links, s.Netconf = s.Links.With(index, link), s.Netconf.With(index, conf)
	}
	return s
}

// TestManyInterfaces has so many that anything that costs their square would not end.
func TestManyInterfaces(t *testing.T) {
	for _, c := range []struct {
		kind   string
		n      int
		fast   int
		within time.Duration
	}{{"dummy", 10000, 2, 20 * time.Second}, {"veth", 30, 32, 20 * time.Second}} {
		t.Run(fmt.Sprint(c.n, " of kind ", c.kind), func(t *testing.T) {
			b := newBed(t)
			s := crowd(t, b, c.n, c.kind)
			start := time.Now()
			b.step(s, slowpath.Epochs{slowpath.Any: 1})
			first := time.Since(start)
			route, _ := s.Routes4.Get(firstRoute(t, s))
			changed := *s
			changed.Routes4 = s.Routes4.Without(route.Key)
			start = time.Now()
			b.step(&changed, slowpath.Epochs{slowpath.Any: 2})
			second := time.Since(start)
			fewer := changed
			fewer.Links = fewer.Links.Without(70000)
			start = time.Now()
			b.step(&fewer, slowpath.Epochs{slowpath.Any: 3})
			third := time.Since(start)
			t.Logf("the first configuration took %v, a route %v, a link %v", first, second, third)
			if first+second+third > c.within {
				t.Errorf("took %v", first+second+third)
			}
			if len(b.host.ports) != c.fast {
				t.Errorf("%d ports are fast", len(b.host.ports))
			}
		})
	}
}

func firstRoute(t *testing.T, s *introspect.Snapshot) introspect.RouteKey {
	t.Helper()
	for k := range s.Routes4.All() {
		return k
	}
	t.Fatal("no routes")
	return introspect.RouteKey{}
}

// TestOtherLink changes a link that the programs of 64 others do not depend on: no more is decided than for that one, which
// takes a small part of the time that a change takes which concerns all.
func TestOtherLink(t *testing.T) {
	b := newBed(t)
	s := crowd(t, b, 62, "veth")
	other, _ := s.Links.Get(70000)
	other.Index, other.Name, other.Kind = 70001, "other", "dummy"
	one := func(i int) {
		other.MTU = uint32(1400 + i)
		s.Links = s.Links.With(70001, other)
	}
	all := func(i int) {
		const path = "ipv4/ip_forward_use_pmtu"
		s.Sysctls = s.Sysctls.With(path, introspect.Sysctl{Path: path, Value: "0"})
		if i%2 == 1 {
			s.Sysctls = s.Sysctls.Without(path)
		}
	}
	n := uint64(0)
	took := func(change func(int)) time.Duration {
		start := time.Now()
		for i := range 6 {
			change(i)
			next := *s
			n++
			b.step(&next, slowpath.Epochs{slowpath.Any: n})
		}
		return time.Since(start) / 6
	}
	one(0)
	took(func(int) {})
	few, many := took(one), took(all)
	t.Logf("one link %v, all %v", few, many)
	if few > many/4 {
		t.Errorf("a change of one link takes %v, of all %v", few, many)
	}
}
