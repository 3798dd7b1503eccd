package introspect

import (
	"net/netip"
	"testing"
)

// TestProxies has proxy entries of IPv6 come and go where they matter and where they do not.
func TestProxies(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up")
		w := watchHere(t)
		defer w.Close()
		run("ip -6 neigh add proxy fd00::9 dev v0")
		same := func(want bool) {
			t.Helper()
			same(t, w)
			v0 := linkNamed(t, w.s, "v0")
			if n, ok := w.s.Neighs.Get(NeighKey{Index: v0.Index, Addr: netip.MustParseAddr("fd00::9"), Proxy: true}); ok != want {
				t.Errorf("proxy entry %v, want %v", n, want)
			}
		}
		run("sysctl -qw net.ipv6.conf.v0.proxy_ndp=1")
		same(true)
		run("ip -6 neigh del proxy fd00::9 dev v0")
		same(false)
		run("ip -6 neigh add proxy fd00::9 dev v0")
		same(true)
	})
}
