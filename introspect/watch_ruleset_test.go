package introspect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

const rulesetLab = `
add table inet t
add set inet t s { type ipv4_addr; }
add set inet t i { type ipv4_addr; flags interval; }
add set inet t c { type ipv4_addr . inet_service; flags interval; }
add set inet t e { type ipv4_addr; flags timeout; }
add map inet t m { type inet_service : ipv4_addr; }
add map inet t v { type ipv4_addr : verdict; }
add counter inet t n
add chain inet t o
add chain inet t f { type filter hook forward priority 0; }
`

// nftCommands draws random commands of nft, most of which succeed.
type nftCommands struct{ *rand.Rand }

func (r nftCommands) command() string {
	verb := []string{"add", "add", "delete"}[r.IntN(3)]
	a, b := r.IntN(8), r.IntN(8)
	switch r.IntN(16) {
	case 0, 1:
		return fmt.Sprintf("%s element inet t s { 10.0.0.%d, 10.0.1.%d }", verb, a, b)
	case 2:
		return fmt.Sprintf("%s element inet t i { 10.%d.0.0/16, 11.0.%d.0-11.0.%d.255 }", verb, a, b, b)
	case 3:
		return fmt.Sprintf("%s element inet t c { 10.%d.0.0/16 . %d-%d }", verb, a, b, b+3)
	case 4:
		return fmt.Sprintf("%s element inet t m { %d : 10.1.1.%d }", verb, a, a)
	case 5:
		return fmt.Sprintf("%s element inet t v { 10.0.0.%d : jump o }", verb, a)
	case 6:
		return fmt.Sprintf("add element inet t e { 10.0.0.%d timeout 1s }", a)
	case 7:
		return "flush set inet t " + []string{"s", "i", "c", "m", "v"}[r.IntN(5)]
	case 8, 9:
		return fmt.Sprintf("%s rule inet t f ip saddr { 10.0.0.%d, 10.0.0.9 } tcp dport %d counter accept comment \"c%d\"", []string{"add", "insert"}[r.IntN(2)], a, b, a)
	case 10:
		return []string{"flush chain inet t f", "flush chain inet t o"}[r.IntN(2)]
	case 11:
		return fmt.Sprintf("add rule inet t o ip saddr @%s drop", []string{"s", "i"}[r.IntN(2)])
	case 12:
		return fmt.Sprintf("add chain inet t f { policy %s; }", []string{"accept", "drop"}[r.IntN(2)])
	case 13:
		return fmt.Sprintf("%s chain inet t x%d", verb, a)
	case 14:
		return []string{"add table ip u\nadd chain ip u p { type nat hook postrouting priority 100; }\nadd rule ip u p masquerade", "delete table ip u"}[r.IntN(2)]
	}
	return "flush chain inet t f\nflush chain inet t o\ndelete table inet t" + rulesetLab
}

// TestWatchRuleset draws commits, after each of which the Snapshot is what a fresh dump shows.
func TestWatchRuleset(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	inNamespace(t, func(run func(string)) {
		loadRuleset(rulesetLab)
		w := watchHere(t)
		defer w.Close()
		r, failed := nftCommands{rand.New(rand.NewPCG(seed, 0))}, 0
		for round := range 120 {
			command := r.command()
			if r.IntN(4) == 0 {
				command += "\n" + r.command()
			}
			if loadRuleset(command) != "" {
				failed++
			}
			if r.IntN(3) == 0 {
				continue // so that several commits come at once
			}
			same(t, w)
			if t.Failed() {
				t.Errorf("seed %d, round %d: %s", seed, round, command)
				return
			}
		}
		if failed > 80 {
			t.Errorf("%d commits failed", failed)
		}
	})
}

// TestWatchElements has the Snapshot follow elements by what is announced alone.
func TestWatchElements(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		loadRuleset(rulesetLab)
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		w.sensors.ruleset.conn = nil // nothing can be read
		first := w.sensors.ruleset.generation
		for i, command := range []string{"add element inet t s { 10.0.0.1 }", "add element inet t i { 10.0.0.0/8 }",
			"add element inet t v { 10.0.0.1 : drop }", "delete element inet t s { 10.0.0.1 }", "flush set inet t i"} {
			if problem := loadRuleset(command); problem != "" {
				t.Error(problem)
			}
			settle(t, w)
			if want := first + 1 + uint32(i); w.sensors.ruleset.generation != want {
				t.Errorf("generation %d, want %d", w.sensors.ruleset.generation, want)
			}
		}
		w.sensors.ruleset.conn = w.sensors.netfilter
		same(t, w)
	})
}

