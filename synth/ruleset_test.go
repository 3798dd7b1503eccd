package synth

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// TestRulesetAgrees compares programs of random rulesets with what the kernel would do.
func TestRulesetAgrees(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 20
	}
	for name, six := range map[string]bool{"ipv4": false, "ipv6": true} {
		t.Run(name, func(t *testing.T) {
			text := router(t)
			if six {
				text = router6(t)
			}
			count := map[string]int{}
			for range rounds {
				seed := rand.Uint64()
				rulesetAgrees(t, text, six, seed, count)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
			t.Log(count)
			if all := count["passed"] + count["dropped"] + count["left"]; count["passed"] < all/40 || count["dropped"] < all/40 {
				t.Errorf("too few of %d packets of a kind: %v", all, count)
			}
		})
	}
}

// TestRulesetOrder has prefixes of several lengths in one run of rules, so that a packet is in many of them: the first one
// decides.
func TestRulesetOrder(t *testing.T) {
	r := &ruler{Rand: rand.New(rand.NewPCG(1, 7)), s: *parse(t, router(t))}
	key := introspect.ChainKey{Family: 2, Table: "t", Name: "c"}
	blocklist(&r.s, 0, false)
	for range 200 {
		c, _ := r.s.Chains.Get(key)
		c.Rules = nil
		for i := range 12 {
			prefix := []byte{10, 1, 0, byte(2 + r.IntN(4))}[:2+r.IntN(3)]
			c.Rules = append(c.Rules, &introspect.ChainRule{Handle: uint64(i + 2), Exprs: []introspect.Expr{
				introspect.Payload{Base: 1, Offset: 12, Len: uint32(len(prefix))}, introspect.Cmp{Data: introspect.Data(prefix)},
				introspect.Payload{Base: 2, Offset: 2, Len: 2}, introspect.Cmp{Data: introspect.Data(r.ports()[:2])},
				introspect.Counter{}, code(int32(r.IntN(2)))}})
		}
		r.s.Chains = r.s.Chains.With(key, c)
		s := r.s
		b := rulesetBed(t, &ruler{Rand: r.Rand, s: s})
		for range 30 {
			rulesetAgreesOn(t, b, &ruler{Rand: r.Rand, s: s}, r.frame(), map[string]int{})
		}
		if t.Failed() {
			return
		}
	}
}

func rulesetAgrees(t *testing.T, text string, six bool, seed uint64, count map[string]int) {
	r := &ruler{Rand: rand.New(rand.NewPCG(seed, 7)), s: *parse(t, text), six: six}
	r.odd = r.IntN(2) == 0
	for range 1 + r.IntN(2) {
		r.newRuleset()
	}
	b := rulesetBed(t, r)
	for range 40 {
		if rulesetAgreesOn(t, b, r, r.frame(), count); t.Failed() {
			return
		}
	}
}

// rulesetAgreesOn compares what becomes of one packet, and what it counts.
func rulesetAgreesOn(t *testing.T, b *bed, r *ruler, frame []byte, count map[string]int) {
	n := naive{s: &r.s, six: r.six, frame: frame, counted: map[filter.CounterID]int{}}
	if r.tracks {
		n.ct = nothing
	}
	n.link, _ = r.s.Links.Get(2)
	n.oif, _ = r.s.Links.Get(3)
	want := n.run()
	b.env.Tallied = nil
	v := b.run(t, frame)
	short := len(frame)-14-n.header() < 20
	if walked, _ := Walk(&r.s, 2, frame, r.connection()); !walkAgrees(walked, want, v) || walked.End == filter.Passes && walked.Untracked != (n.ct == notTracked) {
		t.Errorf("ruleset says %d, but the walk %v of %x: %v\n%s", want, walked.End, frame, walked.Visits, ruleText(&r.s))
	}
	switch {
	case v.Kind == ir.RedirectExit && want == passed:
		count["passed"]++
		if n.ct == notTracked {
			count["untracked"]++
		}
		if got := b.counted(); !maps.Equal(got, n.counted) {
			t.Errorf("counted %v, want %v for %x\n%s\n%s", got, n.counted, frame, ruleText(&r.s), b.program)
			return
		}
	case v.Kind == ir.RedirectExit:
		t.Errorf("ruleset says %d, but %v of %x\n%s\n%s", want, v, frame, ruleText(&r.s), b.program)
		return
	case v.Reason == slowpath.RulesetDrop && want == dropped:
		count["dropped"]++
	case want == strange, short, v.Reason == slowpath.RulesetMatch, v.Reason == slowpath.RulesetSource, v.Reason == slowpath.RulesetLarge: // programs may stop before
		count["left"]++
		count[v.Reason.String()]++
	case r.tracks && (n.ct != notTracked || !r.divided()) && (v.Reason == slowpath.TCPFlags || v.Reason == slowpath.Transport || v.Reason == slowpath.RulesetConn):
		count["first"]++
	case r.tracks && !r.divided() && v.Reason == slowpath.RulesetAction: // notrack in one of two chains that come first
		count["unordered"]++
	default:
		t.Errorf("ruleset says %d, but %v of %x\n%s\n%s", want, v, frame, ruleText(&r.s), b.program)
		return
	}
	if v.Kind == ir.Punt && !bytes.Equal(v.Packet, frame) {
		t.Errorf("%v changed %x", v, frame)
	}
}

