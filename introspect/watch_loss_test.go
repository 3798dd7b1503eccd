package introspect

import (
	"fmt"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"golang.org/x/sys/unix"
)

// small makes the queues of all sockets small.
func small(w *Watcher) {
	for _, fd := range w.sockets() {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<10)
	}
}

// quietLab has links without IPv6, of whose addresses the kernel announces more a second later.
func quietLab(run func(string)) {
	run("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
	for i := range 3 {
		run(fmt.Sprintf("ip link add v%d type veth peer name w%d\nip link set v%d up\nip link set w%d up\nip addr add 10.%d.0.1/24 dev v%d", i, i, i, i, i, i))
	}
}

// overrunnable is a Watcher of the lab whose queue a batch runs over.
func overrunnable(t *testing.T, run func(string)) *Watcher {
	quietLab(run)
	w := watchHere(t)
	deafen(t, w)
	settle(t, w)
	small(w)
	return w
}

// TestLossOfRoutes has the queue of rtnetlink run over with routes: all else stays vouched for while they are read again,
// and a route that the live lookup does not do justice to is known before. It does so twice, for each socket.
func TestLossOfRoutes(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := overrunnable(t, run)
		defer w.Close()
		for turn := range 2 {
			var commands []string
			for i := range 3000 {
				commands = append(commands, fmt.Sprintf("route replace 10.%d.%d.%d/32 via 10.%d.0.2", 100+i>>14, i>>7&127, i&127, turn))
			}
			before, own := w.ledger.built()[slowpath.Config], w.ledger.own
			batch(t, commands)
			losses := w.losses
			e, err := w.turn()
			if err != nil || w.losses != losses+1 {
				t.Errorf("turn %d: %d losses, %v", turn, w.losses-losses, err)
			}
			if w.ledger.built()[slowpath.Config] != before || w.ledger.own != own {
				t.Errorf("turn %d: more than routes had to be vouched for anew: %v, own %v", turn, e, w.ledger.own)
			}
			same(t, w)
		}
	})
}

// TestLossOfMore has the queue run over with something else among the routes: nothing is vouched for before all is read.
func TestLossOfMore(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := overrunnable(t, run)
		defer w.Close()
		var commands []string
		for i := range 3000 {
			commands = append(commands, fmt.Sprintf("route replace 10.%d.%d.%d/32 via 10.0.0.2", 100+i>>14, i>>7&127, i&127))
		}
		batch(t, append(commands, "link set v2 mtu 1400", "route add blackhole 10.99.0.0/16"))
		own := w.ledger.own[slowpath.Config]
		if e, err := w.turn(); err != nil || w.ledger.own[slowpath.Config] == own || e != w.ledger.built() {
			t.Errorf("vouched for %v of %v without moving it all: %v", e, w.ledger.built(), err)
		}
		if l := linkNamed(t, w.s, "v2"); l.MTU != 1400 {
			t.Errorf("the link is %+v", l)
		}
		same(t, w)
	})
}

// TestBurstIsNoLoss has turns that leave something queued, for longer than an audit waits: that starts nothing over. Turns
// that leave nothing and do not account for what was seen do.
func TestBurstIsNoLoss(t *testing.T) {
	for _, behind := range []bool{true, false} {
		w := &Watcher{ledger: &ledger{}, behind: behind}
		for range 3 {
			w.balance(slowpath.Epochs{slowpath.Route4: 1})
		}
		if lost := w.audit() != nil; lost == behind {
			t.Errorf("behind %v: taken for a loss %v", behind, lost)
		}
	}
}
