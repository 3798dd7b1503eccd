package filter

import (
	"encoding/hex"
	"testing"

	"github.com/hone-net/hone/introspect"
)

// FuzzMatch reads matches of iptables with any data, in a rule of either family.
func FuzzMatch(f *testing.F) {
	for m, known := range modules {
		f.Add(m.name, m.rev, make([]byte, known.size), false)
		full := make([]byte, known.size+xtAlign-1)
		for i := range full {
			full[i] = 0xff
		}
		f.Add(m.name, m.rev, full, true)
	}
	ports, _ := hex.DecodeString("010f" + "0000ffff")
	f.Add("multiport", uint32(1), append(ports, make([]byte, 42)...), true)
	f.Fuzz(func(t *testing.T, name string, rev uint32, info []byte, six bool) {
		e := introspect.Match{Name: name, Rev: rev, Info: introspect.Data(info)}
		d := &reader{Path: New(&introspect.Snapshot{}, Ingress{Six: six}), rule: &introspect.ChainRule{}}
		fails := d.match(e)
		if _, known := modules[moduleName{name, rev}]; !known && (fails || len(d.steps) != 1 || d.steps[0].kind != stepLeave) {
			t.Fatalf("%v: an unknown match is not left to the kernel", e)
		}
	})
}

// TestPortSets compares sets of ports, and pairs of which one is in them, with plain loops.
func TestPortSets(t *testing.T) {
	for _, ranges := range [][][2]uint16{{}, {{22, 22}}, {{0, 65535}}, {{80, 90}, {85, 100}, {101, 101}, {22, 22}}, {{65535, 65535}, {0, 0}}, {{9, 3}, {5, 6}}} {
		var s portSet
		in := map[uint16]bool{}
		for _, r := range ranges {
			s.add(r[0], r[1])
			for p := int(r[0]); p <= int(r[1]); p++ {
				in[uint16(p)] = true
			}
		}
		holds := func(all []element, ports ...uint16) (n int) {
			for _, e := range all {
				within := true
				for i, p := range ports {
					at := portsFrom(p, p).from
					within = within && string(e[i].from) <= string(at) && string(at) <= string(e[i].to)
				}
				if within {
					n++
				}
			}
			return n
		}
		for _, p := range []uint16{0, 1, 5, 21, 22, 79, 80, 87, 101, 102, 65534, 65535} {
			if got := holds(s.elements(), p) == 1; got != in[p] {
				t.Errorf("%v: port %d is in it: %v", ranges, p, got)
			}
			for _, q := range []uint16{0, 5, 22, 99, 65535} {
				want := 0
				if in[p] || in[q] {
					want = 1
				}
				if got := holds(s.either(), p, q); got != want {
					t.Errorf("%v: ports %d and %d are in %d pairs, not %d", ranges, p, q, got, want)
				}
			}
		}
	}
}
