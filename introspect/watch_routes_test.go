package introspect

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
)

// TestRouteBetweenDumpAndDrain changes a route just after it was dumped: the dump is older than the notification.
func TestRouteBetweenDumpAndDrain(t *testing.T) {
	for name, doubts := range map[string]staleRoutes{
		"all":   {whole: true},
		"a key": {keys: map[RouteKey]bool{{Dst: netip.MustParsePrefix("10.9.0.0/16"), Table: 254}: true}},
	} {
		t.Run(name, func(t *testing.T) {
			inNamespace(t, func(run func(string)) {
				stormLab(run)
				run("ip route add 10.9.0.0/16 via 10.0.0.2")
				w := watchHere(t)
				defer w.Close()
				settle(t, w)
				w.stale.routes4 = doubts
				taken := w.openWindow(Routes4)
				dumped, err := w.dumpRoutes(Routes4, 0)
				if err != nil {
					t.Error(err)
					return
				}
				run("ip route replace 10.9.0.0/16 via 10.1.0.2\nip route append 10.9.0.0/16 via 10.2.0.2")
				if err := w.closeWindow(Routes4, taken, dumped); err != nil {
					t.Error(err)
				}
				if !w.stale.routes4.any() {
					t.Error("nothing is in doubt")
				}
				same(t, w)
			})
		})
	}
}

// TestRouteBeforeDump changes a route just before it is dumped: the notification is older than the dump.
func TestRouteBeforeDump(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		run("ip route add 10.9.0.0/16 via 10.0.0.2\nip route append 10.9.0.0/16 via 10.0.0.3")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		run("ip route del 10.9.0.0/16 via 10.0.0.2\nip route append 10.9.0.0/16 via 10.0.0.2\nip route prepend 10.9.0.0/16 via 10.1.0.2")
		w.stale.routes4.all()
		if err := w.refreshRoutes(Routes4); err != nil {
			t.Error(err)
		}
		same(t, w)
	})
}

// TestRestlessRoutesAreGivenUp has a key announced in every dump: it is marked, and settles later.
func TestRestlessRoutesAreGivenUp(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		k := RouteKey{Dst: netip.MustParsePrefix("10.9.0.0/16"), Table: 254}
		w.stale.routes4.doubt(k)
		for i := range maxRestless + 1 {
			doubts := w.openWindow(Routes4)
			dumped, err := w.dumpRoutes(Routes4, 0)
			if err != nil {
				t.Error(err)
				return
			}
			run(fmt.Sprintf("ip route replace 10.9.0.0/16 via 10.0.0.%d", 2+i))
			if err := w.closeWindow(Routes4, doubts, dumped); err != nil {
				t.Error(err)
			}
		}
		if w.stale.routes4.any() || !w.unsettled[k] {
			t.Errorf("the key was not given up: %+v", w.stale.routes4)
		}
		if r, ok := w.s.Routes4.Get(k); !ok || len(r.Unknown) == 0 {
			t.Errorf("the route is not marked: %+v", r)
		}
		same(t, w)
		if len(w.unsettled) > 0 {
			t.Error("the key never settled")
		}
	})
}

// TestWatchWaitsForFlush takes a link down that very many routes lead over, and follows while the kernel flushes them,
// long after it has announced the link.
func TestWatchWaitsForFlush(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		var commands []string
		for i := range 30000 {
			commands = append(commands, fmt.Sprintf("route add 10.%d.%d.%d/32 via 10.1.0.2", 100+i>>14, i>>7&127, i&127))
		}
		batch(t, commands)
		w := watchHere(t)
		defer w.Close()
		if n := settle(t, w).Routes4.Len(); n < len(commands) {
			t.Errorf("%d routes", n)
		}
		c := exec.Command("ip", "link", "set", "v1", "down")
		if err := c.Start(); err != nil {
			t.Error(err)
			return
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		for running := true; running; {
			select {
			case err := <-ended:
				running = false
				if err != nil {
					t.Error(err)
				}
			default:
				if _, err := w.turn(); err != nil {
					t.Error(err)
				}
			}
		}
		same(t, w)
	})
}
