package introspect

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestRuleThatIsNotShown has a rule that is too large for a part of a dump, which ends there as if there were no more rules. A
// chain that lacks some is not understood; one is that others lead to.
func TestRuleThatIsNotShown(t *testing.T) {
	comments := strings.Repeat("-m comment --comment "+strings.Repeat("x", 250)+" ", 120)
	inNamespace(t, func(run func(string)) {
		for _, step := range []struct {
			rules string
			lacks bool
		}{{"-N sub;-A sub -j RETURN;-A FORWARD -s 10.9.0.1 -j sub;-A FORWARD -s 10.9.0.2 -j sub", false},
			{"-A FORWARD " + comments + "-j ACCEPT;-A FORWARD -s 10.9.0.3 -j DROP", true}, {"-F FORWARD", false}} {
			for rule := range strings.SplitSeq(step.rules, ";") {
				if out, err := exec.Command("iptables-nft", strings.Fields(rule)...).CombinedOutput(); err != nil {
					t.Logf("iptables-nft: %v: %s", err, out)
					return
				}
			}
			s, err := readSilent(new(Snapshot))
			if err != nil {
				t.Error(err)
			}
			for _, name := range []string{"FORWARD", "sub"} {
				c, ok := s.Chains.Get(ChainKey{familyIPv4, "filter", name})
				if lacks := slices.Contains(c.Unknown, "missing-rules"); !ok || lacks && !step.lacks || step.lacks && name == "FORWARD" && !lacks {
					t.Errorf("%.60s: %s has %d rules, unknown %v", step.rules, name, len(c.Rules), c.Unknown)
				}
			}
		}
	})
}

// TestChainsThatLackNothing has chains that others lead to in each way that counts: the rule that an anonymous chain is part of,
// elements that came after those that are known, and elements that are not read because they end.
func TestChainsThatLackNothing(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		whole := func(s *Snapshot) {
			t.Helper()
			for k, c := range s.Chains.All() {
				if len(c.Unknown) > 0 {
					t.Errorf("%s: %v", k.Name, c.Unknown)
				}
			}
		}
		loadRuleset(`table ip t {
			map m { type ipv4_addr : verdict; }
			map e { type ipv4_addr : verdict; flags timeout; elements = { 10.0.0.9 timeout 1h : jump c } }
			chain c { counter; }
			chain f {
				type filter hook forward priority 0;
				ip saddr 10.0.0.1 jump { tcp dport 22 accept; drop; }
				ip saddr vmap @m
				ip saddr vmap @e
			}
		}`)
		s, err := readSilent(new(Snapshot))
		if err != nil {
			t.Error(err)
			return
		}
		whole(s)
		loadRuleset("add element ip t m { 10.0.0.2 : jump c }")
		k, err := openSensors()
		if err != nil {
			t.Error(err)
			return
		}
		defer k.close()
		if s, err = k.ruleset.read(s, func(SetKey) bool { return false }); err != nil {
			t.Error(err)
		}
		whole(s)
	})
}
