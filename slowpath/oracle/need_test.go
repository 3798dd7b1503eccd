package oracle

import (
	"os"
	"testing"
)

// needRoot skips a test that cannot make namespaces.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
}

// needTags skips a test that is about a fast path, which a veth has only where programs see the VLAN tags of its frames.
func needTags(t testing.TB) {
	t.Helper()
	if !showsTags(t) {
		t.Skip("the kernel does not show the VLAN tags of a veth: nothing is fast here")
	}
}

// showsTags tells whether programs on a veth see VLAN tags.
func showsTags(t testing.TB) bool {
	t.Helper()
	k, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	return k.VethTag != nil
}
