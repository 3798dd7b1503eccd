package synth

import (
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// TestTranslatingTable has addresses translated by the chain of a table that is not understood: one that goes with its owner
// takes the last hook of the translation away in silence, and one that seems to be dormant may be on it.
func TestTranslatingTable(t *testing.T) {
	const table = "nft-table family=inet name=t handle=1"
	text := table + "\nnft-chain family=inet table=t name=c handle=2 flags=0x1 base hook=1 priority=-100 policy=1 type=nat\n" +
		"hook kind=conntrack name=\"conntrack ip\" family=ip\nhook kind=conntrack name=\"conntrack ip6\" family=ip6\n" +
		"sysctl path=netfilter/nf_conntrack_acct value=0\n"
	o := Options{Conntrack: true, Ruleset: true}
	for _, c := range []struct {
		unknown string
		want    slowpath.Reason
	}{{"", slowpath.None}, {" unknown=owner", slowpath.Netfilter}, {" unknown=dormant", slowpath.Netfilter}} {
		s := parse(t, strings.Replace(text, table, table+c.unknown, 1))
		for _, ip := range []*layout{layout4, layout6} {
			if v := refuseTracking(subject{s, introspect.Link{}, o}, ip); v.reason != c.want {
				t.Errorf("%q: %v: %q, want %v", c.unknown, v.reason, v.cause, c.want)
			}
		}
	}
}
