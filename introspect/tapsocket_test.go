package introspect

import (
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTapsWhileOthersClose asks for packet sockets while some that are shown before them are closed: the others are all to be
// in the answer.
func TestTapsWhileOthersClose(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		const closing, staying = 450, 300
		open := func() int {
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0x0300)
			if err != nil {
				t.Error(err)
			}
			return fd
		}
		var all []int
		stay := map[TapKey]bool{}
		for i := range closing + staying {
			fd := open()
			if all = append(all, fd); i >= closing {
				var st unix.Stat_t
				if err := unix.Fstat(fd, &st); err != nil {
					t.Error(err)
				}
				stay[TapKey{st.Ino}] = true
			}
		}
		taps, err := openTaps()
		if err != nil || taps.fd < 0 {
			t.Skipf("no packet_diag: %v", err)
		}
		defer taps.close()
		closed, left := make(chan bool), sync.WaitGroup{}
		for part := range slices.Chunk(all[:closing], 75) {
			left.Go(func() {
				for _, fd := range part {
					_ = unix.Close(fd) // which takes some milliseconds
				}
			})
		}
		go func() { left.Wait(); close(closed) }()
		asked, several := 0, 0
		for going := true; going && !t.Failed(); asked++ {
			select {
			case <-closed:
				going = false
			default:
			}
			before := len(taps.answer)
			if _, err := taps.dump(); err != nil {
				t.Error(err)
			}
			if len(taps.answer) != before {
				several++
			}
			for k := range stay {
				if _, ok := taps.taps[k]; !ok {
					t.Errorf("a socket that stays is not in answer %d, of %d", asked, len(taps.taps))
					break
				}
			}
			time.Sleep(time.Microsecond)
		}
		<-closed
		for _, fd := range all[closing:] {
			_ = unix.Close(fd)
		}
		t.Logf("told: asked %d times, %d answers were new", asked, several)
		if several < 10 {
			t.Errorf("only %d of %d answers were new", several, asked)
		}
	})
}
