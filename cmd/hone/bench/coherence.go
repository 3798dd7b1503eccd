package bench

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// domain is a kind of configuration change with two states between which it goes back and forth. A frame that arrives
// shows under which state it was forwarded: by the last bytes of its MACs, or by arriving at all.
type domain struct {
	name  string
	lines [2]string // the command that leads to state 0, to state 1
	keys  [2]int    // what arrives in the states; -1: nothing does
	setup []string  // leads to state 0 at the start
	undo  []string  // puts back what setup changed
}

// The frames of the states: by the receiver 0 (b0) or 2 (an alias on the same link), from r1.
var (
	byFirst  = sinkKey(0, 1)
	bySecond = sinkKey(2, 1)
	byThird  = sinkKey(5, 1)
)

var domains = []domain{
	{name: "route", keys: [2]int{byFirst, bySecond},
		lines: [2]string{"ip route replace 10.128.0.0/24 via 10.2.0.1", "ip route replace 10.128.0.0/24 via 10.2.0.2"}},
	{name: "neigh", keys: [2]int{byFirst, byThird},
		lines: [2]string{"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:00 dev r1 nud permanent",
			"ip neigh replace 10.2.0.1 lladdr 02:00:00:00:0b:05 dev r1 nud permanent"}},
	{name: "nexthop", keys: [2]int{byFirst, bySecond},
		setup: []string{"ip nexthop add id 7 via 10.2.0.1 dev r1", "ip route replace 10.128.0.0/24 nhid 7"},
		lines: [2]string{"ip nexthop replace id 7 via 10.2.0.1 dev r1", "ip nexthop replace id 7 via 10.2.0.2 dev r1"},
		undo:  []string{"ip route replace 10.128.0.0/24 via 10.2.0.1", "ip nexthop del id 7"}},
	{name: "link", keys: [2]int{byFirst, -1}, // another MAC: the frames are for another host then
		lines: [2]string{"ip link set r0 address 02:00:00:00:01:00", "ip link set r0 address 02:00:00:00:01:77"}},
	{name: "address", keys: [2]int{byFirst, -1},
		lines: [2]string{"ip address del 10.128.0.9/32 dev lo", "ip address add 10.128.0.9/32 dev lo"}},
	{name: "rule", keys: [2]int{byFirst, -1},
		lines: [2]string{"ip rule del to 10.128.0.0/24 blackhole", "ip rule add to 10.128.0.0/24 blackhole"}},
	{name: "netconf", keys: [2]int{byFirst, -1},
		lines: [2]string{"sysctl -qw net.ipv4.conf.r0.forwarding=1", "sysctl -qw net.ipv4.conf.r0.forwarding=0"}},
	{name: "nft", keys: [2]int{byFirst, -1},
		lines: [2]string{"nft delete table ip t",
			"nft add table ip t ; add chain ip t c { type filter hook forward priority 0 ; policy drop ; }"}},
	{name: "nftrule", keys: [2]int{byFirst, -1},
		setup: []string{"nft add table ip t ; add chain ip t c { type filter hook forward priority 0 ; }"},
		lines: [2]string{"nft flush chain ip t c", "nft add rule ip t c ip daddr 10.128.0.0/24 drop"},
		undo:  []string{"nft delete table ip t"}},
	{name: "element", keys: [2]int{byFirst, -1},
		setup: []string{"nft add table ip t ; add set ip t s { type ipv4_addr ; flags interval ; } ;" +
			" add chain ip t c { type filter hook forward priority 0 ; } ; add rule ip t c ip daddr @s drop"},
		lines: [2]string{"nft delete element ip t s { 10.128.0.0/24 }", "nft add element ip t s { 10.128.0.0/24 }"},
		undo:  []string{"nft delete table ip t"}},
	{name: "host", keys: [2]int{byFirst, -1}, // among so many that the table of the set changes in place
		setup: []string{"nft add table ip t ; add set ip t s { type ipv4_addr ; elements = { 192.0.2.1 , 192.0.2.2 , 192.0.2.3 , 192.0.2.4 ," +
			" 192.0.2.5 , 192.0.2.6 , 192.0.2.7 , 192.0.2.8 } ; } ;" +
			" add chain ip t c { type filter hook forward priority 0 ; } ; add rule ip t c ip daddr @s drop"},
		lines: [2]string{"nft delete element ip t s { 10.128.0.9 }", "nft add element ip t s { 10.128.0.9 }"},
		undo:  []string{"nft delete table ip t"}},
	{name: "tc", keys: [2]int{byFirst, -1},
		lines: [2]string{"tc qdisc del dev r1 root", "tc qdisc add dev r1 root tbf rate 8bit burst 10 limit 10"}},
	{name: "xfrm", keys: [2]int{byFirst, -1},
		lines: [2]string{"ip xfrm policy delete dir fwd src 10.0.0.0/24 dst 10.128.0.0/24",
			"ip xfrm policy add dir fwd src 10.0.0.0/24 dst 10.128.0.0/24 action block"}},
}

