package introspect

import (
	"fmt"

	"github.com/mdlayher/netlink"
)

// Proxy entries of IPv6 come and go in silence. They matter only where proxy_ndp is set, of which the kernel tells.

// proxies tells whether some device, or all of them, answers for proxy entries.
func (s *Snapshot) proxies() bool {
	for _, n := range s.Netconf6.All() {
		if n.ProxyNeigh {
			return true
		}
	}
	return false
}

// readProxies reads the proxy entries anew.
func (w *Watcher) readProxies(s *Snapshot) (*Snapshot, error) {
	found := map[NeighKey]Neigh{}
	err := ask(w.route, proxyRequest, func() { clear(found) }, func(m netlink.Message) error {
		n, ok, err := decodeNeigh(m.Data)
		if ok && n.Key.Proxy {
			found[n.Key] = n
		}
		return err
	})
	if err != nil {
		return s, fmt.Errorf("introspect: dump proxy entries: %w", err)
	}
	n := *s
	n.Neighs = keep(s.Neighs, func(k NeighKey) bool { return !k.Proxy || hasKey(found, k) })
	for k, entry := range found {
		n.Neighs = n.Neighs.With(k, entry)
	}
	return changed(s, &n), nil
}

func hasKey[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}
