package introspect

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Attributes that golang.org/x/sys does not name.
const (
	rtaProtoInfo = 10
	rtaSession   = 13
	rtaMPAlgo    = 14
	rtaNHID      = 30
)

// rtnhFlags are the low bits of rtm_flags, which are the RTNH_F_* of a route with one nexthop.
const rtnhFlags = 0xff

// harmlessRoute are the attributes of a route that forwarding does not depend on.
var harmlessRoute = setOf(unix.RTA_UNSPEC, rtaProtoInfo, rtaSession, rtaMPAlgo,
	unix.RTA_PAD, unix.RTA_UID, unix.RTA_EXPIRES)

// decodeRoute reads the payload of RTM_NEWROUTE or RTM_DELROUTE: IP ones that are no cached exceptions are ok.
func decodeRoute(b []byte) (r Route, ok bool, err error) {
	if len(b) < unix.SizeofRtMsg {
		return r, false, errShort
	}
	r.Flags = native.Uint32(b[8:])
	if _, ip := addressSize(b[0]); !ip || r.Flags&unix.RTM_F_CLONED != 0 {
		return Route{}, false, nil
	}
	d := routeDecoder{Route: Route{Type: b[7], Scope: b[6], Protocol: b[5], Flags: r.Flags}}
	d.Key.Table, d.Key.TOS = uint32(b[4]), b[3]
	if b[2] != 0 {
		d.Unknown = append(d.Unknown, "src-len")
	}
	if err := attributes(b[unix.SizeofRtMsg:], d.attribute); err != nil {
		return Route{}, false, err
	}
	if d.Key.Dst, err = prefix(b[0], d.dst, b[1]); err != nil {
		return Route{}, false, err
	}
	if net := d.Key.Dst.Masked(); net != d.Key.Dst { // which no kernel says
		d.Key.Dst, d.Unknown = net, append(d.Unknown, "dst-bits")
	}
	return d.finish(), true, nil
}

// routeDecoder collects what only together makes a Route.
type routeDecoder struct {
	Route
	dst netip.Addr
	hop Hop // of a route with one
}

func (d *routeDecoder) finish() Route {
	d.hop.Flags = uint8(d.Flags & rtnhFlags)
	if d.Key.Dst.Addr().Is6() && (d.Protocol == unix.RTPROT_RA || d.Protocol == unix.RTPROT_REDIRECT) {
		d.Expires = true // also in the moment of its end, when the time that is left reads 0
	}
	switch {
	case d.Object != 0:
		d.Hops = nil // the object's, which may be replaced without a word; a blackhole may be the object's or the route's own
	case d.Hops == nil && (d.hop.Index != 0 || d.hop.Via.IsValid() || d.hop.Encap != 0):
		d.Hops = []Hop{d.hop}
	}
	return d.Route
}

func (d *routeDecoder) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.RTA_DST:
		return set(&d.dst, readAddr, data)
	case unix.RTA_OIF:
		return set(&d.hop.Index, readIndex, data)
	case unix.RTA_PRIORITY:
		return set(&d.Key.Priority, readU32, data)
	case unix.RTA_PREFSRC:
		return set(&d.PrefSrc, readAddr, data)
	case unix.RTA_METRICS:
		return attributes(data, d.metric)
	case unix.RTA_MULTIPATH:
		return d.multipath(data)
	case unix.RTA_FLOW:
		return set(&d.Realm, readU32, data)
	case unix.RTA_TABLE:
		return set(&d.Key.Table, readU32, data)
	case unix.RTA_PREF:
		return set(&d.Pref, readU8, data)
	case unix.RTA_CACHEINFO:
		return d.cache(data)
	case rtaNHID:
		return set(&d.Object, readU32, data)
	}
	known, err := d.hop.attribute(kind, data)
	if !known {
		harmlessRoute.note(&d.Unknown, kind)
	}
	return err
}

// attribute takes what a single nexthop and one of several have in common.
func (h *Hop) attribute(kind uint16, data []byte) (known bool, err error) {
	switch kind {
	case unix.RTA_GATEWAY:
		return true, set(&h.Via, readAddr, data)
	case unix.RTA_VIA:
		return true, set(&h.Via, readVia, data)
	case unix.RTA_ENCAP_TYPE:
		return true, set(&h.Encap, readU16, data)
	case unix.RTA_ENCAP:
		return true, nil // a route that encapsulates is not compiled, whatever it adds
	}
	return false, nil
}

// cache reads struct rta_cacheinfo of a route, in which an end is all that there can be.
func (d *routeDecoder) cache(b []byte) error {
	const expiresAt = 8
	if len(b) < expiresAt+4 {
		return errShort
	}
	d.Expires = native.Uint32(b[expiresAt:]) != 0
	return nil
}

func (d *routeDecoder) metric(kind uint16, data []byte) error {
	v, err := readU32(data)
	switch kind {
	case unix.RTAX_MTU:
		d.MTU = v
		return err
	case unix.RTAX_LOCK:
		d.MTULock = v&(1<<unix.RTAX_MTU) != 0
		d.Metrics = d.Metrics || v&^(1<<unix.RTAX_MTU) != 0
		return err
	case unix.RTAX_CC_ALGO:
		d.Metrics = true
		return nil
	}
	d.Metrics = true
	if kind > unix.RTAX_FASTOPEN_NO_COOKIE {
		d.Unknown = append(d.Unknown, fmt.Sprintf("metric-%d", kind))
	}
	return err
}

// multipath reads a list of struct rtnexthop, each with its own attributes.
func (d *routeDecoder) multipath(b []byte) error {
	d.Hops = []Hop{}
	for len(b) > 0 {
		if len(b) < unix.SizeofRtNexthop {
			return errTrailer
		}
		size := int(native.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			return fmt.Errorf("nexthop of %d bytes in %d", size, len(b))
		}
		h := Hop{Flags: b[2], Weight: b[3], Index: Index(int32(native.Uint32(b[4:])))}
		if err := attributes(b[unix.SizeofRtNexthop:size], d.hopAttribute(&h)); err != nil {
			return err
		}
		d.Hops = append(d.Hops, h)
		b = b[min(align4(size), len(b)):]
	}
	return nil
}

func (d *routeDecoder) hopAttribute(h *Hop) func(kind uint16, data []byte) error {
	return func(kind uint16, data []byte) error {
		if kind == unix.RTA_FLOW {
			return set(&d.Realm, readU32, data)
		}
		known, err := h.attribute(kind, data)
		if !known {
			d.Unknown = append(d.Unknown, "hop-"+unknownAttribute(kind))
		}
		return err
	}
}

// readVia reads struct rtvia: a family and an address.
func readVia(b []byte) (netip.Addr, error) {
	if len(b) < 2 {
		return netip.Addr{}, errShort
	}
	return readAddr(b[2:])
}
