package synth

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// TestFIBFollows compares the tables, kept up to date by writes, with the slow answer, and looks at them between writes:
// at any moment an address has its old or its new answer.
func TestFIBFollows(t *testing.T) {
	for name, six := range map[string]bool{"ipv4": false, "ipv6": true} {
		t.Run(name, func(t *testing.T) { followAll(t, six) })
	}
}

func followAll(t *testing.T, six bool) {
	kinds := map[slowpath.Reason]int{}
	rounds := 100
	if testing.Short() {
		rounds = 30
	}
	for seed := range uint64(rounds) {
		follow(t, newWorld(seed, six), kinds)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	expected := []slowpath.Reason{slowpath.None, slowpath.NoRoute, slowpath.Local, slowpath.RouteTable, slowpath.Multipath,
		slowpath.NexthopUnknown, slowpath.NexthopMixed, slowpath.NeighbourMissing, slowpath.EgressDown, slowpath.DestMartian}
	if six {
		expected = append(expected, slowpath.RouteExpires, slowpath.RouteUnknown, slowpath.EgressLearns)
	} else {
		expected = append(expected, slowpath.RouteTOS)
	}
	for _, r := range expected {
		if kinds[r] == 0 {
			t.Errorf("no answer was %s: %v", r, kinds)
		}
	}
}

// probe is an address that is looked up in a view.
type probe struct {
	view string
	ask  lookups
	addr netip.Addr
}

func (f *FIB) probe(w *world) probe {
	p := f.plans[w.layout()]
	i := w.IntN(len(p.views))
	return probe{p.name(i), p.views[i], w.addr()}
}

func (w *world) layout() *layout {
	if w.six {
		return layout6
	}
	return layout4
}

func (p probe) slowly(parted bool, s *introspect.Snapshot) found {
	if parted {
		return slowlyIn(s, p.ask, p.addr)
	}
	return slowly(s, p.addr)
}

func follow(t *testing.T, w *world, kinds map[slowpath.Reason]int) {
	f := NewFIB(w.now())
	m := remember(f)
	for step := range 40 {
		if w.IntN(3) == 0 {
			f.journal.rest()
		}
		steps := w.oneOf(1, 1, 1, 5)
		for range steps {
			w.step()
		}
		s := w.now()
		probes := make([]probe, 40)
		before := make([]found, len(probes))
		for i := range probes {
			probes[i] = f.probe(w)
			before[i] = m.findIn(probes[i].view, probes[i].addr)
		}
		writes, reshaped := f.Update(s)
		if reshaped {
			m = remember(f)
			for i := range probes {
				probes[i] = f.probe(w)
			}
		}
		after := make([]found, len(probes))
		for i, p := range probes {
			after[i] = p.slowly(f.plans[w.layout()].parted, s)
			kinds[slowpath.Reason(after[i].reason)]++
		}
		for n, write := range writes {
			m.write(write)
			for i, p := range probes {
				got := m.findIn(p.view, p.addr)
				if steps == 1 && got != before[i] && got != after[i] && !between(got, before[i], after[i]) {
					t.Errorf("step %d write %d: %s in %s is %v, was %v, becomes %v", step, n, p.addr, p.ask, got, before[i], after[i])
				}
			}
		}
		resting := map[int]bool{}
		for _, r := range f.rows.free.queue {
			resting[r.index] = true
		}
		for i, r := range f.rows.list {
			if r.refs == 0 && !resting[i] {
				t.Errorf("step %d: row %d is of no use and not let go", step, i)
			}
		}
		for i, p := range probes {
			if got := m.findIn(p.view, p.addr); got != after[i] {
				t.Errorf("step %d: %s in %s is %v, want %v", step, p.addr, p.ask, got, after[i])
			}
		}
		if t.Failed() {
			return
		}
	}
	if rebuilt := NewFIB(w.now()); !sameFacts(rebuilt.Shape(), f.Shape()) {
		t.Errorf("shape %v, want %v", f.Shape(), rebuilt.Shape())
	}
}

// sameFacts tells whether two Shapes say the same of the routes.
func sameFacts(a, b Shape) bool {
	return slices.EqualFunc(a.Views, b.Views, func(v, w ViewShape) bool { return v.Own == w.Own && v.Plain == w.Plain })
}

// between allows rows whose words change one by one where each is a whole difference: the Reason while it is not usable,
// the MTU, the flags.
func between(got, before, after found) bool {
	if got.mac != before.mac && got.mac != after.mac || got.oif != before.oif && got.oif != after.oif {
		return false
	}
	return got.smac == before.smac || got.smac == after.smac
}
