package synth

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
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

// TestAccounts: where the kernel counts for connections, programs do; where it does not, they are as if it could not.
func TestAccounts(t *testing.T) {
	bed := func(acct string) *bed {
		b := natBed(t, filter.Stage{Hook: 2}, header(12, 4), nearAddr)
		s := *b.snapshot
		s.Sysctls = s.Sysctls.With(introspect.Name(acctPath), introspect.Sysctl{Path: acctPath, Value: acct})
		b.snapshot = &s
		o := tested
		o.Ruleset, o.Conntrack, o.Tallies, o.Accounts = true, true, true, true
		var err error
		if b.program, err = Program(&s, 2, o, b.fib.Shape()); err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, without := bed("1"), bed("0")
	if text := without.program.String(); strings.Contains(text, "account") {
		t.Errorf("counts for nobody:\n%s", text)
	}
	frame := datagram(to(203, 0, 113, 5), repair)
	for range 3 {
		if v := b.run(t, frame); v.Kind != ir.RedirectExit {
			t.Fatal(v)
		}
	}
	length := uint64(frame[16])<<8 + uint64(frame[17])
	if want := [2]ir.Tally{{Packets: 3, Bytes: 3 * length}}; b.env.Account != want {
		t.Errorf("%v, want %v", b.env.Account, want)
	}
	dropped := natBed(t, filter.Stage{Hook: 2}, header(12, 4), farAddr)
	if v := dropped.run(t, frame); v.Kind != ir.Punt || dropped.env.Account != [2]ir.Tally{} {
		t.Errorf("%v, %v", v, dropped.env.Account)
	}
}

const acctPath = "netfilter/nf_conntrack_acct"

// TestAccountsRefused: whose packets cannot be counted is left to the kernel.
func TestAccountsRefused(t *testing.T) {
	for _, c := range []struct {
		acct             string
		tallies, account bool
		want             slowpath.Reason
	}{
		{"0", false, false, slowpath.None}, {"0", true, false, slowpath.None}, {"1", true, true, slowpath.None},
		{"1", true, false, slowpath.Netfilter}, {"1", false, true, slowpath.Netfilter}, {"1", false, false, slowpath.Netfilter},
	} {
		s := *natBed(t, filter.Stage{Hook: 2}, header(12, 4), nearAddr).snapshot
		s.Sysctls = s.Sysctls.With(introspect.Name(acctPath), introspect.Sysctl{Path: acctPath, Value: c.acct})
		o := tested
		o.Ruleset, o.Conntrack, o.Tallies, o.Accounts = true, true, c.tallies, c.account
		if v := refuseTracking(subject{&s, introspect.Link{}, o}, layout4); v.reason != c.want {
			t.Errorf("%+v: %v %s", c, v.reason, v.cause)
		}
	}
}
