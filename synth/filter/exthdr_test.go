package filter

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/introspect"
)

// TestExtensions asks for extension headers and options, which no fast packet has.
func TestExtensions(t *testing.T) {
	const present = unix.NFT_EXTHDR_F_PRESENT
	exthdr := func(op uint32, kind uint8, flags uint32) introspect.Expr {
		return introspect.ExtHdr{Op: op, Type: kind, Flags: flags, Len: 1, DReg: 8}
	}
	is := func(v string) introspect.Expr { return introspect.Cmp{SReg: 8, Data: introspect.Data(v)} }
	xt := func(name string, size int) introspect.Expr {
		return introspect.Match{Name: name, Info: introspect.Data(make([]byte, size))}
	}
	for _, c := range []struct {
		name      string
		rule      []introspect.Expr
		four, six string // holds, never, left
	}{
		{"a header that is there", []introspect.Expr{exthdr(0, unix.IPPROTO_FRAGMENT, present), is("\x01")}, "left", "never"},
		{"a header that is missing", []introspect.Expr{exthdr(0, unix.IPPROTO_FRAGMENT, present), is("\x00")}, "left", "holds"},
		{"bytes of a header", []introspect.Expr{exthdr(0, unix.IPPROTO_ROUTING, 0), is("\x00")}, "left", "never"},
		{"a protocol for a header", []introspect.Expr{exthdr(0, unix.IPPROTO_TCP, present), is("\x00")}, "left", "left"},
		{"an option of TCP", []introspect.Expr{exthdr(1, 2, present), is("\x00")}, "left", "left"},
		{"an option of IPv4", []introspect.Expr{exthdr(2, 148, present), is("\x00")}, "holds", "left"},
		{"bytes of an option of IPv4", []introspect.Expr{exthdr(2, 148, 0), is("\x00")}, "never", "left"},
		{"of SCTP", []introspect.Expr{exthdr(3, 1, present), is("\x00")}, "left", "left"},
		{"rt", []introspect.Expr{xt("rt", 280)}, "left", "never"},
		{"frag", []introspect.Expr{xt("frag", 16)}, "left", "never"},
		{"hbh", []introspect.Expr{xt("hbh", 40)}, "left", "never"},
		{"dst", []introspect.Expr{xt("dst", 40)}, "left", "never"},
		{"rt of another size", []introspect.Expr{xt("rt", 272)}, "left", "left"},
	} {
		for six, want := range map[bool]string{false: c.four, true: c.six} {
			rule := &introspect.ChainRule{Exprs: append(c.rule, introspect.Counter{}, introspect.Verdict{Code: introspect.VerdictDrop})}
			got := "holds"
			switch steps := New(&introspect.Snapshot{}, Ingress{Six: six}).read(&introspect.Chain{}, rule, place{}); {
			case len(steps) == 0:
				got = "never"
			case steps[0].kind == stepLeave:
				got = "left"
			}
			if got != want {
				t.Errorf("%s, IPv6 %v: %s, want %s", c.name, six, got, want)
			}
		}
	}
}