// twins are two sets that each commit changes alike, and a chain with a rule of the same number.
func twins(i int) string {
	return fmt.Sprintf("flush set ip t a\nflush set ip t b\nflush chain ip t f\nadd element ip t a { 10.0.0.%d }\n"+
		"add rule ip t f ip saddr 10.0.0.%d drop\nadd element ip t b { 10.0.0.%d }", i, i, i)
}

// untwinned tells what is wrong with a Snapshot that was vouched for.
func untwinned(s *Snapshot) string {
	a, _ := s.Sets.Get(SetKey{familyIPv4, "t", "a"})
	b, _ := s.Sets.Get(SetKey{familyIPv4, "t", "b"})
	f, _ := s.Chains.Get(ChainKey{familyIPv4, "t", "f"})
	if a.Elements.Len() != 1 || len(f.Rules) != 1 || !a.Elements.Equal(b.Elements) {
		return "sets differ"
	}
	for k := range a.Elements.All() {
		if c, ok := f.Rules[0].Exprs[1].(Cmp); !ok || c.Data != k.Key {
			return "the rule is another"
		}
	}
	return ""
}

// TestWatchRulesetUnderStorm changes two sets and a rule together without any pause: no Snapshot that is vouched for shows
// them apart, however many announcements are lost.
func TestWatchRulesetUnderStorm(t *testing.T) {
	for name, small := range map[string]bool{"whole": false, "losses": true} {
		t.Run(name, func(t *testing.T) {
			inNamespace(t, func(run func(string)) {
				loadRuleset("add table ip t\nadd set ip t a { type ipv4_addr; }\nadd set ip t b { type ipv4_addr; }\nadd chain ip t f\n" + twins(0))
				w := watchHere(t)
				defer w.Close()
				if small {
					for _, l := range w.listeners {
						_ = unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<10)
					}
				}
				stormed := stormOf(t, 120, twins)
				defer func() { <-stormed }()
				vouched := 0
				for done := false; !done; {
					ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
					s, e, err := w.Next(ctx)
					cancel()
					if err == nil && e[slowpath.Config] != slowpath.Never {
						vouched++
						if problem := untwinned(s); problem != "" {
							t.Errorf("%s in\n%s", problem, s)
							return
						}
					}
					select {
					case <-stormed:
						done = true
					default:
					}
				}
				same(t, w)
				t.Logf("%d vouched for", vouched)
			})
		})
	}
}

// stormOf runs commits one after the other in the calling thread's namespace, and closes the channel at the end.
func stormOf(t testing.TB, commits int, commit func(int) string) <-chan struct{} {
	done := make(chan struct{})
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := errors.Join(unix.Setns(int(here.Fd()), unix.CLONE_NEWNET), here.Close()); err != nil {
			t.Error(err)
			return
		}
		for i := range commits {
			if problem := loadRuleset(commit(i % 250)); problem != "" {
				t.Error(problem)
			}
		}
	}()
	return done
}

// TestReadRulesetThatVanishes reads while the whole ruleset is flushed and loaded again.
func TestReadRulesetThatVanishes(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		var long strings.Builder
		long.WriteString("flush ruleset\n" + rulesetLab)
		for i := range 500 {
			fmt.Fprintf(&long, "add rule inet t o ip saddr { 10.0.%d.%d, 10.1.1.1 } drop\n", i/250, i%250)
		}
		done := stormOf(t, 40, func(i int) string {
			if i%2 == 0 {
				time.Sleep(lab.Patience(50 * time.Millisecond)) // a busy machine needs a moment to read it all
			}
			return []string{"flush ruleset", long.String()}[i%2]
		})
		defer func() { <-done }()
		whole, empty := 0, 0
		for ended := false; !ended; {
			s, err := Read(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			o, _ := s.Chains.Get(ChainKey{familyInet, "t", "o"})
			switch {
			case s.Tables.Len() == 0 && s.Chains.Len() == 0 && s.Sets.Len() == 0:
				empty++
			case len(o.Rules) == 500 && s.Sets.Len() == 506:
				whole++
			default:
				t.Errorf("%d tables, %d chains, %d rules, %d sets", s.Tables.Len(), s.Chains.Len(), len(o.Rules), s.Sets.Len())
				return
			}
			select {
			case <-done:
				ended = true
			default:
			}
		}
		if whole == 0 || empty == 0 {
			t.Errorf("%d whole, %d empty", whole, empty)
		}
	})
}
