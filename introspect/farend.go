package introspect

import (
	"errors"
	"fmt"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// A frame that leaves by a veth has to fit the MTU of the cable's far end, too, and by XDP one with a VLAN tag has to be
// shorter for that than the kernel's own, which carry the tag beside them. The far end may be in another network namespace:
// rtnetlink tells its MTU there, by the id that the namespace has here, and announces what becomes of it to who
// listens to all namespaces with an id. A link that is shown gives its far end's namespace one.

// hearsOthers tells whether what other network namespaces announce can be heard, whoever they belong to.
func hearsOthers() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil || data[0].Effective&(1<<unix.CAP_NET_BROADCAST) == 0 {
		return false
	}
	space, err := os.Readlink("/proc/self/ns/user")
	return err == nil && space == initialUserSpace
}

// initialUserSpace is the user namespace that the kernel begins with (PROC_USER_INIT_INO), to which all others belong.
const initialUserSpace = "user:[4026531837]"

// addFarListener opens the one that hears of links in all network namespaces, its own among them.
func (w *Watcher) addFarListener() error {
	filter, err := w.ledger.newFilter("hone_epoch_far", toFar)
	if err != nil {
		return err
	}
	w.filters = append(w.filters, filter)
	l, err := newListener(unix.NETLINK_ROUTE, filter, nil, unix.RTNLGRP_LINK)
	if err != nil {
		return err
	}
	l.one, l.control = toFar, make([]byte, unix.CmsgSpace(4))
	w.far, w.listeners = l, append(w.listeners, l)
	if err := unix.SetsockoptInt(l.fd, unix.SOL_NETLINK, unix.NETLINK_LISTEN_ALL_NSID, 1); err != nil {
		return fmt.Errorf("introspect: listen to all network namespaces: %w", err)
	}
	return nil
}

// spaceOf finds the id of a network namespace in what comes beside a datagram.
func spaceOf(control []byte) int32 {
	all, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return -1
	}
	for _, c := range all {
		if c.Header.Level == unix.SOL_NETLINK && c.Header.Type == unix.NETLINK_LISTEN_ALL_NSID && len(c.Data) >= 4 {
			return int32(native.Uint32(c.Data))
		}
	}
	return -1
}

// takeFar notes the links whose far end a message from another namespace is about, if it matters. One that went elsewhere is asked for with
// its port, which knows where.
func (w *Watcher) takeFar(m netlink.Message, space int32) {
	if space < 0 || len(m.Data) < sizeofIfInfomsg {
		return
	}
	far := Index(int32(native.Uint32(m.Data[4:])))
	for i, l := range w.s.Links.All() {
		if l.PeerNS == space && l.Lower == far && w.s.mindsFarEnd(l, nil) {
			w.passed, w.firm = false, false
			w.stale.tag(i)
			w.stale.single(Effect{Ports: []Index{i}})
		}
	}
}

// hasFarEnd tells whether a link is one end of a cable to another network namespace.
func (l Link) hasFarEnd() bool { return l.Kind == "veth" && l.PeerNS >= 0 }

// mindsFarEnd tells whether frames with a tag may leave by a link that has a far end: by a port of a bridge, or by one that
// VLAN devices stand on, which are looked for where they are not told.
func (s *Snapshot) mindsFarEnd(l Link, below map[Index]bool) bool {
	if !l.hasFarEnd() || l.isPort() {
		return l.hasFarEnd()
	}
	if below == nil {
		below = s.belowVLANs()
	}
	return below[l.Index]
}

// readFar asks about the far ends of all links.
func (k *sensors) readFar(s *Snapshot) (_ *Snapshot, err error) {
	below := s.belowVLANs()
	for _, l := range s.Links.All() {
		if s, err = k.readFarEnd(s, l, below); err != nil {
			return s, err
		}
	}
	return s, nil
}

// readFarOf asks about that of one link.
func (k *sensors) readFarOf(s *Snapshot, i Index) (*Snapshot, error) {
	l, ok := s.Links.Get(i)
	if !ok {
		return s, nil
	}
	return k.readFarEnd(s, l, nil)
}

func (k *sensors) readFarEnd(s *Snapshot, l Link, below map[Index]bool) (_ *Snapshot, err error) {
	mtu := uint32(0)
	if k.hears && s.mindsFarEnd(l, below) {
		if mtu, err = k.farMTU(l); err != nil {
			return s, fmt.Errorf("introspect: read far end of %s: %w", l.Name, err)
		}
	}
	if mtu == l.FarMTU {
		return s, nil
	}
	l.FarMTU = mtu
	n := *s
	n.Links = s.Links.With(l.Index, l)
	return &n, nil
}

// farMTU is 0 where there is no such link, as a notification is about to tell, or where the kernel does not say.
func (k *sensors) farMTU(l Link) (mtu uint32, err error) {
	if k.route == nil {
		if k.route, err = dialRoute(); err != nil {
			return 0, err
		}
	}
	m := netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request}, Data: linkRequest()}
	native.PutUint32(m.Data[4:], uint32(l.Lower))
	m.Data = append(m.Data, attribute32(unix.IFLA_TARGET_NETNSID, uint32(l.PeerNS))...)
	answers, err := k.route.Execute(m)
	if gone(err) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
		return 0, nil
	}
	for _, a := range answers {
		if far, ok, bad := decodeLink(a.Data); bad != nil {
			return 0, bad
		} else if ok && far.Kind == "veth" && far.Lower == l.Index {
			mtu = far.MTU
		}
	}
	return mtu, err
}
