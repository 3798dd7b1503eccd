package introspect

import (
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TestPacedQdisc reads the most that fq lets out of a flow, which is all by default.
func TestPacedQdisc(t *testing.T) {
	const quantum = 3
	for _, c := range []struct {
		kind  string
		rate  uint32
		paced bool
	}{{"fq", 125_000, true}, {"fq", 0, true}, {"fq", ^uint32(0), false}, {"fq_codel", 125_000, false}} {
		options := append(attribute32(quantum, 3028), attribute32(fqMaxRate, c.rate)...)
		b := append(header(sizeofTcmsg, unix.AF_UNSPEC), byte(unix.SizeofNlAttr+len(c.kind)+1), 0, unix.TCA_KIND, 0)
		b = append(append(b, c.kind...), make([]byte, align4(len(c.kind)+1)-len(c.kind))...)
		b = append(append(b, byte(unix.SizeofNlAttr+len(options)), 0, unix.TCA_OPTIONS, 0), options...)
		s, _, err := (&Snapshot{}).Fold(netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWQDISC}, Data: b})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range s.Qdiscs.All() {
			if q.Kind != c.kind || q.Paced != c.paced {
				t.Errorf("%s with %d bytes a second: %+v", c.kind, c.rate, q)
			}
		}
	}
}
