package synth

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// state is what the kernel knows of a packet's connection at some place.
type state int

const (
	untold     state = iota // connections are not tracked
	nothing                 // it has not looked yet
	notTracked              // notrack
	isTracked
)

// comes brings the packet to a chain of a priority.
func (n *naive) comes(priority int32) {
	switch {
	case n.ct == untold || n.ct == notTracked:
	case n.hook > 0 || priority > -200:
		n.ct = isTracked
	}
}

// connection is what nft_ct_get_eval loads, nil where it ends the rule.
func (n *naive) connection(key uint32) []byte {
	state := map[state]uint32{nothing: 1, notTracked: 1 << 6, isTracked: 1 << 1}[n.ct]
	switch {
	case key == unix.NFT_CT_STATE:
		return binary.NativeEndian.AppendUint32(nil, state)
	case n.ct != isTracked:
		return nil
	case key == unix.NFT_CT_STATUS:
		return make([]byte, 4)
	}
	return make([]byte, 1) // NFT_CT_DIRECTION
}

// connected has a rule ask for the connection, or say notrack, now and then.
func (r *ruler) connected(all []introspect.Expr) []introspect.Expr {
	ct := func(key uint32) introspect.Expr {
		return introspect.Ct{DReg: 8, Key: key, Direction: introspect.NoDirection}
	}
	switch r.IntN(8) {
	case 0, 1:
		at := r.IntN(len(all) + 1)
		return append(all[:at:at], append([]introspect.Expr{introspect.Notrack{}}, all[at:]...)...)
	case 2, 3:
		mask := binary.NativeEndian.AppendUint32(nil, uint32(r.oneOf(1, 2, 64, 66, 65)))
		return append([]introspect.Expr{ct(unix.NFT_CT_STATE), introspect.Bitwise{SReg: 8, DReg: 8, Len: 4, Mask: introspect.Data(mask), Xor: "\x00\x00\x00\x00"},
			introspect.Cmp{SReg: 8, Op: uint32(r.oneOf(1, 1, 1, 0)), Data: "\x00\x00\x00\x00"}}, all...)
	case 4:
		return append([]introspect.Expr{ct(unix.NFT_CT_DIRECTION), introspect.Cmp{SReg: 8, Data: introspect.Data([]byte{byte(r.IntN(2))})}}, all...)
	case 5:
		return append([]introspect.Expr{r.counter(), ct(unix.NFT_CT_STATUS), introspect.Cmp{SReg: 8, Data: "\x00\x00\x00\x00"}}, all...)
	}
	return all
}

// connection is that of all packets where connections are tracked.
func (r *ruler) connection() *Connection {
	if !r.tracks {
		return nil
	}
	return &Connection{}
}

// amid is a packet, in most cases of the middle of a connection.
func (r *ruler) amid() []byte {
	const tcp, offset, ack = 6, 5 << 4, 16
	f, ip := r.frame(), layout4
	if r.six {
		ip = layout6
	}
	if f[ip.protocol] == tcp && len(f) >= ip.end()+20 && r.IntN(8) > 0 {
		f[ip.end()+12], f[ip.end()+13] = offset, ack
	}
	return f
}

// divided tells whether any packet gets as far as to a rule that says notrack.
func (r *ruler) divided() bool {
	l, _ := r.s.Links.Get(2)
	ip := layout4
	if r.six {
		ip = layout6
	}
	return rulesetOf(&r.s, l, ip, Shape{}).Untracked() != nil
}

// track has the kernel track connections.
func (r *ruler) track() {
	for _, ip := range []*layout{layout4, layout6} {
		name := hookTracking + " " + ip.hook
		r.s.Hooks = r.s.Hooks.With(introspect.Name(name), introspect.Hook{Kind: hookTracking, Name: name, Family: ip.hook})
	}
	for name, value := range map[string]string{"acct": "0", "udp_timeout_stream": "120", "tcp_timeout_established": "432000"} {
		path := "netfilter/nf_conntrack_" + name
		r.s.Sysctls = r.s.Sysctls.With(introspect.Name(path), introspect.Sysctl{Path: path, Value: value})
	}
	r.tracks = true
}

// newEarly adds a table with chains before the tracking.
func (r *ruler) newEarly() {
	r.newRuleset()
	for i := range 1 + r.IntN(3) {
		c := introspect.Chain{Base: true, Type: "filter", Priority: int32(r.oneOf(-450, -300, -300, -250, -201, -199)), Policy: uint32(min(1, r.IntN(6))), Counts: r.IntN(4) == 0}
		r.chain(c, fmt.Sprint("early", i), otherChains)
	}
}

