package introspect

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everyExpression is a ruleset with the expressions that a plain kernel has.
const everyExpression = `
table inet f {
	counter named { }
	quota q { over 10 mbytes }
	ct helper ftp { type "ftp" protocol tcp; }
	set blocked { type ipv4_addr; flags interval; elements = { 10.9.0.0/16, 192.0.2.1, 192.0.2.4-192.0.2.9 } }
	set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 80, 10.0.0.2 . 443 } }
	set ranges { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/24 . 80-90, 10.0.1.1 . 443 } }
	set meters { type ipv4_addr; size 128; flags dynamic,timeout; timeout 1m; elements = { 10.7.7.7 } }
	map ports { type inet_service : ipv4_addr; elements = { 80 : 10.1.0.1, 443 : 10.1.0.2 } }
	map decide { type ipv4_addr : verdict; elements = { 10.1.0.1 : accept, 10.1.0.2 : jump other, * : drop } }
	map counters { type ipv4_addr : counter; elements = { 10.1.0.1 : "named" } }
	chain other { counter comment "in other"; }
	chain pre { type nat hook prerouting priority dstnat; dnat ip to tcp dport map @ports; meta l4proto tcp redirect to :8080; }
	chain post { type nat hook postrouting priority srcnat; snat ip to 10.1.1.1-10.1.1.5 persistent; masquerade random; }
	chain raw { type filter hook prerouting priority raw; notrack; ct helper set "ftp"; }
	chain forwarded {
		type filter hook forward priority filter; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		ct original ip saddr 10.0.0.1 ct direction reply ct mark set 7 ct mark 7 ct status dnat counter
		iifname "eth*" oifname { "a", "b" } meta mark 5-10 meta l4proto { tcp, udp } th dport 53 accept
		ip saddr @blocked drop
		ip saddr . tcp dport @pairs accept
		ip saddr . tcp dport @ranges accept
		ip daddr vmap @decide
		ip daddr != 10.0.0.0/8 ip ttl > 5 ip dscp cs1 tcp flags & (syn|ack) == syn counter packets 5 bytes 6
		counter name ip saddr map @counters
		counter name "named" quota name "q" quota over 5 mbytes
		add @meters { ip saddr limit rate 10/second burst 5 packets } accept
		limit rate over 100/minute log prefix "x " group 3 log level warn reject with icmpx admin-prohibited
		meta mark set meta mark << 8 meta mark set numgen inc mod 4 meta mark set jhash ip saddr mod 8 seed 0x1
		fib saddr . iif oif missing drop
		fib daddr type local reject with tcp reset
		tcp option maxseg size set rt mtu ip6 nexthdr tcp exthdr frag exists 
		ct count over 5 drop
		ip dscp set cs2 ip ttl set 5 udp checksum set 0
		tcp dport 1-1024 tcp sport != 7-9 ip6 saddr fd00::/8 drop
		goto other
	}
}
table netdev n { chain i { type filter hook ingress device "v0" priority 0; fwd to "v0"; dup to "v0"; }; }
`

// loadRuleset has nft load a ruleset, and gives what nft says against it.
func loadRuleset(text string) string {
	c := exec.Command("nft", "-f", "-")
	c.Stdin = strings.NewReader(text)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return ""
}

func opaques(s *Snapshot) (all []string) {
	note := func(k ChainKey, what string) { all = append(all, fmt.Sprintf("%v: %s", k, what)) }
	for k, c := range s.Chains.All() {
		for _, u := range c.Unknown {
			note(k, u)
		}
		for _, r := range c.Rules {
			for _, u := range r.Unknown {
				note(k, "rule "+u)
			}
			for _, e := range r.Exprs {
				if o, ok := e.(Opaque); ok {
					note(k, o.Name+": "+o.Why)
				}
			}
		}
	}
	for k, v := range s.Sets.All() {
		all = append(all, v.Unknown...)
		for _, e := range v.Elements.All() {
			if e.Unknown != "" {
				note(ChainKey(k), "element "+e.Unknown)
			}
		}
	}
	for _, t := range s.Tables.All() {
		all = append(all, t.Unknown...)
	}
	return all
}

// roundTrip prints and parses a Snapshot.
func roundTrip(t *testing.T, s *Snapshot) {
	back, err := ParseSnapshot([]byte(s.String()))
	if err != nil || !back.Equal(s) {
		t.Errorf("%v: does not round-trip:\n%s", err, Diff(s, back))
	}
}

// TestEveryExpression reads a ruleset of all expressions, none of which is Opaque.
func TestEveryExpression(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1")
		if problem := loadRuleset(everyExpression); problem != "" {
			t.Error(problem)
			return
		}
		t.Log(understood(t))
	})
}

// understood reads the ruleset, none of whose expressions may be Opaque, and prints and parses it.
func understood(t *testing.T) *Snapshot {
	s, err := readSilent(new(Snapshot))
	if err != nil {
		t.Error(err)
		return new(Snapshot)
	}
	if o := opaques(s); len(o) > 0 {
		t.Errorf("not understood: %s", strings.Join(o, "\n"))
	}
	roundTrip(t, s)
	return s
}

// TestWrittenSet has a rule write to a set that does not say that packets change it.
func TestWrittenSet(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		loadRuleset("add table ip t\nadd set ip t s { type ipv4_addr; }\nadd chain ip t f\nadd element ip t s { 10.0.0.1 }")
		w := watchHere(t)
		defer w.Close()
		for i, command := range []string{"add rule ip t f add @s { ip saddr }", "flush chain ip t f", "flush set ip t s"} {
			if problem := loadRuleset(command); problem != "" {
				t.Error(problem)
			}
			v, _ := settle(t, w).Sets.Get(SetKey{familyIPv4, "t", "s"})
			if !v.Written || !v.Fluid() || v.Elements.Len() > 0 {
				t.Errorf("after command %d: %+v", i, v)
			}
		}
	})
}

// corpus gives the rulesets of HONE_CORPUS.
func corpus(t *testing.T, pattern string) []string {
	dir := os.Getenv("HONE_CORPUS")
	if dir == "" {
		t.Skip("HONE_CORPUS names no directory of rulesets (nft/*.nft, iptables/*.rules)")
	}
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rulesets in %s: %v", dir, err)
	}
	return files
}

func TestCorpus(t *testing.T) {
	loaded := 0
	for _, file := range corpus(t, "nft/*.nft") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			inNamespace(t, func(run func(string)) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Error(err)
					return
				}
				if problem := loadRuleset(string(text)); problem != "" {
					t.Logf("not loaded: %s", problem)
					return
				}
				start := time.Now()
				loaded++
				s := understood(t)
				t.Logf("%d chains, %d sets in %v", s.Chains.Len(), s.Sets.Len(), time.Since(start))
			})
		})
	}
	if loaded == 0 {
		t.Error("no ruleset of the corpus could be loaded")
	}
}
