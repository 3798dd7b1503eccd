package introspect

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// watchHere makes a Watcher in the calling thread's namespace.
func watchHere(t testing.TB) *Watcher {
	t.Helper()
	w, err := Watch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// settle calls Next until the Snapshot accounts for all that was seen.
func settle(t testing.TB, w *Watcher) *Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(5*time.Second))
	defer cancel()
	for {
		if e := w.ledger.moved(); w.given != nil && w.givenEpochs == e {
			return w.given
		}
		if _, _, err := w.Next(ctx); err != nil {
			t.Errorf("seen %v, built %v, holds %v: %v", w.ledger.moved(), w.ledger.built(), w.sysctls.holds, err)
			return w.s
		}
	}
}

// TestWatchLateWord has the word of a context that ended come when the next call of Next waits already: it may be woken
// once, and not for ever.
func TestWatchLateWord(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		deafen(t, w)
		settle(t, w)
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		late := time.AfterFunc(100*time.Millisecond, func() { _, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) })
		defer late.Stop()
		before := w.turns
		for {
			if _, _, err := w.Next(ctx); err != nil {
				break
			}
		}
		if turns := w.turns - before; turns > 50 {
			t.Errorf("%d turns in half a second", turns)
		}
	})
}

// same compares the Watcher's Snapshot with a fresh dump. It gives the kernel time to announce what it announces late:
// the carrier of a peer, and neighbours that are probed.
func same(t testing.TB, w *Watcher) {
	t.Helper()
	for deadline := time.Now().Add(lab.Patience(4 * time.Second)); ; {
		s := settle(t, w)
		want, err := Read(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		if s.Equal(want) {
			return
		}
		if time.Now().After(deadline) || t.Failed() {
			t.Errorf("the Snapshot differs from a dump:\n%s", Diff(want, s))
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		_, _, _ = w.Next(ctx) // which also looks at what is not announced
		cancel()
	}
}

func TestWatchConverges(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		same(t, w)
		for _, commands := range []string{
			"ip link set lo up",
			"ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up",
			"ip addr add 10.0.0.1/24 dev v0",
			"ip route add 10.9.0.0/16 via 10.0.0.2",
			"ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:01 dev v0 nud permanent",
			"ip route replace 10.9.0.0/16 via 10.0.0.3",
			"ip rule add from 10.7.0.0/16 table 7",
			"ip nexthop add id 5 via 10.0.0.2 dev v0\nip route add 10.10.0.0/16 nhid 5",
			"ip nexthop del id 5",
			"echo 1 > /proc/sys/net/ipv4/conf/v0/accept_local",
			"echo 1 > /proc/sys/net/ipv4/ip_forward",
			"nft add table ip t\nnft add chain ip t f '{ type filter hook forward priority 0; }'",
			"ip xfrm policy add src 10.0.0.0/8 dst 10.1.0.0/16 dir fwd action block",
			"ethtool -K v0 rxvlan off",
			"ethtool -K v1 gro on",
			// Before Linux 6.2 a device that is up keeps its name.
			"ip link set v0 name w0 2>/dev/null || { ip link set v0 down; ip link set v0 name w0; ip link set w0 up; }",
			"tc qdisc add dev w0 clsact",
			"ip link set w0 down",
			"nft flush ruleset\nip xfrm policy flush",
			"ip link del w0",
		} {
			before := w.ledger.moved()
			run(commands)
			if w.ledger.moved()[slowpath.Any] == before[slowpath.Any] {
				t.Errorf("%s: not seen", commands)
			}
			same(t, w)
			if t.Failed() {
				t.Logf("after %s", commands)
				return
			}
		}
	})
}