// TestUntrackedAgrees compares programs with what the kernel would do where rules say notrack.
func TestUntrackedAgrees(t *testing.T) {
	for name, six := range map[string]bool{"ipv4": false, "ipv6": true} {
		t.Run(name, func(t *testing.T) {
			text := router(t)
			if six {
				text = router6(t)
			}
			count := map[string]int{}
			for range 60 {
				seed := rand.Uint64()
				r := &ruler{Rand: rand.New(rand.NewPCG(seed, 7)), s: *parse(t, text), six: six}
				r.odd = r.IntN(3) == 0
				r.track()
				r.newEarly()
				b := rulesetBed(t, r)
				for range 40 {
					rulesetAgreesOn(t, b, r, r.amid(), count)
				}
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
			t.Log(count)
			if all := 60 * 40; count["untracked"] < all/200 || count["passed"]-count["untracked"] < all/300 || count["dropped"] < all/40 {
				t.Errorf("too few of %d packets of a kind: %v", all, count)
			}
		})
	}
}

// TestUntrackedLater: a rule that all packets end at that are not tracked does not hide those behind it from packets that are
// tracked until then.
func TestUntrackedLater(t *testing.T) {
	r := &ruler{Rand: rand.New(rand.NewPCG(1, 7)), s: *parse(t, router(t))}
	r.track()
	table := introspect.TableKey{Family: unix.NFPROTO_IPV4, Name: "t"}
	key := introspect.ChainKey{Family: table.Family, Table: table.Name, Name: "c"}
	state := []introspect.Expr{introspect.Ct{DReg: 8, Direction: introspect.NoDirection},
		introspect.Cmp{SReg: 8, Data: introspect.Data(binary.NativeEndian.AppendUint32(nil, 1<<6))}, code(introspect.VerdictAccept)}
	r.s.Tables = r.s.Tables.With(table, introspect.Table{Key: table})
	r.s.Chains = r.s.Chains.With(key, introspect.Chain{Key: key, Base: true, Type: "filter", Priority: -300, Policy: 1,
		Rules: []*introspect.ChainRule{{Handle: 1, Exprs: state}, {Handle: 2, Exprs: []introspect.Expr{introspect.Notrack{}}},
			{Handle: 3, Exprs: []introspect.Expr{portAt(2), introspect.Cmp{Data: "\x00\x35"}, code(introspect.VerdictDrop)}}}})
	b := rulesetBed(t, r)
	for _, port := range []byte{53, 54} {
		rulesetAgreesOn(t, b, r, datagram(put(36, 0, port)), map[string]int{})
	}
}

// TestUntrackedUnordered: of two chains of one priority, the kernel asks the one first that came last. A packet of which one says
// notrack is left to the kernel where the other one asks for that, and forwarded where it does not.
func TestUntrackedUnordered(t *testing.T) {
	state := []introspect.Expr{introspect.Ct{DReg: 8, Direction: introspect.NoDirection},
		introspect.Cmp{SReg: 8, Data: introspect.Data(binary.NativeEndian.AppendUint32(nil, 1<<6))}, code(introspect.VerdictAccept)}
	for name, c := range map[string]struct {
		exprs    []introspect.Expr
		priority int32
		passes   bool
	}{
		"asks":            {state, -300, false},
		"asks later":      {state, -299, true},
		"does not ask it": {[]introspect.Expr{code(introspect.VerdictAccept)}, -300, true},
	} {
		r := &ruler{Rand: rand.New(rand.NewPCG(1, 7)), s: *parse(t, router(t))}
		r.track()
		for table, chain := range map[string]introspect.Chain{
			"a": {Priority: -300, Policy: 1, Rules: []*introspect.ChainRule{{Handle: 1, Exprs: []introspect.Expr{introspect.Notrack{}}}}},
			"b": {Priority: c.priority, Policy: 0, Rules: []*introspect.ChainRule{{Handle: 1, Exprs: c.exprs}}},
		} {
			key := introspect.ChainKey{Family: unix.NFPROTO_IPV4, Table: table, Name: "c"}
			chain.Key, chain.Base, chain.Type = key, true, "filter"
			r.s.Tables = r.s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
			r.s.Chains = r.s.Chains.With(key, chain)
		}
		if v := rulesetBed(t, r).run(t, datagram()); (v.Kind == ir.RedirectExit) != c.passes {
			t.Errorf("the other chain %s: %v", name, v)
		}
	}
}