var coherenceCase = Case{Name: "coherence", Doc: "packets by the old configuration after a command returned, under a flood", run: coherence}

func coherence(o Options) (Result, error) {
	result := Result{Case: "coherence", Figures: map[string]float64{}}
	r, err := newRouter(1, secondReceiver)
	if err != nil {
		return result, err
	}
	defer r.close()
	d, err := r.honed()
	if err != nil {
		return result, err
	}
	defer d.stop()
	shell, err := newNftShell(r.R)
	if err != nil {
		return result, err
	}
	defer shell.close()
	s := r.stream()
	defer s.stop()
	togglers := make([]toggler, len(domains))
	for i, dom := range domains {
		togglers[i] = toggler{rig: r, daemon: d, nft: shell, domain: dom}
	}
	for end := time.Now().Add(o.Time - time.Second); time.Now().Before(end); {
		for i := range togglers {
			if err := togglers[i].round(); err != nil {
				return result, fmt.Errorf("%s: %w", togglers[i].name, errors.Join(err, s.failure()))
			}
		}
	}
	for _, t := range togglers {
		t.report(&result)
	}
	return result, nil
}

// toggler takes one domain to and fro.
type toggler struct {
	rig    *rig
	daemon *daemon
	nft    *nftShell
	domain
	words     *words
	effective int // changes made while the port was fast and packets arrived by the old state
	stale     int // packets that were made after the return of the command and forwarded by the old state
}

// Changes of one round: where both states let packets pass, every one of them can be seen to be in force, and costs
// little; elsewhere only that to the state in which nothing arrives.
const (
	bothWays = 48
	oneWay   = 12
)

// round takes the domain to and fro some times, beginning and ending with state 0.
func (t *toggler) round() (err error) {
	if err := t.command(t.setup...); err != nil {
		return err
	}
	defer func() {
		if t.words != nil {
			t.words.close()
			t.words = nil
		}
		if bad := t.command(t.undo...); err == nil {
			err = bad
		}
	}()
	n := bothWays / 2
	if t.keys[1] < 0 {
		n = oneWay
	}
	for range n {
		for to := range 2 {
			if err := t.change(1 - to); err != nil {
				return err
			}
		}
	}
	return nil
}

// command runs command lines one after the other.
func (t *toggler) command(lines ...string) error {
	for _, line := range lines {
		var err error
		if transaction, nft := strings.CutPrefix(line, "nft "); nft {
			err = t.nft.run(transaction)
		} else {
			err = t.rig.R.Run(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// report adds the domain's figures to those of the case.
func (t *toggler) report(result *Result) {
	result.Figures["changes_"+t.name] = float64(t.effective)
	result.Figures["changes"] += float64(t.effective)
	result.Figures["stale_packets"] += float64(t.stale)
	if t.stale > 0 {
		result.Failed = append(result.Failed, fmt.Sprintf("%s: %d stale packets", t.name, t.stale))
	}
	if t.effective == 0 {
		result.Failed = append(result.Failed, t.name+": no effective change")
	}
}

// patience is how long a port may take to be fast again. Programs are exchanged only after grace periods of RCU, which on a
// machine whose CPUs are taken by real-time work have been seen to last more than six seconds; packets are the kernel's until then.
const patience = 30 * time.Second

// change goes to a state. It counts as effective if the port was fast and packets came by the state before.
func (t *toggler) change(to int) (err error) {
	old := t.keys[1-to]
	if old >= 0 {
		if t.words, err = t.daemon.await(t.words, "r0", patience); err != nil {
			return err
		}
		if err := t.flowing(old); err != nil {
			return err
		}
	}
	effective := old >= 0 && t.words.fresh()
	if err := t.command(t.lines[to]); err != nil {
		return err
	}
	returned := now()
	if !effective {
		return nil
	}
	t.effective++
	first := t.rig.sinks[0].read(old)
	time.Sleep(time.Millisecond)
	if last := t.rig.sinks[0].read(old); last.Stamp > returned {
		t.stale += max(1, int(last.Count-first.Count))
	}
	return nil
}

// flowing waits until packets arrive by a state.
func (t *toggler) flowing(key int) error {
	from, sent, arrived := now(), t.rig.flood.sent(), t.rig.arrived()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Microsecond) {
		if t.rig.sinks[0].read(key).Stamp > from {
			return nil
		}
	}
	return t.daemon.explain(fmt.Errorf("bench: wait for packets of kind %#x: none after %v, in which %d were sent and %d arrived",
		key, patience, t.rig.flood.sent()-sent, t.rig.arrived()-arrived))
}
