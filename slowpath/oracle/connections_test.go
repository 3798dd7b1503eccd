package oracle

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
)

var goldenTalks = goldenFile{filepath.Join("testdata", "connections.txt"), `# What the fast path does with the connections of each stateful ruleset: the reason why the router has no fast path, or the
# percentage of packets that it takes. Many connections never have answers, and every one has packets that are the kernel's.
# Written by: go test ./slowpath/oracle -run TestConnections -oracle.update
`, near, 0}

// TestConnections compares hone with the kernel where conntrack and NAT are at work: the same connections once without
// programs and once with hone's at every port. What leaves the router, what conntrack has of each connection, and what the
// rules count must be the same.
func TestConnections(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	all, begin, talks, packets := talkConfigs(), time.Now(), 0, 0
	results := map[string]outcome{}
	for _, c := range all {
		if !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			o, n := converse(t, c, fault{})
			if len(o.findings) > 0 {
				// Only what happens twice is believed.
				if o, n = converse(t, c, fault{}); len(o.findings) == 0 {
					t.Log("differed once, and then no more")
				}
			}
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed(), f)
			}
			t.Logf("%d connections, %d packets, %s; left to the kernel: %s", n, o.frames, &o, o.left("fast"))
			results[c.name], talks, packets = o, talks+n, packets+o.packets
		})
	}
	t.Logf("told: %d connections, %d packets compared over %d rulesets in %.1f s, seed %d", talks, packets, len(results),
		time.Since(begin).Seconds(), seed())
	if (*onlyFlag == "" && *wholeFlag || *updateFlag) && !t.Failed() {
		goldenTalks.check(t, all, results)
	}
	if *onlyFlag == "" && *wholeFlag && !t.Failed() {
		checkExpressions(t, inTalks)
		if talks < 3000 || packets < 70000 { // with those of TestOracle through rulesets, 300,000
			t.Errorf("too little: %d connections, %d packets", talks, packets)
		}
	}
}

// converse holds the session of a configuration in two routers, of which one has hone's programs.
func converse(t *testing.T, c config, f fault) (o outcome, talks int) {
	t.Helper()
	o.runs = map[string]fastpath.Stats{}
	kernel, _ := attend(t, c, nil, &o)
	fast, n := attend(t, c, &f, &o)
	if o.frames = kernel.frames; o.refused != slowpath.None {
		return o, n
	}
	o.packets = kernel.frames
	o.findings = kernel.differences(fast)
	return o, n
}

// attend holds one session, with hone if there is a fault, be it none.
func attend(t *testing.T, c config, f *fault, o *outcome) (course, int) {
	t.Helper()
	b := start(t, c)
	defer b.close()
	s, err := b.newSession(c, seed())
	if err != nil {
		t.Fatal(err)
	}
	before := func(int) error { return nil }
	var m *machine
	if f == nil {
		err = b.open()
	} else {
		m, before, err = b.assist(t, c, *f, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	if o.refused != slowpath.None {
		return course{}, len(s.talks)
	}
	got, err := s.hold(m, before)
	if err != nil {
		t.Fatal(err)
	}
	return got, len(s.talks)
}

// assist puts hone to work, and gives what has to be done before each exchange.
func (b *bed) assist(t *testing.T, c config, f fault, o *outcome) (m *machine, before func(round int) error, err error) {
	m, s, err := b.newMachine(c, f)
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(m.close)
	if err := b.open(); err != nil {
		return nil, nil, err
	}
	if o.refused, err = m.start(s); err != nil || o.refused != slowpath.None {
		o.cause = m.cause
		return nil, nil, err
	}
	return m, func(round int) error {
		o.runs["fast"], err = m.stats()
		if err != nil || round == alterRound {
			return err
		}
		return m.follow()
	}, nil
}

// differences tells what two courses of the same session differ in.
func (c course) differences(fast course) (found []string) {
	for i, a := range c.arrivals {
		if i < len(fast.arrivals) && !a.equal(fast.arrivals[i]) && len(found) < 3 {
			found = append(found, fmt.Sprintf("%s:\n%s", c.where[i], describe(a, fast.arrivals[i])))
		}
	}
	if len(c.arrivals) != len(fast.arrivals) {
		found = append(found, fmt.Sprintf("%d exchanges, and with the fast path %d", len(c.arrivals), len(fast.arrivals)))
	}
	for i, e := range c.entries {
		late := int((fast.after[i] - c.after[i]).Abs().Seconds())
		if text := e.differences(fast.entries[i], late); text != "" && len(found) < maxFindings {
			found = append(found, fmt.Sprintf("conntrack, look %d:\n%s", i, text))
		}
	}
	if text := c.counted.differences(fast.counted); text != "" {
		found = append(found, "counted differently:\n"+text)
	}
	return found
}

// TestConnectionsOfTheKernelAgree holds the sessions of some configurations twice without hone. What these differ in says
// nothing about a fast path. They must be about connections, too: most talks have answers.
func TestConnectionsOfTheKernelAgree(t *testing.T) {
	needRoot(t)
	if testing.Short() {
		t.Skip("short")
	}
	for i, c := range talkConfigs() {
		if i%8 != 0 && *onlyFlag == "" || !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			var o outcome
			first, n := attend(t, c, nil, &o)
			second, _ := attend(t, c, nil, &o)
			found := first.differences(second)
			if len(found) > 0 { // only what happens twice is believed
				first, _ = attend(t, c, nil, &o)
				found = first.differences(second)
			}
			for _, f := range found {
				t.Error(f)
			}
			last := first.entries[len(first.entries)-1]
			assured := 0
			for k := range last {
				if strings.Contains(k, "[ASSURED]") {
					assured++
				}
			}
			t.Logf("%d connections, %d entries at the end, %d of them assured", n, len(last)/2, assured)
		})
	}
}
