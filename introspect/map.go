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
	left, right *node[K, V]
	priority    uint32
	size        uint32
}

// alike is an object of which there are many that differ in their keys only. A Map keeps one for all of them.
type alike[K, V any] interface {
	kept() *V    // the object without its key
	under(k K) V // what is kept, with a key
}

var mapSeed = maphash.MakeSeed()

func leaf[K Key[K], V Object[V]](k K, v V) *node[K, V] {
	value := &v
	if a, ok := any(value).(alike[K, V]); ok {
		value = a.kept()
	}
	return seed(k, value)
}

// seed is a leaf of what a Map keeps.
func seed[K Key[K], V Object[V]](k K, value *V) *node[K, V] {
	return &node[K, V]{key: k, value: value, priority: uint32(maphash.Comparable(mapSeed, k)), size: 1}
}

// object is what was put into the Map.
func (n *node[K, V]) object() V {
	if a, ok := any(n.value).(alike[K, V]); ok {
		return a.under(n.key)
	}
	return *n.value
}

// above tells whether a node stands above another one in every tree.
func (n *node[K, V]) above(o *node[K, V]) bool {
	return n.priority > o.priority || n.priority == o.priority && n.key.Compare(o.key) < 0
}

func (n *node[K, V]) len() uint32 {
	if n == nil {
		return 0
	}
	return n.size
}

func (n *node[K, V]) with(left, right *node[K, V]) *node[K, V] {
	return &node[K, V]{n.key, n.value, left, right, n.priority, 1 + left.len() + right.len()}
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
	case a.above(b):
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
	case fresh.above(n):
		below, _, above := split(n, fresh.key)
		return fresh.with(below, above)
	case c < 0:
		return n.with(insert(n.left, fresh), n.right)
	}
	return n.with(n.left, insert(n.right, fresh))
}

// find returns the node of a key, nil if there is none.
func (m Map[K, V]) find(k K) *node[K, V] {
	n := m.root
	for n != nil {
		switch c := k.Compare(n.key); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n
		}
	}
	return nil
}

// With returns the Map with v at k.
func (m Map[K, V]) With(k K, v V) Map[K, V] {
	if old := m.find(k); old != nil && old.object().Equal(v) {
		return m
	}
	return Map[K, V]{insert(m.root, leaf(k, v))}
}

// Without returns the Map without k.
func (m Map[K, V]) Without(k K) Map[K, V] {
	if m.find(k) == nil {
		return m
	}
	below, _, above := split(m.root, k)
	return Map[K, V]{join(below, above)}
}

// Get returns the value at k.
func (m Map[K, V]) Get(k K) (v V, ok bool) {
	if n := m.find(k); n != nil {
		return n.object(), true
	}
	return v, false
}

// Len is the number of entries.
func (m Map[K, V]) Len() int { return int(m.root.len()) }

// All ranges over the entries in the order of their keys.
func (m Map[K, V]) All() iter.Seq2[K, V] { return m.root.all }

func (n *node[K, V]) all(yield func(K, V) bool) { n.walk(yield) }

// From ranges over the entries whose keys are not below k, in order.
func (m Map[K, V]) From(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { m.root.walkFrom(k, yield) }
}

// Below finds the last entry whose key is below k.
func (m Map[K, V]) Below(k K) (key K, v V, ok bool) {
	var last *node[K, V]
	for n := m.root; n != nil; {
		if n.key.Compare(k) < 0 {
			last, n = n, n.right
		} else {
			n = n.left
		}
	}
	if last == nil {
		return key, v, false
	}
	return last.key, last.object(), true
}

func (n *node[K, V]) walk(yield func(K, V) bool) bool {
	return n.each(func(n *node[K, V]) bool { return yield(n.key, n.object()) })
}

func (n *node[K, V]) each(f func(*node[K, V]) bool) bool {
	return n == nil || n.left.each(f) && f(n) && n.right.each(f)
}

func (n *node[K, V]) walkFrom(k K, yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	if n.key.Compare(k) < 0 {
		return n.right.walkFrom(k, yield)
	}
	return n.left.walkFrom(k, yield) && yield(n.key, n.object()) && n.right.walk(yield)
}

// Change is one entry in which two Maps differ: Old is nil where it was added, New where it was removed.
type Change[K Key[K], V Object[V]] struct {
	Key      K
	Old, New *V
}

// DiffMaps ranges over the entries in which new differs from old, in order of keys, skipping what the two share.
func DiffMaps[K Key[K], V Object[V]](old, new Map[K, V]) iter.Seq[Change[K, V]] {
	return func(yield func(Change[K, V]) bool) {
		diff(old.root, new.root, func(a, b *node[K, V]) bool {
			return yield(change(a, b))
		})
	}
}

func change[K Key[K], V Object[V]](a, b *node[K, V]) (c Change[K, V]) {
	if a != nil {
		was := a.object()
		c.Key, c.Old = a.key, &was
	}
	if b != nil {
		is := b.object()
		c.Key, c.New = b.key, &is
	}
	return c
}

// diff calls f with the nodes that differ: the first is nil where the second was added, and the reverse.
func diff[K Key[K], V Object[V]](a, b *node[K, V], f func(a, b *node[K, V]) bool) bool {
	switch {
	case a == b:
		return true
	case a == nil:
		return b.each(func(n *node[K, V]) bool { return f(nil, n) })
	case b == nil:
		return a.each(func(n *node[K, V]) bool { return f(n, nil) })
	}
	if b.above(a) {
		below, at, above := split(a, b.key)
		return diff(below, b.left, f) && diffAt(at, b, f) && diff(above, b.right, f)
	}
	below, at, above := split(b, a.key)
	return diff(a.left, below, f) && diffAt(a, at, f) && diff(a.right, above, f)
}

func diffAt[K Key[K], V Object[V]](a, b *node[K, V], f func(a, b *node[K, V]) bool) bool {
	if a != nil && b != nil && (a.value == b.value || (*a.value).Equal(*b.value)) {
		return true
	}
	return f(a, b)
}

// Equal tells whether two Maps hold the same.
func (m Map[K, V]) Equal(o Map[K, V]) bool {
	return m.Len() == o.Len() && diff(m.root, o.root, func(*node[K, V], *node[K, V]) bool { return false })
}