// walkAgrees tells whether a walk ends as the packet did. Where programs may stop before, so may the walk, and where a set
// is asked for overlapping bytes.
func walkAgrees(w Walked, want fate, v ir.Verdict) bool {
	switch w.End {
	case filter.Passes:
		return want == passed
	case filter.Drops:
		return want == dropped
	}
	asksSet := len(w.Visits) > 0 && strings.HasPrefix(w.Visits[len(w.Visits)-1].Outcome, "lookup: ")
	return want == strange || asksSet || v.Kind == ir.Punt && v.Reason != slowpath.RulesetDrop
}

// ruleText is the lines of a Snapshot that tell the ruleset.
func ruleText(s *introspect.Snapshot) (text string) {
	for line := range strings.Lines(s.String()) {
		if strings.HasPrefix(line, "nft-") {
			text += line
		}
	}
	return text
}

// counted is the counters that the last packet has moved, by how much.
func (b *bed) counted() map[filter.CounterID]int {
	all := map[filter.CounterID]int{}
	_, numbers := b.fib.Tallies()
	for id, number := range numbers {
		if n := b.env.Tallied[uint64(number)]; n.Packets > 0 {
			all[id] = int(n.Packets)
		}
	}
	return all
}

// rulesetBed is a bed whose program follows the ruleset.
func rulesetBed(t testing.TB, r *ruler) *bed {
	t.Helper()
	o := tested
	o.Ruleset, o.Tallies, o.Conntrack = true, true, r.tracks
	b := &bed{snapshot: &r.s, fib: NewFIB(&r.s)}
	for _, left := range Leave(&r.s, 2, o, b.fib.Shape()) {
		if (left.Family == "ipv6") == r.six {
			t.Fatalf("left to the kernel: %v", left)
		}
	}
	var err error
	if b.program, err = Program(&r.s, 2, o, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
	b.env = b.fib.Env()
	b.env.Conntrack = func([]uint64) []byte { return make([]byte, ir.Conntrack.LiveRow()) }
	b.env.Conntrack6 = func([]uint64) []byte { return make([]byte, ir.Conntrack6.LiveRow()) }
	return b
}

// TestWalkOdd: rules look at what follows the header, wherever it ends, and not at what only the kernel finds.
func TestWalkOdd(t *testing.T) {
	s := *parse(t, router6(t))
	key := introspect.ChainKey{Family: unix.NFPROTO_INET, Table: "t", Name: "c"}
	s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
	s.Chains = s.Chains.With(key, introspect.Chain{Key: key, Base: true, Type: "filter", Hook: 2, Policy: 0,
		Rules: []*introspect.ChainRule{{Handle: 1, Exprs: []introspect.Expr{portAt(2), introspect.Cmp{Data: "\x12\x67"}, introspect.Verdict{Code: 1}}}}})
	tracked := s
	tracked.Hooks = s.Hooks.With(introspect.Name(hookTracking+" ip"), introspect.Hook{})
	options := func(f []byte) []byte {
		f = slices.Insert(f, 34, 1, 1, 1, 1, 1, 1, 1, 1)
		f[14], f[17] = 0x47, byte(len(f)-14)
		return f
	}
	for _, c := range []struct {
		name  string
		s     *introspect.Snapshot
		frame []byte
		end   filter.End
	}{
		{"plain", &s, datagram(), filter.Passes}, {"other port", &s, datagram(put(36, 0x12, 0x68)), filter.Drops},
		{"options", &s, datagram(options), filter.Passes}, {"a first fragment", &s, datagram(put(20, 0x20)), filter.Passes},
		{"one that is put together with others", &tracked, datagram(put(20, 0x20)), filter.Undecided},
		{"a later fragment", &s, datagram(put(20, 0, 1)), filter.Undecided}, {"six", &s, datagram6(), filter.Passes},
		{"an extension", &s, datagram6(put(20, 0)), filter.Undecided},
	} {
		if w, ok := Walk(c.s, 2, c.frame, nil); !ok || w.End != c.end {
			t.Errorf("%s: %v %v", c.name, w, ok)
		}
	}
}
