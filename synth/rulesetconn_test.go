package synth

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/filter"
	"github.com/hone-net/hone/synth/ir"
)

// sight is what a rule loads, and what it must find in packets of the connection of natBed, which go from 10.1.0.2:12345
// to 203.0.113.5:4711 and leave as 10.2.0.1:4000 to 192.0.2.7:80.
type sight struct {
	load introspect.Expr
	want introspect.Data
}

func header(offset, length uint32) introspect.Expr {
	return introspect.Payload{Base: unix.NFT_PAYLOAD_NETWORK_HEADER, Offset: offset, Len: length}
}

func portAt(offset uint32) introspect.Expr {
	return introspect.Payload{Base: unix.NFT_PAYLOAD_TRANSPORT_HEADER, Offset: offset, Len: 2}
}

func tuple(key uint32, direction introspect.Direction) introspect.Expr {
	return introspect.Ct{Key: key, Direction: direction}
}

const (
	nearAddr, publicAddr = "\x0a\x01\x00\x02", "\x0a\x02\x00\x01"
	askedAddr, farAddr   = "\xcb\x00\x71\x05", "\xc0\x00\x02\x07"
	nearPort, publicPort = "\x30\x39", "\x0f\xa0"
	askedPort, farPort   = "\x12\x67", "\x00\x50"
)

// TestRulesSeeTranslations wants rules to see addresses and ports as they are at the place of their chain.
func TestRulesSeeTranslations(t *testing.T) {
	source, dest, sport, dport := header(12, 4), header(16, 4), portAt(0), portAt(2)
	own := []sight{{source, nearAddr}, {dest, askedAddr}, {sport, nearPort}, {dport, askedPort}}
	routed := []sight{{source, nearAddr}, {dest, farAddr}, {sport, nearPort}, {dport, farPort},
		{tuple(19, 0), nearAddr}, {tuple(20, 0), askedAddr}, {tuple(19, 1), farAddr}, {tuple(20, 1), publicAddr},
		{tuple(unix.NFT_CT_PROTO_SRC, 0), nearPort}, {tuple(unix.NFT_CT_PROTO_DST, 0), askedPort},
		{tuple(unix.NFT_CT_PROTO_SRC, 1), farPort}, {tuple(unix.NFT_CT_PROTO_DST, 1), publicPort},
		{tuple(unix.NFT_CT_PROTOCOL, introspect.NoDirection), "\x11"}, {tuple(unix.NFT_CT_ZONE, 0), "\x00\x00"}}
	sent := []sight{{source, publicAddr}, {dest, farAddr}, {sport, publicPort}, {dport, farPort}, {tuple(20, 0), askedAddr}}
	for _, at := range []struct {
		stage filter.Stage
		sees  []sight
	}{
		{filter.Stage{Hook: 0, Priority: -300}, own}, {filter.Stage{Hook: 0, Priority: -150}, own},
		{filter.Stage{Hook: 0, Priority: -50}, routed}, {filter.Stage{Hook: 2}, routed},
		{filter.Stage{Hook: 4, Priority: 50}, routed}, {filter.Stage{Hook: 4, Priority: 150}, sent},
	} {
		for _, a := range at.sees {
			b := natBed(t, at.stage, a.load, a.want)
			if v := b.run(t, datagram(to(203, 0, 113, 5), repair)); v.Kind != ir.RedirectExit {
				t.Errorf("at %v, %s is not %x: %v", at.stage, introspect.ExprText(a.load), a.want, v)
			} else if string(v.Packet[26:38]) != publicAddr+farAddr+publicPort+farPort {
				t.Errorf("at %v, sent %x", at.stage, v.Packet)
			}
			other := []byte(a.want)
			other[len(other)-1] ^= 1
			b = natBed(t, at.stage, a.load, introspect.Data(other))
			if v := b.run(t, datagram(to(203, 0, 113, 5), repair)); v.Kind != ir.Punt || v.Reason != slowpath.RulesetDrop {
				t.Errorf("at %v, %s is %x: %v", at.stage, introspect.ExprText(a.load), other, v)
			}
		}
	}
}

