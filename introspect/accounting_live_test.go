package introspect

import (
	"os"
	"testing"
)

// TestWatchAccounting has the kernel count connections for the sake of rules that ask, of which nobody is told: one that
// comes and goes again while others have connections tracked, and one that is only tried.
func TestWatchAccounting(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		if _, err := os.Stat(sysctlRoot + accounting); err != nil {
			t.Log("no connection tracking: ", err)
			return
		}
		run("nft add table inet t\nnft add chain inet t c '{ type filter hook forward priority 0; }'\nnft add rule inet t c ct state established accept")
		w := watchHere(t)
		defer w.Close()
		off := func() {
			run("echo 0 >" + sysctlRoot + accounting)
			if v, _ := settle(t, w).Sysctls.Get(accounting); v.Value != "0" {
				t.Errorf("%s is %q", accounting, v.Value)
			}
		}
		off()
		run("nft add chain inet t d\nnft add rule inet t d ct bytes gt 1000 accept")
		run("nft delete chain inet t d")
		if v, _ := settle(t, w).Sysctls.Get(accounting); v.Value != "1" {
			t.Errorf("%s is %q after a rule that asks has gone", accounting, v.Value)
		}
		off()
		run("nft -c add rule inet t c ct bytes gt 1000 accept")
		took := until(t, w, func(s *Snapshot) bool {
			v, _ := s.Sysctls.Get(accounting)
			return v.Value == "1"
		})
		if most := bound(w, "connections begin to be counted, for a rule that asks or is only tried (nft -c)"); took > most {
			t.Errorf("noticed after %v, not %v", took, most)
		}
		same(t, w)
	})
}
