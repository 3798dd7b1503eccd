package oracle

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var (
	packetsFlag = flag.Int("oracle.packets", 620000, "packets to compare over all configurations")
	seedFlag    = flag.Uint64("oracle.seed", 1, "seed of the packets; 0 takes another one each time")
	wholeFlag   = flag.Bool("oracle.whole", true, "compare shares with the golden ones, and want every Reason; not on other kernels")
	onlyFlag    = flag.String("oracle.only", "", "what the names of the configurations to try begin with")
)

// seed gives the seed of the packets.
func seed() uint64 {
	if *seedFlag == 0 {
		return rand.Uint64()
	}
	return *seedFlag
}

// TestOracle compares hone with the kernel: every packet that a program forwards leaves by the same port with the same
// bytes as it does without the program, and everything else is as if there were no program.
func TestOracle(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	all, seed := configs(), seed()
	portion := *packetsFlag / portions(all)
	begin, packets, filtered, tried, made := time.Now(), 0, 0, 0, 0
	results := map[string]outcome{}
	for _, c := range all {
		if !strings.HasPrefix(c.name, *onlyFlag) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			tried++
			b := start(t, c)
			made++
			g := b.generator(c, seed)
			frames := portion * c.weight()
			o, err := b.judge(c, fault{}, g.frames(frames), g.frames(frames))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed, f)
			}
			if len(o.findings) > 0 && strings.HasPrefix(c.name, "nft random") {
				t.Logf("the ruleset:\n%s", c.rules)
			}
			if o.unsteady > maxUnsteady {
				t.Errorf("seed %d: %d batches differed and did not when they were sent again; the last: %s", seed, o.unsteady, o.last)
			}
			t.Logf("%s; left to the kernel: %s", &o, o.left("fast"))
			results[c.name], packets = o, packets+o.packets
			if c.rules != "" {
				filtered += o.packets
			}
		})
	}
	took := time.Since(begin)
	t.Logf("told: %d packets compared over %d configurations in %.1f s, %.0f a second, %d of them through rulesets, seed %d",
		packets, len(results), took.Seconds(), float64(packets)/took.Seconds(), filtered, seed)
	if made < tried*9/10 {
		t.Errorf("only %d of %d configurations can be made here: the others say nothing", made, tried)
	}
	if (*onlyFlag == "" && *wholeFlag || *updateFlag) && !t.Failed() {
		golden.check(t, all, results)
	}
	if *onlyFlag == "" && *wholeFlag && !t.Failed() {
		checkReasons(t, results)
		checkExpressions(t, anywhere)
		// With those of TestConnections, 300,000 go through rulesets, and more than that do not.
		if packets-filtered < 300000 || filtered < 230000 || len(results) < 80 {
			t.Errorf("too few packets: %d, of them %d through rulesets, over %d configurations", packets, filtered, len(results))
		}
	}
}

// portions is how many portions of the packets all configurations take: each that many times as it is tried.
func portions(all []config) (n int) {
	for _, c := range all {
		n += 2 * c.weight()
		if len(c.alter) > 0 {
			n += c.weight()
		}
	}
	return n
}

// weight is how many portions of packets a configuration gets: rulesets have more that packets may meet.
func (c config) weight() int {
	if c.rules != "" {
		return 2
	}
	return 1
}

// maxUnsteady is how many batches of a configuration may differ once and never again: a timer of the kernel's may fire
// between two runs.
const maxUnsteady = 1
