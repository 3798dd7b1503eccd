package synth

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
)

// TestRulesThatAskAccounting: the kernel counts connections as soon as there is a rule that asks, and tells nobody that the
// sysctl has changed.
func TestRulesThatAskAccounting(t *testing.T) {
	for _, key := range []uint32{14, unix.NFT_CT_BYTES, 16} {
		for _, acct := range []string{"0", "1"} {
			b := natBed(t, filter.Stage{Hook: 2}, introspect.Ct{Key: key, Direction: introspect.NoDirection}, "\x00\x00\x00\x00\x00\x00\x00\x01")
			s := *b.snapshot
			path := "netfilter/nf_conntrack_acct"
			s.Sysctls = s.Sysctls.With(introspect.Name(path), introspect.Sysctl{Path: path, Value: acct})
			o := tested
			o.Ruleset, o.Conntrack, o.Tallies = true, true, true
			if v := refuseTracking(subject{&s, introspect.Link{}, o}, layout4); v.reason != slowpath.Netfilter {
				t.Errorf("key %d, nf_conntrack_acct %s: %v %s", key, acct, v.reason, v.cause)
			}
		}
	}
}
