package introspect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ipCommands draws random commands of ip.
type ipCommands struct{ *rand.Rand }

func (r ipCommands) command() string {
	if r.IntN(3) == 0 {
		return r.command6()
	}
	dst := fmt.Sprintf("10.%d.%d.0/24", 100+r.IntN(2), r.IntN(6))
	via := fmt.Sprintf("10.%d.0.%d", r.IntN(3), 2+r.IntN(3))
	dev := fmt.Sprintf("v%d", r.IntN(3))
	verb := []string{"add", "replace", "append", "prepend", "change", "del"}[r.IntN(6)]
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("route %s %s via %s", verb, dst, via)
	case 4:
		return fmt.Sprintf("route %s %s dev %s metric %d mtu %d", verb, dst, dev, r.IntN(3), 1000+r.IntN(3))
	case 5:
		return fmt.Sprintf("route %s %s nexthop via 10.0.0.2 nexthop via 10.1.0.3", verb, dst)
	case 6:
		return fmt.Sprintf("route %s %s %s table %d", verb, []string{"blackhole", "prohibit", "throw"}[r.IntN(3)], dst, 100+r.IntN(2))
	case 7:
		if r.IntN(3) == 0 {
			return fmt.Sprintf("nexthop del id %d", 1+r.IntN(3))
		}
		return fmt.Sprintf("nexthop %s id %d via %s dev %s", []string{"add", "replace"}[r.IntN(2)], 1+r.IntN(3), via, dev)
	case 8:
		return fmt.Sprintf("route %s %s nhid %d", verb, dst, 1+r.IntN(3))
	case 9:
		return fmt.Sprintf("neigh flush to %s dev %s nud all", via, dev) // a "del" that fails would end the batch
	case 10:
		return fmt.Sprintf("neigh replace %s lladdr 02:00:00:00:00:0%d dev %s nud %s", via, r.IntN(9),
			dev, []string{"permanent", "reachable", "stale", "noarp"}[r.IntN(4)])
	case 11:
		return fmt.Sprintf("addr %s 10.%d.0.%d/24 dev %s", []string{"add", "del"}[r.IntN(2)], r.IntN(3), 1+r.IntN(2), dev)
	case 12:
		return fmt.Sprintf("link set %s %s", dev, []string{"up", "up", "down"}[r.IntN(3)])
	case 13:
		return fmt.Sprintf("link set %s mtu %d", dev, 1400+r.IntN(3))
	case 14:
		return fmt.Sprintf("rule %s from 10.7.%d.0/24 table %d pref %d", []string{"add", "del"}[r.IntN(2)], r.IntN(2), 100+r.IntN(2), 100+r.IntN(2))
	}
	return fmt.Sprintf("link set %s address 02:00:00:00:01:%02d", dev, r.IntN(9)) // an alias is not announced while the link is down
}

// command6 draws one about IPv6. Equal routes that may be siblings, and others among them, are what is hard to follow.
func (r ipCommands) command6() string {
	dst := fmt.Sprintf("fd0%d:%d::/32", 1+r.IntN(2), r.IntN(4))
	via := fmt.Sprintf("fd00:%d::%d", r.IntN(3), 2+r.IntN(3))
	dev := fmt.Sprintf("v%d", r.IntN(3))
	verb := []string{"add", "replace", "append", "append", "change", "del"}[r.IntN(6)]
	switch r.IntN(12) {
	case 0, 1, 2:
		return fmt.Sprintf("-6 route %s %s via %s", verb, dst, via)
	case 3:
		return fmt.Sprintf("-6 route %s %s dev %s", verb, dst, dev)
	case 4:
		return fmt.Sprintf("-6 route %s %s nexthop via fd00:0::2 nexthop via %s weight %d", verb, dst, via, 1+r.IntN(2))
	case 5:
		return fmt.Sprintf("-6 route %s %s via %s mtu lock %d", verb, dst, via, 1300+r.IntN(2))
	case 6:
		return fmt.Sprintf("-6 route %s %s %s table %d", verb, []string{"blackhole", "prohibit"}[r.IntN(2)], dst, 100+r.IntN(2))
	case 7:
		return fmt.Sprintf("nexthop %s id %d via %s dev %s", []string{"add", "replace"}[r.IntN(2)], 4+r.IntN(2), via, dev)
	case 8:
		return fmt.Sprintf("-6 route %s %s nhid %d", verb, dst, 4+r.IntN(2))
	case 9:
		return fmt.Sprintf("addr %s fd00:%d::%d/64 dev %s nodad", []string{"add", "del"}[r.IntN(2)], r.IntN(3), 1+r.IntN(2), dev)
	case 10:
		return fmt.Sprintf("neigh replace %s lladdr 02:00:00:00:00:0%d dev %s nud permanent", via, r.IntN(9), dev)
	}
	return fmt.Sprintf("-6 rule %s from fd00:%d::/64 table %d pref %d", []string{"add", "del"}[r.IntN(2)], r.IntN(2), 100+r.IntN(2), 100+r.IntN(2))
}

// batch runs commands through one process of ip, most of which may fail.
func batch(t testing.TB, commands []string) {
	t.Helper()
	c := exec.Command("ip", "-force", "-batch", "-")
	c.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	_ = c.Run()
}

