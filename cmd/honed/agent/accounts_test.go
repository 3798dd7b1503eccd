package agent

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/synth/emit"
)

// TestAccounts: what programs have counted for connections is served in an order that does not depend on the kernel's.
func TestAccounts(t *testing.T) {
	b := newBed(t)
	near, far := netip.MustParseAddrPort("10.0.0.1:7"), netip.MustParseAddrPort("10.2.0.1:53")
	for _, a := range []emit.Account{{Protocol: 17, Source: near, Dest: far}, {Protocol: 6, Source: far, Dest: near},
		{Protocol: 6, Source: near, Dest: far, Sums: [2]emit.Sum{{Packets: 3, Bytes: 180}, {Packets: 2, Bytes: 80}}}} {
		b.host.accounts = append(b.host.accounts, a)
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/v1/accounts", nil))
	var got control.Accounts
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []control.Account{
		{Protocol: 6, Source: near, Destination: far, Original: control.Sum{Packets: 3, Bytes: 180}, Reply: control.Sum{Packets: 2, Bytes: 80}},
		{Protocol: 6, Source: far, Destination: near}, {Protocol: 17, Source: near, Destination: far}}
	if diff := cmp.Diff(want, got.Connections, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" || got.PID == 0 {
		t.Errorf("%d: %s", got.PID, diff)
	}
}
