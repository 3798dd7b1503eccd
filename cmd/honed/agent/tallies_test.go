package agent

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/hone-net/hone/synth/ir"
)

// counting is a ruleset with one counter.
const counting = `hook kind=nft name="inet t f" family=inet
nft-table family=inet name=t handle=1
nft-chain family=inet table=t name=f handle=1 flags=0x1 base hook=2 policy=1 type=filter
nft-rule family=inet table=t chain=f handle=2 expr=counter
`

// TestTalliesSurvive: what was counted before everything went wrong is not lost.
func TestTalliesSurvive(t *testing.T) {
	b := newBed(t)
	b.text += counting
	count := uint64(0)
	b.host.read = func(table string, off int) []byte {
		data := make([]byte, ir.TallySize)
		binary.NativeEndian.PutUint64(data, count)
		binary.NativeEndian.PutUint64(data[8:], 100*count)
		return data
	}
	b.announce()
	count = 5
	if got := b.Tallies().Counters; len(got) != 1 || got[0].Packets != 5 || got[0].Bytes != 500 || got[0].Chain != "f" {
		t.Fatalf("%+v", got)
	}
	b.broken(errors.New("trouble"))
	count = 2 // of a fresh table
	b.announce()
	if got := b.Tallies().Counters; len(got) != 1 || got[0].Packets != 7 {
		t.Errorf("%+v", got)
	}
	b.text = strings.ReplaceAll(b.text, "name=t handle=1", "name=t handle=9")
	b.announce()
	if got := b.Tallies().Counters; len(got) != 1 || got[0].Packets != 2 || got[0].TableHandle != 9 {
		t.Errorf("%+v", got)
	}
}