func stormLab(run func(string)) {
	for i := range 3 {
		run(fmt.Sprintf("ip link add v%d type veth peer name w%d\nip link set v%d up\nip link set w%d up\nip addr add 10.%d.0.1/24 dev v%d\nip addr add fd00:%d::1/64 dev v%d nodad", i, i, i, i, i, i, i, i))
	}
}

func TestWatchStorm(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		w := watchHere(t)
		defer w.Close()
		r := ipCommands{rand.New(rand.NewPCG(seed, 0))}
		for round := range 40 {
			var commands []string
			for range 1 + r.IntN(60) {
				commands = append(commands, r.command())
			}
			batch(t, commands)
			same(t, w)
			if t.Failed() {
				t.Errorf("seed %d, round %d:\n%s", seed, round, strings.Join(commands, "\n"))
				return
			}
		}
		for k, route := range settle(t, w).Routes4.All() {
			if len(route.Unknown) > 0 {
				t.Errorf("route %v is left unsettled", k)
			}
		}
	})
}

// TestWatchUnderStorm lets the configuration change all the while the Watcher follows it, losses included.
func TestWatchUnderStorm(t *testing.T) {
	for name, little := range map[string]bool{"whole": false, "losses": true} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			inNamespace(t, func(run func(string)) {
				stormLab(run)
				w := watchHere(t)
				defer w.Close()
				if little {
					small(w)
				}
				r := ipCommands{rand.New(rand.NewPCG(seed, 0))}
				c := exec.Command("ip", "-force", "-batch", "-")
				in, err := c.StdinPipe()
				if err != nil || c.Start() != nil {
					t.Error("cannot start ip", err)
					return
				}
				ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(20*time.Second))
				go func() {
					defer cancel()
					out := bufio.NewWriter(in)
					for i := range 4000 {
						if i%400 == 0 { // a storm without any pause may leave no moment to vouch for
							_ = out.Flush()
							time.Sleep(lab.Patience(100 * time.Millisecond))
						}
						_, _ = io.WriteString(out, r.command()+"\n")
					}
					_ = out.Flush()
					_ = in.Close()
					_ = c.Wait() // many of the commands fail
				}()
				turns, vouched := 0, 0
				for ; ctx.Err() == nil; turns++ {
					_, e, err := w.Next(ctx)
					if ctx.Err() != nil {
						break
					}
					if err != nil {
						t.Error(err)
						return
					}
					checkBehind(t, e, w.ledger.moved())
					if e[slowpath.Any] != slowpath.Never {
						vouched++
					}
				}
				same(t, w)
				t.Logf("seed %d: %d turns, %d of them vouched for, %d losses, seen %v, own %v", seed, turns, vouched, w.losses-1, w.ledger.moved(), w.ledger.own)
				if vouched == 0 || little == (w.losses == 1) {
					t.Errorf("%d turns vouched for; %d losses", vouched, w.losses-1)
				}
			})
		})
	}
}

// checkBehind fails if something is vouched for that was not even seen.
func checkBehind(t testing.TB, built, seen slowpath.Epochs) {
	t.Helper()
	for d := range built {
		if built[d] != slowpath.Never && built[d] > seen[d] {
			t.Errorf("%v: built %d is ahead of seen %d", slowpath.Domain(d), built[d], seen[d])
		}
	}
}

// TestSeenMovesBeforeReturn makes 1000 changes and looks at `seen` as soon as each returned.
func TestSeenMovesBeforeReturn(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		stormLab(run)
		w := watchHere(t)
		defer w.Close()
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		stale := 0
		for i := range 1000 {
			before := w.ledger.moved()
			if err := changeRoute(c, i); err != nil {
				t.Error(err)
				return
			}
			if after := w.ledger.moved(); after[slowpath.Any] == before[slowpath.Any] || after[slowpath.Route4] == before[slowpath.Route4] {
				stale++
			}
			if i%50 == 0 {
				settle(t, w)
			}
		}
		if stale != 0 {
			t.Errorf("%d of 1000 changes had not moved seen when they returned", stale)
		}
		same(t, w)
	})
}

// changeRoute adds one route and deletes it the next time.
func changeRoute(c *netlink.Conn, i int) error {
	b := header(unix.SizeofRtMsg, unix.AF_INET)
	b[1], b[4], b[5], b[7] = 24, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RTN_UNICAST
	for kind, a := range map[uint16]netip.Addr{unix.RTA_DST: netip.AddrFrom4([4]byte{10, 99, byte(i / 2), 0}),
		unix.RTA_GATEWAY: netip.AddrFrom4([4]byte{10, 0, 0, 2})} {
		b = native.AppendUint16(b, 8)
		b = native.AppendUint16(b, kind)
		b = append(b, a.AsSlice()...)
	}
	m := netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWROUTE, Flags: netlink.Request | netlink.Acknowledge | netlink.Create}, Data: b}
	if i%2 == 1 {
		m.Header.Type, m.Header.Flags = unix.RTM_DELROUTE, netlink.Request|netlink.Acknowledge
	}
	_, err := c.Execute(m)
	return errors.Join(err)
}
