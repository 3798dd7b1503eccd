package oracle

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/upkeep"
)

// TestStateIsThatOfTheKernel sends the same packets through two routers, of which only one has a fast path, and compares
// what the packets have left behind: the states of the neighbours. A fast path that does not tell the kernel whom it
// sends to leaves a neighbour stale for ever, and a host that has moved is never noticed.
func TestStateIsThatOfTheKernel(t *testing.T) {
	needRoot(t)
	needTags(t)
	if testing.Short() {
		t.Skip("short")
	}
	for _, c := range append(neighbourConfigs, routeConfigs[0], of6(routeConfigs6[0]), of6(neighbourConfigs6[0]), of6(neighbourConfigs6[1])) {
		t.Run(c.name, func(t *testing.T) {
			kernel, _ := neighboursAfter(t, c, false)
			fast, idle := neighboursAfter(t, c, true)
			if diff := cmp.Diff(kernel, fast); diff != "" {
				t.Errorf("neighbours (-kernel +fast path):\n%s", diff)
			}
			if cmp.Equal(idle, fast) {
				t.Error("upkeep had nothing to do: the packets say nothing about it")
			}
		})
	}
}

// neighboursAfter gives the states of the neighbours after the packets, and, with a program, as they were before the
// kernel was told.
func neighboursAfter(t *testing.T, c config, program bool) (after, before map[string]string) {
	t.Helper()
	b, err := newBed(c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	m, s, err := b.newMachine(c, fault{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	if program {
		if r, err := m.start(s); err != nil || r != slowpath.None {
			t.Fatalf("start: %v, %v", r, err)
		}
	}
	b.mustPlay(t, b.generator(c, seed()).datagrams(600))
	before = b.neighbours(t)
	if !program {
		return before, nil
	}
	if err := b.net.R.Do(m.upkeep); err != nil {
		t.Fatal(err)
	}
	return b.neighbours(t), before
}

// upkeep tells the kernel which neighbours the program has used, as honed does every second.
func (m *machine) upkeep() error {
	n, err := upkeep.Open()
	if err != nil {
		return err
	}
	defer n.Close()
	used, clear := m.fib.Used(m.host.Read)
	for _, k := range used {
		if _, err := n.Use(int(k.Index), k.Addr); err != nil {
			return err
		}
	}
	return m.host.Write(clear)
}

// neighbours gives the state of each neighbour of the router, in the words of ip.
func (b *bed) neighbours(t *testing.T) map[string]string {
	t.Helper()
	out, err := b.net.R.Output("ip neigh show nud all")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(out) {
		words := strings.Fields(line)                             // address dev name ...
		if len(words) > 3 && !strings.HasPrefix(words[0], "ff") { // multicast is nobody's state
			all[words[2]+" "+words[0]] = strings.Join(words[3:], " ")
		}
	}
	return all
}
