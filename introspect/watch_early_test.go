package introspect

import (
	"testing"

	"github.com/hone-net/hone/slowpath"
)

// TestAnswerBeforeRoutes takes a link down that routes lead over: all but the routes is accounted for at once.
// After a loss nothing is before everything is.
func TestAnswerBeforeRoutes(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		run("ip route add 10.9.0.0/16 via 10.1.0.2")
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		run("ip link set v1 down")
		e, err := w.turn()
		built := w.ledger.built()
		if err != nil || e[slowpath.Config] != built[slowpath.Config] || e[slowpath.Neigh] != built[slowpath.Neigh] ||
			e[slowpath.Route6] != slowpath.Never || e[slowpath.Any] != slowpath.Never || e[slowpath.Route4] != slowpath.Never {
			t.Errorf("at first %v of %v is accounted for, %v", e, built, err)
		}
		if l := linkNamed(t, w.s, "v1"); l.Flags&1 != 0 {
			t.Errorf("at first the link is %+v", l)
		}
		for range maxEarly { // the flush may announce more, before which another such answer is given
			if e, err = w.turn(); e[slowpath.Any] != slowpath.Never {
				break
			}
		}
		if err != nil || e != w.ledger.built() {
			t.Errorf("then %v of %v is accounted for, %v", e, w.ledger.built(), err)
		}
		same(t, w)
		run("ip link set v1 up\nip route add 10.9.0.0/16 via 10.1.0.2")
		settle(t, w)
		run("ip link set v1 down")
		if err := w.resync(); err != nil {
			t.Error(err)
		}
		if e, err := w.turn(); err != nil || e != w.ledger.built() {
			t.Errorf("after a loss %v of %v is accounted for, %v", e, w.ledger.built(), err)
		}
		same(t, w)
	})
}
