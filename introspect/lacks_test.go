package introspect

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestLacks names the answers of kernels that have no objects of a kind; others are errors.
func TestLacks(t *testing.T) {
	for _, c := range []struct {
		kind    Kind
		request int // which of the kind's
		err     error
		want    bool
	}{
		{Rules, 1, unix.EAFNOSUPPORT, true}, // of a kernel that was started with ipv6.disable=1
		{Netconfs, 1, unix.EOPNOTSUPP, true},
		{Rules, 0, unix.EAFNOSUPPORT, false},
		{Netconfs, 0, unix.EOPNOTSUPP, false},
		{Rules, 1, unix.EPERM, false},
		{VLANs, 0, unix.EOPNOTSUPP, true},
		{Nexthops, 0, unix.EOPNOTSUPP, true},
		{Links, 0, unix.EOPNOTSUPP, false},
	} {
		if got := lacks(c.kind, requests[c.kind][c.request], c.err); got != c.want {
			t.Errorf("%v, request %d: %v: %v, want %v", c.kind, c.request, c.err, got, c.want)
		}
	}
}
