package introspect

import (
	"hash/maphash"
	"iter"
)

// Key is what a Map is ordered by.
type Key[K any] interface {
	comparable
	Compare(K) int
}

// Object is what a Map holds.
type Object[V any] interface{ Equal(V) bool }

// Map is a persistent ordered map: With and Without return a new Map that shares what did not change, and Diff costs
// what differs. The zero value is empty. It is a treap whose priorities are hashes of the keys, so that Maps of equal
// keys have equal shapes.
type Map[K Key[K], V Object[V]] struct{ root *node[K, V] }

type node[K Key[K], V Object[V]] struct {
	key         K
	value       *V // apart, for a change copies the nodes above it
	priority    uint64
	size        int
	left, right *node[K, V]
}

var mapSeed = maphash.MakeSeed()

func leaf[K Key[K], V Object[V]](k K, v V) *node[K, V] {
	return &node[K, V]{key: k, value: &v, priority: maphash.Comparable(mapSeed, k), size: 1}
}

func (n *node[K, V]) len() int {
	if n == nil {
		return 0
	}
	return n.size
}

func (n *node[K, V]) with(left, right *node[K, V]) *node[K, V] {
	return &node[K, V]{n.key, n.value, n.priority, 1 + left.len() + right.len(), left, right}
}

// split divides a tree into the keys below k, the node of k itself if there is one, and the keys above.
func split[K Key[K], V Object[V]](n *node[K, V], k K) (below, at, above *node[K, V]) {
	if n == nil {
		return nil, nil, nil
	}
	switch c := k.Compare(n.key); {
	case c < 0:
		below, at, above = split(n.left, k)
		return below, at, n.with(above, n.right)
	case c > 0:
		below, at, above = split(n.right, k)
		return n.with(n.left, below), at, above
	}
	return n.left, n, n.right
}

func join[K Key[K], V Object[V]](a, b *node[K, V]) *node[K, V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		return a.with(a.left, join(a.right, b))
	}
	return b.with(join(a, b.left), b.right)
}

func insert[K Key[K], V Object[V]](n, fresh *node[K, V]) *node[K, V] {
	if n == nil {
		return fresh
	}
	c := fresh.key.Compare(n.key)
	switch {
	case c == 0:
		return fresh.with(n.left, n.right)
	case fresh.priority > n.priority:
		below, _, above := split(n, fresh.key)
		return fresh.with(below, above)
	case c < 0:
		return n.with(insert(n.left, fresh), n.right)
	}
	return n.with(n.left, insert(n.right, fresh))
}

// With returns the Map with v at k.
func (m Map[K, V]) With(k K, v V) Map[K, V] {
	if old, ok := m.Get(k); ok && old.Equal(v) {
		return m
	}
	return Map[K, V]{insert(m.root, leaf(k, v))}
}

// Without returns the Map without k.
func (m Map[K, V]) Without(k K) Map[K, V] {
	if _, ok := m.Get(k); !ok {
		return m
	}
	below, _, above := split(m.root, k)
	return Map[K, V]{join(below, above)}
}

// Get returns the value at k.
func (m Map[K, V]) Get(k K) (V, bool) {
	for n := m.root; n != nil; {
		switch c := k.Compare(n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return *n.value, true
		}
	}
	var none V
	return none, false
}

// Len is the number of entries.
func (m Map[K, V]) Len() int { return m.root.len() }

// All ranges over the entries in the order of their keys.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.walk(yield) }
}

// From ranges over the entries whose keys are not below k, in order.
func (m Map[K, V]) From(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.walkFrom(k, yield) }
}

func (n *node[K, V]) walk(yield func(K, V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.key, *n.value) && n.right.walk(yield)
}

func (n *node[K, V]) walkFrom(k K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if n.key.Compare(k) < 0 {
		return n.right.walkFrom(k, yield)
	}
	return n.left.walkFrom(k, yield) && yield(n.key, *n.value) && n.right.walk(yield)
}

// Change is one entry in which two Maps differ: Old is nil where it was added, New where it was removed.
type Change[K Key[K], V Object[V]] struct {
	Key      K
	Old, New *V
}

// DiffMaps ranges over the entries in which new differs from old, in order of keys, skipping what the two share.
func DiffMaps[K Key[K], V Object[V]](old, new Map[K, V]) iter.Seq[Change[K, V]] {
	return func(yield func(Change[K, V]) bool) { diff(old.root, new.root, yield) }
}

func diff[K Key[K], V Object[V]](a, b *node[K, V], yield func(Change[K, V]) bool) bool {
	switch {
	case a == b:
		return true
	case a == nil:
		return b.walk(func(k K, v V) bool { return yield(Change[K, V]{Key: k, New: &v}) })
	case b == nil:
		return a.walk(func(k K, v V) bool { return yield(Change[K, V]{Key: k, Old: &v}) })
	}
	if b.priority > a.priority {
		below, at, above := split(a, b.key)
		return diff(below, b.left, yield) && diffAt(b.key, at, b, yield) && diff(above, b.right, yield)
	}
	below, at, above := split(b, a.key)
	return diff(a.left, below, yield) && diffAt(a.key, a, at, yield) && diff(a.right, above, yield)
}

func diffAt[K Key[K], V Object[V]](k K, a, b *node[K, V], yield func(Change[K, V]) bool) bool {
	switch {
	case a == nil:
		return yield(Change[K, V]{Key: k, New: b.value})
	case b == nil:
		return yield(Change[K, V]{Key: k, Old: a.value})
	case a.value == b.value, (*a.value).Equal(*b.value):
		return true
	}
	return yield(Change[K, V]{k, a.value, b.value})
}

// Equal tells whether two Maps hold the same.
func (m Map[K, V]) Equal(o Map[K, V]) bool {
	if m.Len() != o.Len() {
		return false
	}
	for range DiffMaps(m, o) {
		return false
	}
	return true
}
