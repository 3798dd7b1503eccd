package introspect

import "iter"

// collect makes a Map of entries that come in the order of their keys, in linear time.
func collect[K Key[K], V Object[V]](sorted iter.Seq2[K, V]) Map[K, V] {
	var s spine[K, V]
	for k, v := range sorted {
		s.add(leaf(k, v))
	}
	return Map[K, V]{chain(s)}
}

// spine is the way from the root of a tree down to the right, where the next entries belong.
type spine[K Key[K], V Object[V]] []*node[K, V]

func (s *spine[K, V]) add(fresh *node[K, V]) {
	keep := len(*s)
	for keep > 0 && fresh.above((*s)[keep-1]) {
		keep--
	}
	fresh.left = chain((*s)[keep:])
	*s = append((*s)[:keep], fresh)
}

// chain hangs the nodes of a spine below one another, and returns the first.
func chain[K Key[K], V Object[V]](spine []*node[K, V]) *node[K, V] {
	var below *node[K, V]
	for i := len(spine) - 1; i >= 0; i-- {
		n := spine[i]
		n.right = below
		n.size = 1 + n.left.len() + n.right.len()
		below = n
	}
	return below
}

// onto returns a Map of what m holds, and shares with base what the two have in common, unless that is little.
func (m Map[K, V]) onto(base Map[K, V]) Map[K, V] {
	shared, limit := base, 16+(m.Len()+base.Len())/16
	few := diff(base.root, m.root, func(old, now *node[K, V]) bool {
		if now == nil {
			shared = shared.Without(old.key)
		} else {
			shared = shared.With(now.key, now.object())
		}
		limit--
		return limit >= 0
	})
	if !few {
		return m
	}
	return shared
}
