package introspect

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestAnswerBeforeRoutes takes a link down that routes lead over: all but the routes is accounted for at once.
// After a loss nothing is before everything is.
func TestAnswerBeforeRoutes(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(noDetection)
		stormLab(run)
		run("ip route add 10.9.0.0/16 via 10.1.0.2")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		run("ip link set v1 down")
		before := w.ledger.built()
		e, err := w.turn()
		if err != nil || e[slowpath.Config] < before[slowpath.Config] || e[slowpath.Neigh] < before[slowpath.Neigh] ||
			e[slowpath.Config] == slowpath.Never || e[slowpath.Neigh] == slowpath.Never ||
			e[slowpath.Route6] != slowpath.Never || e[slowpath.Any] != slowpath.Never || e[slowpath.Route4] != slowpath.Never {
			t.Errorf("at first %v of %v is accounted for, %v", e, before, err)
		}
		if l := linkNamed(t, w.s, "v1"); l.Flags&1 != 0 {
			t.Errorf("at first the link is %+v", l)
		}
		wholly(t, w)
		same(t, w)
		run("ip link set v1 up\nip route add 10.9.0.0/16 via 10.1.0.2")
		settle(t, w)
		run("ip link set v1 down")
		if err := w.resync(); err != nil {
			t.Error(err)
		}
		if e, err := w.turn(); err != nil || e[slowpath.Any] == slowpath.Never {
			t.Errorf("after a loss %v of %v is accounted for, %v", e, w.ledger.built(), err)
		}
		wholly(t, w)
		same(t, w)
	})
}

// wholly turns a Watcher until everything is accounted for: what the kernel does later may announce more at any time.
func wholly(t *testing.T, w *Watcher) {
	for range 2 * maxEarly {
		e, err := w.turn()
		if err != nil {
			t.Error(err)
			return
		}
		if e == w.ledger.built() {
			return
		}
	}
	t.Errorf("not all of %v is ever accounted for", w.ledger.built())
}
