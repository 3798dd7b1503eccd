package emit

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/ir"
)

// asksSeen is a program that lets packets on whose first words were seen before.
func asksSeen(kind ir.TableKind, words int) *ir.Program {
	b := ir.NewBuilder("seen")
	b.Bound(8*words, slowpath.Short)
	var args []*ir.Value
	for i := range words {
		args = append(args, b.LoadLE(8*i, 8))
	}
	b.Seen(b.Table(&ir.Table{Name: "connections", Kind: kind, Domain: slowpath.Config, Size: 64}), slowpath.ConntrackMiss, args...)
	b.Redirect(b.Const(7))
	return b.Program
}

// TestSeen sends packets by turns that differ in one bit or in all. The second one like another goes on, if not too many
// came in between; the first one does not, but where it happens to have the hint of one before, one time in 32 at most.
func TestSeen(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for kind, words := range map[ir.TableKind]int{ir.Conntrack: 2, ir.Conntrack6: 5} {
		k := newKernelRun(t, asksSeen(kind, words), Kernel{CPUs: 1})
		goesOn := func(pkt []byte) bool {
			k.set(t, &ir.Env{})
			return k.run(t, pkt).Kind == ir.RedirectExit
		}
		base, asked := random(r, 64+8*words), 0
		const rounds = 400
		for range rounds {
			pkt := random(r, len(base))
			if r.IntN(2) == 0 {
				pkt = slices.Clone(base)
				pkt[r.IntN(8*words)] ^= 1 << r.IntN(8)
			}
			if goesOn(pkt) {
				asked++
			}
			if !goesOn(pkt) {
				t.Fatalf("%v: the second packet like %x was handed to the kernel", kind, pkt)
			}
		}
		// Of those that differ from base in a bit many are sent twice: there are 8 * 8 * words of them.
		if again := rounds/2 - min(rounds/2, 32*words); asked > again+rounds/8 {
			t.Errorf("%v: %d of %d packets went on that came for the first time", kind, asked, rounds)
		}
	}
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.NativeEndian.AppendUint64(b, r.Uint64())
	}
	return b[:n]
}

// TestSeenKeepsEight sends eight packets by turns, for which its two words of hints have room however they share them: only
// the first turn is the kernel's.
func TestSeenKeepsEight(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	p := asksSeen(ir.Conntrack, 2)
	p.Tables[0].Size = 8
	k := newKernelRun(t, p, Kernel{CPUs: 1})
	var punted []int
	for turn := range 3 {
		n := 0
		for i := range 8 {
			pkt := make([]byte, 64)
			pkt[3], pkt[12] = byte(i), byte(3*i)
			k.set(t, &ir.Env{})
			if k.run(t, pkt).Kind == ir.Punt {
				n++
			}
		}
		if punted = append(punted, n); turn > 0 && n > 0 {
			t.Errorf("turn %d: %d of 8 packets were handed to the kernel", turn, n)
		}
	}
	if punted[0] < 7 {
		t.Errorf("%d of 8 packets were handed to the kernel when they came first", punted[0])
	}
}
