package introspect

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestLiveTags makes VLAN devices on a port of a bridge, in its own namespace and in others, and looks whether that is known
// whenever a command has returned, and whether the epoch has moved by then.
func TestLiveTags(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(bridged)
		w := watchHere(t)
		defer w.Close()
		keeps := func(what string, want bool) {
			t.Helper()
			same(t, w)
			if l := linkNamed(t, w.s, "p0"); l.KeepsTags != want {
				t.Errorf("%s: keeps tags: %v", what, l.KeepsTags)
			}
		}
		change := func(line string) {
			t.Helper()
			before := w.ledger.moved()
			if run(line); w.ledger.moved() == before {
				t.Errorf("%s: no epoch has moved", line)
			}
		}
		known := linkNamed(t, w.s, "p0").KeepsTags
		if l := linkNamed(t, w.s, "h0"); l.KeepsTags {
			t.Errorf("not a port: %+v", l)
		}
		change("ip link set p0 nomaster")
		keeps("not a port", false)
		change("ip link set p0 master br0")
		keeps("a port again", known)
		if exec.Command("ip", "link", "add", "p0.9", "link", "p0", "type", "vlan", "id", "9").Run() != nil {
			t.Log("the kernel has no VLAN devices")
			return
		}
		if !known {
			t.Log("the kernel does not let programs look at devices")
			return
		}
		other, err := lab.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		name := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), other.FD())
		keeps("a VLAN device", false)
		change("ip link del p0.9")
		keeps("gone", true)
		change("ip link add p0.9 link p0 type vlan id 9")
		change("ip link set p0.9 netns " + name)
		keeps("moved away", false)
		if err := other.Run("ip link del p0.9"); err != nil {
			t.Error(err)
		}
		keeps("gone there", true)
		change("ip link add p0.9 link p0 netns " + name + " type vlan id 9")
		keeps("made elsewhere", false)
		if err := other.Run("ip link add p0.8 link p0.9 type vlan id 8"); err != nil {
			t.Error(err)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
		keeps("the other namespace is gone", true)
	})
}
