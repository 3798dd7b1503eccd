package filter

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"weak"

	"github.com/hone-net/hone/introspect"
)

// lately is the plans of the Snapshot that was asked about last, by what they decide: the programs of other interfaces, and
// other rules about one set, want the same.
var lately struct {
	sync.Mutex
	of    weak.Pointer[introspect.Snapshot]
	plans map[fingerprint]plan
}

// fingerprint tells regions from each other.
type fingerprint [sha256.Size]byte

// fingerprint is that of the keys and boxes of a region, and of which boxes are told apart.
func (r *region) fingerprint() (f fingerprint) {
	h, data := sha256.New(), make([]byte, 0, 1<<12)
	put := func(n uint64) {
		if len(data) == cap(data) {
			_, _ = h.Write(data)
			data = data[:0]
		}
		data = binary.NativeEndian.AppendUint64(data, n)
	}
	put(uint64(len(r.keys)))
	for _, k := range r.keys {
		put(uint64(k.Field.Base)<<32 | uint64(k.Field.Width))
		put(uint64(k.Field.At))
		put(k.Mask)
	}
	for i, b := range r.boxes {
		put(uint64(r.of[i]))
		for _, s := range b {
			put(s.lo)
			put(s.hi)
		}
	}
	_, _ = h.Write(data)
	return fingerprint(h.Sum(nil))
}

// once makes a plan unless an equal one was made of the same Snapshot.
func once(s *introspect.Snapshot, r *region, make func() plan) plan {
	lately.Lock()
	defer lately.Unlock()
	if of := weak.Make(s); lately.of != of {
		lately.of, lately.plans = of, map[fingerprint]plan{}
	}
	key := r.fingerprint()
	p, ok := lately.plans[key]
	if !ok {
		p = make()
		lately.plans[key] = p
	}
	return p
}
