package oracle

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hone-net/hone/introspect"
)

// expressions are all that a rule can be made of, by the names that the text of a Snapshot has for them: what shows that
// a packet which meets one is the kernel's, or treated as the kernel does. What is neither here nor in a ruleset of the
// configurations is not compared with the kernel.
var expressions = map[string]string{
	"match": anywhere, "target": anywhere, "payload": anywhere, "payload-set": anywhere, "meta": anywhere, "meta-set": anywhere,
	"rt": anywhere, "fib": anywhere, "exthdr": anywhere, "exthdr-set": anywhere, "exthdr-reset": anywhere, "cmp": anywhere,
	"range": anywhere, "bitwise": anywhere, "byteorder": anywhere, "immediate": anywhere, "verdict": anywhere, "lookup": anywhere,
	"counter": anywhere, "limit": anywhere, "quota": anywhere, "log": anywhere, "reject": anywhere, "notrack": anywhere,
	"numgen": anywhere, "hash": anywhere, "dynset": anywhere, "objref": anywhere, "objref-map": anywhere, "tproxy": anywhere,
	"socket": anywhere, "synproxy": anywhere, "dup": anywhere, "fwd": anywhere, "osf": anywhere, "xfrm": anywhere,
	"shift": anywhere,

	"ct": inTalks, "ct-set": inTalks, "nat": inTalks, "masq": inTalks, "redir": inTalks, "connlimit": inTalks,
	"queue":        "the kernel may be without it; nft queues",
	"flow_offload": "the kernel may be without it; synth's tests have it",
	"last":         "nft must be newer to write it; synth's tests have it",
	"opaque":       "an expression that hone does not know",
}

const (
	anywhere = "TestOracle"
	inTalks  = "TestConnections"
)

// seenExpressions are those of the rulesets that were read.
var seenExpressions struct {
	sync.Mutex
	words map[string]bool
}

// noteExpressions notes what the rules of a configuration are made of.
func noteExpressions(s *introspect.Snapshot) {
	seenExpressions.Lock()
	defer seenExpressions.Unlock()
	if seenExpressions.words == nil {
		seenExpressions.words = map[string]bool{}
	}
	for _, c := range s.Chains.All() {
		for _, r := range c.Rules {
			for _, e := range r.Exprs {
				word, _, _ := strings.Cut(introspect.ExprText(e), ",")
				seenExpressions.words[word] = true
			}
		}
	}
}

// checkExpressions wants the expressions that a test is to show to have been in its rulesets, and no others.
func checkExpressions(t *testing.T, where string) {
	t.Helper()
	seenExpressions.Lock()
	defer seenExpressions.Unlock()
	for word, by := range expressions {
		if by == where && !seenExpressions.words[word] {
			t.Errorf("no ruleset has the expression %s", word)
		}
	}
	for _, word := range slices.Sorted(maps.Keys(seenExpressions.words)) {
		if expressions[word] == "" {
			t.Errorf("the expression %s is in a ruleset, and not in the list", word)
		}
	}
}
