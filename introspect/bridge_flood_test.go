package introspect

import (
	"fmt"
	"testing"
	"time"
)

// TestBridgeFlood has a bridge learn a hundred thousand addresses at once, and forget them.
func TestBridgeFlood(t *testing.T) {
	const many = 100_000
	inNamespace(t, func(run func(string)) {
		run(bridged)
		run("ip link set br0 type bridge ageing_time 360000") // an hour: slow machines read for minutes
		w := watchHere(t)
		defer w.Close()
		losses := w.losses
		sources := make([]string, many)
		for i := range sources {
			sources[i] = fmt.Sprintf("02:01:00:%02x:%02x:%02x", i>>16, i>>8&0xff, i&0xff)
		}
		begin := time.Now()
		sendFrom(t, "h0", sources...)
		sent := time.Since(begin)
		settle(t, w)
		t.Logf("%d addresses sent in %v, known after %v, %d losses", many, sent, time.Since(begin), w.losses-losses)
		if n := w.s.FDB.Len(); n < many {
			t.Errorf("%d entries", n)
		}
		begin = time.Now()
		if err := w.s.Drop(FDB).reloadFDB(w.route); err != nil {
			t.Error(err)
		}
		t.Logf("a dump takes %v", time.Since(begin))
		whole := w.s
		w.s, w.tornFDB = w.s.Drop(FDB), true
		for tries := 0; w.tornFDB && tries < 3; tries++ { // an address that is no longer tentative is a change beside a dump
			w.retryFDB = time.Time{}
			if err := w.retryEntries(); err != nil {
				t.Fatal(err)
			}
		}
		if !w.s.Equal(whole) || w.tornFDB {
			t.Errorf("what a dump missed is not read again: %d entries, torn %v", w.s.FDB.Len(), w.tornFDB)
		}
		begin = time.Now()
		run("ip link set dev br0 type bridge fdb_flush")
		flushed := time.Since(begin)
		settle(t, w)
		t.Logf("flushed in %v, forgotten after %v", flushed, time.Since(begin))
		if n := w.s.FDB.Len(); n > 10 {
			t.Errorf("%d entries are left", n)
		}
		same(t, w)
	})
}
