package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// rawRules draws rules that nft does not write: loads from anywhere into any register, one beside the other or over it, changes
// of some of their bytes, and comparisons of as many as there happen to be.
type rawRules struct {
	*rand.Rand
	rule []expr.Any
}

// TestRawRules compares hone with the kernel over such rules, which go past nft.
func TestRawRules(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	const rounds, packets = 30, 500
	fast := 0
	for round := range uint64(rounds) {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			c := config{name: "raw rules", six: true, setup: []string{"ip route add default via 10.2.0.1", "ip -6 route add default via 2001:db8:2::1"}}
			b := start(t, c)
			r := &rawRules{Rand: rand.New(rand.NewPCG(seed(), round))}
			if err := b.net.R.Do(r.install); err != nil {
				t.Fatal(err)
			}
			g := b.generator(c, seed()+round)
			o, err := b.judge(c, fault{}, g.frames(packets), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range o.findings {
				t.Errorf("seed %d, %s", seed(), f)
			}
			fast += int(o.runs["fast"].Fast)
		})
	}
	if fast < rounds {
		t.Errorf("only %d packets were fast", fast)
	}
}

// install makes a chain of a few rules; the kernel may refuse some.
func (r *rawRules) install() error {
	conn, err := nftables.New()
	if err != nil {
		return err
	}
	family := []nftables.TableFamily{nftables.TableFamilyINet, nftables.TableFamilyIPv4, nftables.TableFamilyIPv6}[r.IntN(3)]
	hook := []*nftables.ChainHook{nftables.ChainHookForward, nftables.ChainHookPrerouting}[r.IntN(2)]
	accept := nftables.ChainPolicyAccept
	table := conn.AddTable(&nftables.Table{Name: "raw", Family: family})
	chain := conn.AddChain(&nftables.Chain{Name: "c", Table: table, Type: nftables.ChainTypeFilter, Hooknum: hook,
		Priority: nftables.ChainPriorityRaw, Policy: &accept})
	if err := conn.Flush(); err != nil {
		return err
	}
	for range 1 + r.IntN(4) {
		conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: r.draw()})
		_ = conn.Flush() // what it reads of registers may not be there
	}
	return nil
}

// draw draws a rule.
func (r *rawRules) draw() []expr.Any {
	r.rule = nil
	for range 2 + r.IntN(3) {
		at, n := r.load(uint32(8 + r.IntN(12)))
		if next := at + uint32(n+3)/4; r.IntN(3) == 0 && next < 23 {
			if r.IntN(2) == 0 {
				r.again(next)
			} else {
				r.load(next)
			}
			n = int(next-at)*4 + 1
		}
		if r.IntN(3) == 0 {
			at, n = r.reorder(at, n)
		}
		r.compare(at, n)
	}
	verdicts := []expr.VerdictKind{expr.VerdictDrop, expr.VerdictDrop, expr.VerdictAccept, expr.VerdictReturn}
	return append(r.rule, &expr.Verdict{Kind: verdicts[r.IntN(len(verdicts))]})
}

func (r *rawRules) add(e expr.Any) { r.rule = append(r.rule, e) }

// metaKeys are facts with their lengths.
var metaKeys = []struct {
	key    expr.MetaKey
	length int
}{{expr.MetaKeyLEN, 4}, {expr.MetaKeyPROTOCOL, 2}, {expr.MetaKeyNFPROTO, 1}, {expr.MetaKeyL4PROTO, 1}, {expr.MetaKeyOIF, 4}, {expr.MetaKeyOIFNAME, 16},
	{expr.MetaKeyIIFNAME, 16}, {expr.MetaKeyIIFTYPE, 2}, {expr.MetaKeyOIFTYPE, 2}, {expr.MetaKeyMARK, 4}}

// load loads something into a register.
func (r *rawRules) load(to uint32) (at uint32, n int) {
	if r.IntN(8) == 0 {
		k := metaKeys[r.IntN(len(metaKeys))]
		r.add(&expr.Meta{Key: k.key, Register: to})
		return to, k.length
	}
	base := expr.PayloadBase(r.IntN(3))
	size := map[expr.PayloadBase]int{expr.PayloadBaseLLHeader: 14, expr.PayloadBaseNetworkHeader: 20, expr.PayloadBaseTransportHeader: 8}[base]
	n = 1 + r.IntN(min(size, 16))
	r.add(&expr.Payload{DestRegister: to, Base: base, Offset: uint32(r.IntN(size + 1 - n)), Len: uint32(n)})
	return to, n
}

// again loads what was loaded last into another register.
func (r *rawRules) again(to uint32) {
	switch e := r.rule[len(r.rule)-1].(type) {
	case *expr.Payload:
		r.add(&expr.Payload{DestRegister: to, Base: e.Base, Offset: e.Offset, Len: e.Len})
	case *expr.Meta:
		r.add(&expr.Meta{Key: e.Key, Register: to})
	}
}

// reorder changes the order of bytes, perhaps into another register that has something behind them.
func (r *rawRules) reorder(from uint32, n int) (at uint32, length int) {
	size := []int{2, 4, 8}[r.IntN(3)]
	if n%size != 0 {
		return from, n
	}
	at = from
	if r.IntN(3) == 0 {
		at, _ = r.load(uint32(8 + r.IntN(12)))
	}
	r.add(&expr.Byteorder{SourceRegister: from, DestRegister: at, Op: expr.ByteorderOp(r.IntN(2)), Len: uint32(n), Size: uint32(size)})
	return at, (n + 3) / 4 * 4
}

// compare asks for some of the bytes of a register.
func (r *rawRules) compare(at uint32, n int) {
	n = 1 + r.IntN(min(n, 16))
	switch r.IntN(3) {
	case 0:
		mask, xor, want := make([]byte, n), r.bytes(n), r.bytes(n)
		for range 1 + r.IntN(3) {
			mask[r.IntN(n)] |= 1 << r.IntN(8)
		}
		for i := range want {
			want[i] = want[i]&mask[i] ^ xor[i]
		}
		r.add(&expr.Bitwise{SourceRegister: at, DestRegister: at, Len: uint32(n), Mask: mask, Xor: xor})
		r.add(&expr.Cmp{Op: []expr.CmpOp{expr.CmpOpEq, expr.CmpOpNeq}[r.IntN(2)], Register: at, Data: want})
	case 1:
		ops := []expr.CmpOp{expr.CmpOpNeq, expr.CmpOpLt, expr.CmpOpLte, expr.CmpOpGt, expr.CmpOpGte}
		r.add(&expr.Cmp{Op: ops[r.IntN(len(ops))], Register: at, Data: r.bytes(n)})
	default:
		ends := [][]byte{r.bytes(n), r.bytes(n)}
		slices.SortFunc(ends, slices.Compare)
		r.add(&expr.Range{Op: []expr.CmpOp{expr.CmpOpEq, expr.CmpOpNeq}[r.IntN(2)], Register: at, FromData: ends[0], ToData: ends[1]})
	}
}

// bytes are such as packets have, every other one.
func (r *rawRules) bytes(n int) []byte {
	common := []byte{0, 1, 2, 6, 8, 10, 16, 17, 32, 53, 64, 0x45, 80, 100, 0x86, 172, 0xdd, 255}
	b := make([]byte, n)
	for i := range b {
		if b[i] = byte(r.Uint32()); r.IntN(2) == 0 {
			b[i] = common[r.IntN(len(common))]
		}
	}
	return b
}
