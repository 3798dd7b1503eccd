package oracle

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath/lab"
)

var goldenCorpus = goldenFile{filepath.Join("testdata", "corpus.txt"), `# What the fast path does with packets of established connections under real rulesets, which are not part of this repository:
# the percentage that it takes, and why the others are left to the kernel. Packets come in at the side that is named.
# Written by: HONE_CORPUS=directory go test ./slowpath/oracle -run TestCorpus -oracle.update
`, near, 0}

// A corpus names the interfaces and networks of somebody's router: those of its inner side, and of its outer one.
var (
	innerNames = regexp.MustCompile(`\b(virbr0|br-lan|incusbr0|bridge1|bridgeICC|eth1)\b`)
	otherNames = regexp.MustCompile(`\b(bridgeNoICC)\b`)
	outerNames = regexp.MustCompile(`\b(eth0|pppoe-wan|ppp0)\b`)
	lastNames  = regexp.MustCompile(`\b(docker0|br-guest)\b`)
	innerNets  = regexp.MustCompile(`\b(192\.168\.122|10\.1\.1|172\.17\.0|192\.0\.2|192\.168\.0|192\.168\.1)\.0/(24|16)\b`)
)

// resettle gives a ruleset the interfaces and networks of the router under test.
func resettle(text, inner, outer, net string) string {
	last := "r3"
	if !innerNames.MatchString(text) {
		last = inner
	}
	text = otherNames.ReplaceAllString(text, "r2")
	text = lastNames.ReplaceAllString(text, last)
	text = outerNames.ReplaceAllString(innerNames.ReplaceAllString(text, inner), outer)
	return innerNets.ReplaceAllString(text, net)
}

// corpusScenes are the rulesets of a directory, as seen by packets from either side.
func corpusScenes(t *testing.T, dir string) (all []scene) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		kind := filepath.Base(filepath.Dir(file))
		if kind != "nft" && kind != "iptables" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.TrimSpace(string(data))
		nat := strings.Contains(text, "type nat") || strings.Contains(text, "*nat")
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		add := func(side, inner, outer, net string, six bool) {
			c := config{name: name + " " + side, six: six, rules: resettle(text, inner, outer, net), setup: corpusRoutes}
			if six {
				c.setup = corpusRoutes6
			}
			all = append(all, scene{config: c, nat: nat, clean: true})
		}
		add("inner", "r0", "r1", "10.0.0.0/24", false)
		add("outer", "r1", "r0", "10.2.0.0/24", false)
		if strings.Contains(text, "inet") || strings.Contains(text, "ip6") {
			add("inner6", "r0", "r1", "10.0.0.0/24", true)
		}
	}
	return all
}

// corpusRoutes lead to what is translated, for rulesets that do not.
var (
	corpusRoutes  = []string{"ip route add 198.51.100.0/24 via 10.2.0.1", "ip route add 203.0.112.0/20 via 10.2.0.1"}
	corpusRoutes6 = []string{"ip -6 route add 2001:db8:99::/48 via 2001:db8:2::1"}
)

// TestCorpus compares hone with the kernel under real rulesets, and wants nearly all of them to let established connections
// take the fast path.
func TestCorpus(t *testing.T) {
	needConnections(t)
	dir := os.Getenv("HONE_CORPUS")
	if dir == "" {
		t.Skip("HONE_CORPUS names no directory with rulesets")
	}
	results, slow, of := map[string]outcome{}, map[string]bool{}, map[string]bool{}
	var configs []config
	for _, s := range corpusScenes(t, dir) {
		configs = append(configs, s.config)
		if !strings.HasPrefix(s.name, *onlyFlag) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			s.mustLoad(t)
			o := s.judge(t, fault{}, 300)
			for range 2 { // what the router itself has to say is counted, too, and comes at any time
				if len(o.findings) > 0 {
					o = s.judge(t, fault{}, 300)
				}
			}
			for _, f := range o.findings {
				t.Error(f)
			}
			file, _, _ := strings.Cut(s.name, " ")
			of[file] = true
			slow[file] = slow[file] || o.share("fast") < 100
			for _, r := range o.reasons("fast") {
				if o.runs["fast"].Punts[r] > uint64(o.frames/20) {
					o.why = append(o.why, r)
				}
			}
			results[s.name] = o
			t.Logf("%s; left to the kernel: %s", &o, o.left("fast"))
		})
	}
	n := 0
	for _, is := range slow {
		if is {
			n++
		}
	}
	t.Logf("told: %d of %d rulesets have no packets of established connections left to the kernel", len(of)-n, len(of))
	if *onlyFlag == "" && *wholeFlag && 10*n > len(of) {
		t.Errorf("%d of %d rulesets have packets of established connections left to the kernel, more than one in ten", n, len(of))
	}
	if *onlyFlag == "" { // else the others are what they were
		configs = slices.DeleteFunc(configs, func(c config) bool { _, loads := results[c.name]; return !loads })
	}
	if *onlyFlag == "" || *updateFlag {
		goldenCorpus.check(t, configs, results)
	}
}

// mustLoad skips a ruleset that this kernel, or this nft, does not know all of.
func (s scene) mustLoad(t *testing.T) {
	t.Helper()
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := loadRules(ns, s.rules); err != nil {
		t.Skipf("does not load: %v", err)
	}
}
