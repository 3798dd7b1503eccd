package introspect

import "iter"

// collect makes a Map of entries that come in the order of their keys, in linear time.
func collect[K Key[K], V Object[V]](sorted iter.Seq2[K, V]) Map[K, V] {
	var spine []*node[K, V] // from the root down to the right
	for k, v := range sorted {
		fresh, keep := leaf(k, v), len(spine)
		for keep > 0 && spine[keep-1].priority < fresh.priority {
			keep--
		}
		fresh.left = chain(spine[keep:])
		spine = append(spine[:keep], fresh)
	}
	return Map[K, V]{chain(spine)}
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
	for c := range DiffMaps(base, m) {
		if limit--; limit < 0 {
			return m
		}
		if c.New == nil {
			shared = shared.Without(c.Key)
		} else {
			shared = shared.With(c.Key, *c.New)
		}
	}
	return shared
}
