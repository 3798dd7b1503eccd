package synth

import (
	"sync"
	"weak"

	"github.com/hone-net/hone/introspect"
)

// whole is what is asked of a Snapshot once for every interface, and takes a look at everything.
type whole struct {
	children map[introspect.Index][]introspect.Index // links by what they stand on
	ports    map[introspect.Index][]introspect.Index // links by their master
	plans    map[*layout]*plan
	numbered bool // some interface has an IPv6 address for more than its link
	// farTagged tells whether frames with a tag may leave by a cable to another network namespace.
	farTagged bool
}

// known is the whole of the Snapshot that was asked about last: with ten thousand interfaces, each would else look at all.
var known struct {
	sync.Mutex
	of weak.Pointer[introspect.Snapshot]
	whole
}

// wholeOf looks at everything, unless it has just done so.
func wholeOf(s *introspect.Snapshot) whole {
	known.Lock()
	defer known.Unlock()
	if of := weak.Make(s); known.of != of {
		known.of, known.whole = of, survey(s)
	}
	return known.whole
}

func survey(s *introspect.Snapshot) whole {
	w := whole{children: map[introspect.Index][]introspect.Index{}, ports: map[introspect.Index][]introspect.Index{},
		plans: map[*layout]*plan{}}
	var vrfs []introspect.Link
	for i, l := range s.Links.All() {
		if l.Lower != 0 {
			w.children[l.Lower] = append(w.children[l.Lower], i)
		}
		if l.Master != 0 {
			w.ports[l.Master] = append(w.ports[l.Master], i)
		}
		if l.Kind == kindVRF {
			vrfs = append(vrfs, l)
		}
	}
	for key := range s.Addrs.All() {
		if a := key.Local.Addr(); a.Is6() && !a.IsLinkLocalUnicast() && !a.IsLoopback() {
			w.numbered = true
			break
		}
	}
	w.farTagged = farTagged(s, w.children)
	for _, ip := range []*layout{layout4, layout6} {
		w.plans[ip] = newPlan(s, ip, vrfs)
	}
	return w
}