// TestRulesAtTranslations wants packets left to the kernel of which a rule may or may not see the translation: there, or
// before the connection is known, or of a checksum.
func TestRulesAtTranslations(t *testing.T) {
	for _, c := range []struct {
		stage filter.Stage
		load  introspect.Expr
	}{
		{filter.Stage{Hook: 0, Priority: -100}, header(16, 4)}, {filter.Stage{Hook: 0, Priority: -100}, portAt(2)},
		{filter.Stage{Hook: 4, Priority: 100}, header(12, 4)}, {filter.Stage{Hook: 0, Priority: -200}, tuple(19, 0)},
		{filter.Stage{Hook: 0, Priority: -300}, tuple(19, 0)}, {filter.Stage{Hook: 2}, portAt(6)}, {filter.Stage{Hook: 0}, header(10, 2)},
	} {
		b := natBed(t, c.stage, c.load, "\xff\xff")
		v := b.run(t, datagram(to(203, 0, 113, 5), repair))
		if v.Kind != ir.Punt || v.Reason != slowpath.RulesetConn && v.Reason != slowpath.RulesetMatch {
			t.Errorf("at %v, %s: %v", c.stage, introspect.ExprText(c.load), v)
		}
	}
}

// natBed is a router that translates, with one chain: it accepts what a rule finds, and drops everything else.
func natBed(t *testing.T, at filter.Stage, load introspect.Expr, want introspect.Data) *bed {
	t.Helper()
	s := *parse(t, router(t))
	s.Hooks = s.Hooks.With("conntrack ip", introspect.Hook{Kind: hookTracking, Name: "conntrack ip", Family: "ip"})
	for name, value := range map[string]string{"acct": "0", "udp_timeout_stream": "120", "tcp_timeout_established": "432000"} {
		path := "netfilter/nf_conntrack_" + name
		s.Sysctls = s.Sysctls.With(introspect.Name(path), introspect.Sysctl{Path: path, Value: value})
	}
	key := introspect.ChainKey{Family: unix.NFPROTO_IPV4, Table: "t", Name: "c"}
	nat := introspect.ChainKey{Family: unix.NFPROTO_IPV4, Table: "t", Name: "n"}
	s.Tables = s.Tables.With(key.Of(), introspect.Table{Key: key.Of()})
	s.Chains = s.Chains.With(nat, introspect.Chain{Key: nat, Base: true, Type: "nat", Hook: 4, Priority: 100, Policy: 1})
	s.Chains = s.Chains.With(key, introspect.Chain{Key: key, Base: true, Type: "filter", Hook: at.Hook, Priority: at.Priority,
		Rules: []*introspect.ChainRule{{Handle: 1, Exprs: []introspect.Expr{load, introspect.Cmp{Data: want}, introspect.Verdict{Code: 1}}}}})
	o := tested
	o.Ruleset, o.Conntrack = true, true
	b := &bed{snapshot: &s, fib: NewFIB(&s)}
	var err error
	if b.program, err = Program(&s, 2, o, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
	b.env = b.fib.Env()
	b.env.Conntrack = func([]uint64) []byte {
		row := make([]byte, ir.Conntrack.LiveRow())
		numbers := map[string]uint64{"status": ir.StatusSourceNAT | ir.StatusDestNAT, "source": 0x0a020001, "dest": 0xc0000207,
			"sport": 4000, "dport": 80}
		for _, f := range ir.ConntrackFields {
			if f.Width == 2 {
				binary.NativeEndian.PutUint16(row[f.Offset:], uint16(numbers[f.Name]))
			} else {
				binary.NativeEndian.PutUint32(row[f.Offset:], uint32(numbers[f.Name]))
			}
		}
		return row
	}
	return b
}
