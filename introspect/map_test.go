package introspect

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// plain is the slow, obvious model of a Map.
type plain map[Index]Qdisc

func (p plain) check(t *rapid.T, m Map[Index, Qdisc]) {
	keys := slices.Sorted(maps.Keys(p))
	if m.Len() != len(keys) {
		t.Fatalf("length %d, want %d", m.Len(), len(keys))
	}
	i := 0
	for k, v := range m.All() {
		if k != keys[i] || v != p[k] {
			t.Fatalf("entry %d is %v %v", i, k, v)
		}
		i++
	}
	for n, from := range append(keys, 1000) {
		key, v, ok := m.Below(from)
		if ok != (n > 0) || ok && (key != keys[n-1] || v != p[key]) {
			t.Fatalf("below %d is %v %v %v", from, key, v, ok)
		}
	}
	for n, from := range keys {
		for k := range m.From(from) {
			if k != keys[n] {
				t.Fatalf("From(%d) begins at %d", from, k)
			}
			break
		}
	}
}

func qdisc(t *rapid.T) Qdisc {
	return Qdisc{Kind: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "kind")}
}

func TestMapAgainstPlainMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, p := Map[Index, Qdisc]{}, plain{}
		oldM, oldP := m, maps.Clone(p)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			k := Index(rapid.IntRange(0, 30).Draw(t, "key"))
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				p[k] = qdisc(t)
				m = m.With(k, p[k])
			case 2:
				delete(p, k)
				m = m.Without(k)
			case 3:
				oldM, oldP = m, maps.Clone(p)
			}
			got, ok := m.Get(k)
			if want, has := p[k]; ok != has || got != want {
				t.Fatalf("Get(%d) = %v, %v", k, got, ok)
			}
		}
		p.check(t, m)
		oldP.check(t, oldM)
		checkDiff(t, oldM, m, oldP, p)
		built := collect(m.All())
		if !built.Equal(m) || !m.onto(oldM).Equal(m) || !built.onto(m).Equal(m) || len(p) > 0 && built.onto(m) != m {
			t.Fatal("collect or onto make another Map")
		}
	})
}

func checkDiff(t *rapid.T, a, b Map[Index, Qdisc], pa, pb plain) {
	changes, last := 0, Index(-1)
	for c := range DiffMaps(a, b) {
		old, hadOld := pa[c.Key]
		now, hasNow := pb[c.Key]
		if hadOld != (c.Old != nil) || hasNow != (c.New != nil) || hadOld && *c.Old != old || hasNow && *c.New != now || c.Key <= last {
			t.Fatalf("change %+v of %v to %v", c, old, now)
		}
		changes, last = changes+1, c.Key
	}
	want := 0
	for k := range 31 {
		x, okX := pa[Index(k)]
		y, okY := pb[Index(k)]
		if okX != okY || x != y {
			want++
		}
	}
	if changes != want || a.Equal(b) != (want == 0) {
		t.Fatalf("%d changes, want %d", changes, want)
	}
}

// TestMapDiffCostsWhatDiffers counts the comparisons of two big Maps that differ in one entry.
func TestMapDiffCostsWhatDiffers(t *testing.T) {
	var m Map[Index, counted]
	for i := range 20000 {
		m = m.With(Index(i), counted{i})
	}
	comparisons = 0
	n := 0
	for range DiffMaps(m, m.With(777, counted{-1})) {
		n++
	}
	if n != 1 || comparisons > 5 {
		t.Errorf("%d changes after %d comparisons", n, comparisons)
	}
}

var comparisons int

type counted struct{ n int }

func (c counted) Equal(o counted) bool { comparisons++; return c == o }
