package introspect

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// A full table has a million routes that differ in little but their prefixes: what is alike is kept once.

// routeForm is all of a Route but its key.
type routeForm struct {
	Type, Scope, Protocol, Pref uint8
	MTULock, Metrics, Expires   bool
	Flags, Object               uint32
	MTU, Realm                  uint32
	PrefSrc                     netip.Addr
	hops                        int
	hop                         Hop    // the first
	more                        string // the others, spelt out
}

// form tells what a Route is alike with; false if it is not worth the search.
func (r *Route) form() (routeForm, bool) {
	f := routeForm{Type: r.Type, Scope: r.Scope, Protocol: r.Protocol, Pref: r.Pref, MTULock: r.MTULock, Metrics: r.Metrics,
		Expires: r.Expires, Flags: r.Flags, Object: r.Object, MTU: r.MTU, Realm: r.Realm, PrefSrc: r.PrefSrc, hops: len(r.Hops)}
	if len(r.Hops) > 0 {
		f.hop = r.Hops[0]
	}
	if len(r.Hops) > 1 {
		f.more = spell(r.Hops[1:])
	}
	return f, len(r.Unknown) == 0
}

// spell writes hops down, different ones differently.
func spell(hops []Hop) string {
	var b []byte
	for _, h := range hops {
		via := h.Via.AsSlice()
		b = append(b, h.Flags, h.Weight, byte(len(via)))
		b = append(b, via...)
		b = append(append(b, h.Via.Zone()...), 0)
		b = binary.NativeEndian.AppendUint16(b, h.Encap)
		b = binary.NativeEndian.AppendUint32(b, h.Object)
		b = binary.NativeEndian.AppendUint64(b, uint64(h.Index))
	}
	return string(b)
}

// maxForms bounds what is remembered; forgetting only costs memory.
const maxForms = 1 << 14

var forms struct {
	sync.Mutex
	routes map[routeForm]*Route
}

// kept is the Route without its key, the same one for all that are alike.
func (r *Route) kept() *Route {
	f, ok := r.form()
	if !ok {
		own := *r
		own.Key = RouteKey{}
		return &own
	}
	forms.Lock()
	defer forms.Unlock()
	if shared, ok := forms.routes[f]; ok {
		return shared
	}
	if forms.routes == nil || len(forms.routes) >= maxForms {
		forms.routes = map[routeForm]*Route{}
	}
	own := *r
	own.Key = RouteKey{}
	forms.routes[f] = &own
	return &own
}

// under is a Route of the same form.
func (r *Route) under(k RouteKey) Route {
	whole := *r
	whole.Key = k
	return whole
}
