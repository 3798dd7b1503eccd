package introspect

import (
	"encoding/binary"
	"testing"
)

// TestUntracks wants the targets of iptables that do what notrack does, and no others of the same name.
func TestUntracks(t *testing.T) {
	ct := func(rev uint32, size int, flags uint16) Target {
		info := make([]byte, size)
		binary.NativeEndian.PutUint16(info, flags)
		return Target{Name: "CT", Rev: rev, Info: Data(info)}
	}
	for _, c := range []struct {
		e    Expr
		want bool
	}{
		{Notrack{}, true}, {ct(0, 40, 1), true}, {ct(1, 72, 1), true}, {ct(2, 72, 1), true}, {Target{Name: "NOTRACK"}, true},
		{ct(2, 72, 3), true}, {ct(2, 72, 0), false}, {ct(2, 72, 5), false}, {ct(2, 40, 1), false}, {ct(3, 72, 1), false}, {ct(2, 2, 1), false},
		{Target{Name: "NOTRACK", Rev: 1}, false}, {Target{Name: "MARK"}, false}, {Counter{}, false},
	} {
		if got := Untracks(c.e); got != c.want {
			t.Errorf("%s: %v", ExprText(c.e), got)
		}
	}
}
