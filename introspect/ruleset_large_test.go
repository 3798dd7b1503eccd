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
