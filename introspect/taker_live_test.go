package introspect

import (
	"fmt"
	"os"
	"testing"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestLiveTaken has a macvlan take the frames of a device, in its own namespace and in others, and looks whether that is
// known whenever a command has returned, and whether the epoch has moved by then.
func TestLiveTaken(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(bridged)
		other, err := lab.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		w := watchHere(t)
		defer w.Close()
		if taker().program == nil {
			t.Log("the kernel does not let programs look at devices")
			return
		}
		taken := func(what, device string, want bool) {
			t.Helper()
			same(t, w)
			if l := linkNamed(t, w.s, device); l.Taken != want {
				t.Errorf("%s: taken: %v", what, l.Taken)
			}
		}
		change := func(line string, f func(string)) {
			t.Helper()
			settle(t, w)
			before := w.ledger.moved()
			if f(line); w.ledger.moved() == before {
				t.Errorf("%s: no epoch has moved", line)
			}
		}
		there := func(line string) {
			t.Helper()
			if err := other.Run(line); err != nil {
				t.Error(err)
			}
		}
		name := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), other.FD())
		const macvlan = "link h0 type macvlan mode passthru nopromisc"
		taken("nobody", "h0", false)
		taken("a port", "p0", false)
		change("ip link add m0 "+macvlan, run)
		taken("a device on it", "h0", true)
		change("ip link set m0 netns "+name, run)
		taken("moved away", "h0", true)
		there("ip link set m0 up")
		taken("up there", "h0", true)
		change("ip link del m0", there)
		taken("gone there", "h0", false)
		change("ip link add m1 netns "+name+" "+macvlan, run)
		taken("made elsewhere", "h0", true)
		change("ip link del m1", there)
		taken("gone again", "h0", false)
		change("ip link set p0 nomaster", run)
		taken("no port any more", "p0", false)
		change("ip link set p0 master br0", run)
		taken("a port again", "p0", false)
		change("ip link add m2 link br0 netns "+name+" type macvlan", run)
		taken("a bridge", "br0", true)
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		same(t, w)
	})
}
