package oracle

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// carried lists the connections of TCP and UDP that the kernel counts, with what they have carried: what it has counted itself,
// and what programs have.
func carried(ns *lab.Namespace, accounts func() ([]emit.Account, error)) (all []lab.Connection, err error) {
	var counted []emit.Account
	if accounts != nil {
		if counted, err = accounts(); err != nil {
			return nil, err
		}
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		connections, err := ns.Connections(family)
		if err != nil {
			return nil, err
		}
		for _, c := range connections {
			if !c.Counted || c.Protocol != unix.IPPROTO_TCP && c.Protocol != unix.IPPROTO_UDP {
				continue
			}
			for _, a := range counted {
				if a.Protocol == c.Protocol && a.Source == c.Source && a.Dest == c.Dest {
					for i, s := range a.Sums {
						c.Counts[i] = lab.Counts{Packets: c.Counts[i].Packets + s.Packets, Bytes: c.Counts[i].Bytes + s.Bytes}
					}
				}
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// count adds what connections have carried.
func (e entries) count(ns *lab.Namespace, accounts func() ([]emit.Account, error)) error {
	all, err := carried(ns, accounts)
	for _, c := range all {
		e[fmt.Sprintf("carried %v by %d %v %v", c.Counts, c.Protocol, c.Source, c.Dest)] = 0
	}
	return err
}

const accounting = "sysctl netfilter/nf_conntrack_acct=1"

func needAccounts(t *testing.T) {
	t.Helper()
	needConnections(t)
	if k, err := probe(); err != nil || !k.Conntrack.Accounts {
		t.Skipf("this kernel does not say when connections end (%v)", err)
	}
}

// carried is what a connection has carried in the direction of its first packet.
func (l *life) carried(c lab.Connection) (counts lab.Counts) {
	l.Helper()
	all, err := carried(l.net.R, l.m.host.Accounts)
	if err != nil {
		l.Fatal(err)
	}
	for _, is := range all {
		if is.Protocol == c.Protocol && is.Source == c.Source && is.Dest == c.Dest {
			counts = is.Counts[0]
		}
	}
	return counts
}

// count sends packets of a connection that has carried something, and wants them to be counted.
func (l *life) count(c lab.Connection, n int, sent *lab.Counts) (fast, waits uint64) {
	l.Helper()
	frames := l.frames(c, n)
	for _, f := range frames {
		sent.Packets, sent.Bytes = sent.Packets+1, sent.Bytes+uint64(f[lab.OffTotal])<<8+uint64(f[lab.OffTotal+1])
	}
	s := l.play(frames)
	if got := l.carried(c); got != *sent {
		l.Fatalf("%v packets and bytes are counted, %v were sent; %d were fast, %v", got, *sent, s.Fast, s.Punts)
	}
	return s.Fast, s.Punts[slowpath.ConntrackAccount]
}

// TestAccountsStay: what a connection has carried is counted by programs and the kernel together, whatever becomes of the flow
// cache and of programs.
func TestAccountsStay(t *testing.T) {
	needAccounts(t)
	l := newLife(t, accounting)
	for n, protocol := range []uint8{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
		c, sent := l.connect(protocol, 1000+uint16(n)), lab.Counts{}
		send := func(after string) {
			if fast, _ := l.count(c, 20, &sent); fast != 20 {
				t.Fatalf("%d packets were fast after %s", fast, after)
			}
		}
		send("the beginning")
		slots := 1 << 18 * ir.ConntrackSlot
		if err := l.m.host.Write([]ir.Write{{Table: "connections", Offset: ir.ConntrackHead, Data: make([]byte, slots)}}); err != nil {
			t.Fatal(err)
		}
		send("the loss of its place")
		if err := l.net.R.Do(func() error { return l.m.renew(l.s, l.m.ingress[0], true) }); err != nil {
			t.Fatal(err)
		}
		l.m.vouch()
		send("another program")
		time.Sleep(1100 * time.Millisecond)
		send("a second")
		l.m.park()
		l.count(c, 20, &sent)
		if err := relax(l.net.R); err != nil { // the kernel has seen acknowledgements
			t.Fatal(err)
		}
		l.m.vouch()
		send("packets of the kernel")
	}
}

// TestAccountsEnd: a connection of the same addresses and ports begins with nothing, in the same memory or not, and is fast once
// the account of the old one was removed.
func TestAccountsEnd(t *testing.T) {
	needAccounts(t)
	l := newLife(t, accounting)
	var fast, waits uint64
	for range 40 {
		sent := lab.Counts{}
		c := l.connect(unix.IPPROTO_UDP, 1000)
		for end := time.Now().Add(lab.Patience(5 * time.Second)); ; {
			f, w := l.count(c, 5, &sent)
			fast, waits = fast+f, waits+w
			if f == 5 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d of the last packets were fast, %d had to wait", f, w)
			}
		}
		if err := l.net.R.Disconnect(c); err != nil {
			t.Fatal(err)
		}
		if got := l.carried(c); got != (lab.Counts{}) {
			t.Fatalf("%v is counted of a connection that is gone", got)
		}
		sent = lab.Counts{}
		if fast, _ := l.count(c, 5, &sent); fast != 0 { // the kernel makes a new one
			t.Fatalf("%d were fast", fast)
		}
		if err := l.net.R.Disconnect(c); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d packets were fast, %d had to wait", fast, waits)
}

// TestAccountFaults plants mistakes about what connections carry.
func TestAccountFaults(t *testing.T) {
	needAccounts(t)
	c := config{}
	for _, one := range talkConfigs() {
		if one.name == "packets counted by conntrack for nobody" {
			c = one
		}
	}
	for name, change := range map[string]func(*ir.Value){
		"direction": func(v *ir.Value) { v.Args[1] = v.Args[2] },
		"bytes":     func(v *ir.Value) { v.Args[2] = v.Args[1] },
	} {
		f := fault{name: name, program: eachValue(func(v *ir.Value) {
			if v.Op == ir.OpAccount {
				change(v)
			}
		})}
		if o, _ := converse(t, c, f); len(o.findings) == 0 || o.packets == 0 {
			t.Errorf("%s: nothing noticed it", name)
		}
	}
}
