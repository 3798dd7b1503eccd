package introspect

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// TestLiveFarEnd changes the far end of a port's cable in other network namespaces, and looks whether its MTU is known
// whenever a command has returned, and whether the bridges' epoch has moved by then, and no other.
func TestLiveFarEnd(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(bridged)
		here, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		var others [2]*lab.Namespace
		var names [2]string
		for i := range others {
			other, err := lab.New()
			if err != nil {
				t.Error(err)
				return
			}
			defer other.Close()
			others[i], names[i] = other, fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), other.FD())
		}
		in := func(i int, line string) {
			t.Helper()
			if err := others[i].Run(line); err != nil {
				t.Error(err)
			}
		}
		run("ip link set h0 netns " + names[0])
		in(0, "ip link set h0 up mtu 1450")
		w := watchHere(t)
		defer w.Close()
		if !w.sensors.hears {
			t.Log("the links of other namespaces are not heard of")
		}
		far := func(what string, want uint32) {
			t.Helper()
			if same(t, w); !w.sensors.hears {
				want = 0
			}
			if l := linkNamed(t, w.s, "p0"); l.FarMTU != want {
				t.Errorf("%s: MTU %d, want %d", what, l.FarMTU, want)
			}
		}
		change := func(i int, line string) {
			t.Helper()
			settle(t, w)
			before := w.ledger.moved()
			in(i, line)
			after := w.ledger.moved()
			if w.sensors.hears && after[slowpath.FDB] == before[slowpath.FDB] {
				t.Errorf("%s: the epoch has not moved", line)
			}
			after[slowpath.FDB] = before[slowpath.FDB]
			if only := !strings.Contains(line, "netns"); only && after != before {
				t.Errorf("%s: moved from %v to %v", line, before, after)
			}
		}
		far("at first", 1450)
		change(0, "ip link set h0 mtu 1400")
		far("changed", 1400)
		change(0, "ip link set h0 netns "+names[1])
		far("elsewhere", 1400)
		change(1, "ip link set h0 mtu 1300")
		far("changed there", 1300)
		change(1, "ip link set h0 name h9 mtu 1310")
		far("another name", 1310)
		change(1, fmt.Sprintf("ip link set h9 netns /proc/%d/fd/%d", os.Getpid(), here.Fd()))
		far("here", 0)
		run("ip link set h9 netns " + names[0])
		far("away again", 1310)
		run("ip link set p0 nomaster")
		far("not a port", 0)
	})
}
