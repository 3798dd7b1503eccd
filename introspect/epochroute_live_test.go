package introspect

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestOddRoutesMoveConfig: while a route is plain, the live lookup may be asked before the Snapshot holds it; so an odd one
// has to move more than Route4. The reader counts as the filter does, or it would never settle.
func TestOddRoutesMoveConfig(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(noDetection + "ip link add r0 type veth peer name r1")
		run("ip link set r0 up")
		run("ip link set r1 up")
		run("ip addr add 10.1.0.1/24 dev r0")
		w := watchHere(t)
		defer w.Close()
		for _, c := range []struct {
			command string
			odd     bool
		}{
			{"ip route add 10.2.0.0/16 via 10.1.0.2", false},
			{"ip route add default via 10.1.0.2 metric 5 src 10.1.0.1", false},
			{"ip route replace 10.2.0.0/16 via 10.1.0.3", false},
			{"ip route del 10.2.0.0/16", false},
			{"ip route add 10.3.0.0/16 via 10.1.0.2 mtu 1400", true},
			{"ip route add 10.3.0.0/16 tos 0x10 via 10.1.0.2", true},
			{"ip route add local 10.4.0.0/16 dev lo", true},
			{"ip route add blackhole 10.5.0.0/16", true},
			{"ip route add 10.6.0.0/16 via 10.1.0.2 realm 5", true},
			{"ip route add 10.7.0.0/16 nexthop via 10.1.0.2 nexthop via 10.1.0.3", true},
		} {
			before, after := moves(t, w, func() { run(c.command) })
			if moved := after[slowpath.Config] != before[slowpath.Config]; moved != c.odd {
				t.Errorf("%s: config moved: %v", c.command, moved)
			}
			if after[slowpath.Route4] == before[slowpath.Route4] {
				t.Errorf("%s: route4 did not move", c.command)
			}
		}
	})
}

// moves tells what a Watcher that is at rest has counted before a change and after it.
func moves(t *testing.T, w *Watcher, change func()) (before, after slowpath.Epochs) {
	t.Helper()
	settle(t, w)
	before = w.ledger.moved()
	change()
	settle(t, w)
	return before, w.ledger.moved()
}
