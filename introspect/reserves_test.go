package introspect

import "testing"

func TestParseReserves(t *testing.T) {
	for text, want := range map[string]uint64{
		"TcpExt: A PFMemallocDrop B\nTcpExt: 1 23 4\nIpExt: PFMemallocDrop\nIpExt: 5\n": 23,
		"TcpExt: A B\nTcpExt: 1 2\n": 0,
		"":                           0,
	} {
		if n, err := parseReserves(text); err != nil || n != want {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"TcpExt: A PFMemallocDrop\nTcpExt: 1", "TcpExt: PFMemallocDrop\nTcpExt: x\n"} {
		if n, err := parseReserves(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}

// TestDropFromReserves has the kernel's count differ from what was known of it: everything is read again, once.
func TestDropFromReserves(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		due := func() {
			for i := range w.polls {
				w.polls[i].early = w.polls[i].early.AddDate(-1, 0, 0)
			}
		}
		for _, want := range []int{0, 1, 0} {
			if want > 0 {
				w.reserves--
			}
			losses := w.losses
			due()
			if _, err := w.turn(); err != nil || w.losses != losses+want {
				t.Errorf("%d losses, %v", w.losses-losses, err)
			}
		}
		same(t, w)
	})
}
