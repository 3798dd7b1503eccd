package introspect

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/link"
	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// sensors are the request sockets for what rtnetlink does not tell. A connection is nil where the kernel has no such
// protocol; what it would have told then cannot exist either.
type sensors struct {
	taps            *tapSocket
	netfilter, xfrm *netlink.Conn
	ruleset         ruleset
	generic         *genetlink.Conn
	netdev, ethtool genetlink.Family // ID 0 where the kernel has none
	unlisted        bool             // the kernel does not list its netfilter hooks
	tags            *tagKeeper       // nil until a bridge has a port
	hears           bool             // what other network namespaces announce of their links can be heard
	route           *netlink.Conn    // asks about the far ends of cables; nil until a bridge has a port
	programs        map[link.ID]Hook // BPF links that were looked at, and the hooks that they are on
}

// openSensors opens the sockets in the calling thread's network namespace.
func openSensors() (*sensors, error) {
	k := &sensors{}
	var errs [4]error
	k.taps, errs[0] = openTaps()
	k.netfilter, errs[1] = dialOptional(unix.NETLINK_NETFILTER)
	k.ruleset = ruleset{conn: k.netfilter, tries: rulesetTries}
	k.xfrm, errs[2] = dialOptional(unix.NETLINK_XFRM)
	errs[3] = k.openGeneric()
	k.hears = hearsOthers()
	if err := errors.Join(append(errs[:], k.probeHooks())...); err != nil {
		return nil, errors.Join(err, k.close())
	}
	return k, nil
}

func dialOptional(protocol int) (*netlink.Conn, error) {
	c, err := netlink.Dial(protocol, nil)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("introspect: open netlink socket of protocol %d: %w", protocol, err)
	}
	return c, nil
}

func (k *sensors) openGeneric() (err error) {
	if k.generic, err = genetlink.Dial(nil); err != nil {
		return fmt.Errorf("introspect: open generic netlink socket: %w", err)
	}
	if k.netdev, err = k.family("netdev"); err != nil {
		return err
	}
	k.ethtool, err = k.family("ethtool")
	return err
}

func (k *sensors) family(name string) (genetlink.Family, error) {
	f, err := k.generic.GetFamily(name)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return f, fmt.Errorf("introspect: find generic netlink family %s: %w", name, err)
	}
	return f, nil
}

// close closes the sockets.
func (k *sensors) close() error {
	errs := []error{k.taps.close(), k.tags.close()}
	for _, c := range []*netlink.Conn{k.netfilter, k.xfrm, k.route} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if k.generic != nil {
		errs = append(errs, k.generic.Close())
	}
	return errors.Join(errs...)
}

// readSilent reads everything that no notification carries into the Snapshot. Its links have to be there already.
func readSilent(s *Snapshot) (*Snapshot, error) {
	k, err := openSensors()
	if err != nil {
		return s, err
	}
	k.ruleset.tries = maxTries
	if s, err = k.readAll(s); err == nil {
		s, err = readBound(s)
	}
	return s, errors.Join(err, k.close())
}

// readAll reads all of it but the addresses of sockets, which may be very many and have nothing to do with links.
func (k *sensors) readAll(s *Snapshot) (*Snapshot, error) {
	for _, read := range []func(*Snapshot) (*Snapshot, error){k.readTaps, readSysctls, readLearned, k.readRuleset, k.readHooks,
		k.readFeatures, k.readTags, readTaken, readSieves, k.readFar, readTCX} {
		var err error
		if s, err = read(s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// readRuleset reads all of nftables anew.
func (k *sensors) readRuleset(s *Snapshot) (*Snapshot, error) {
	return k.ruleset.read(s, func(SetKey) bool { return true })
}

// become changes a Map into one that holds just what want does; the same Map if it does already.
func become[K Key[K], V Object[V]](m Map[K, V], want map[K]V) Map[K, V] {
	if n := m.Len(); n > 0 {
		for k := range m.All() {
			if _, ok := want[k]; !ok {
				m = m.Without(k)
			}
		}
	}
	for k, v := range want {
		m = m.With(k, v)
	}
	return m
}

// changed returns s if n is no different, so that pointers tell what changed.
func changed(s, n *Snapshot) *Snapshot {
	if *s == *n {
		return s
	}
	return n
}
