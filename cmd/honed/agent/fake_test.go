package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// fakeHost writes down what the agent does.
type fakeHost struct {
	mu     sync.Mutex // guards did
	did    []string
	ports  map[int]*fakePort
	attach error  // what Attach answers
	excess int    // how many programs are too much for the kernel
	write  func() // called by Write
	fails  error  // what Write answers
	full   error  // what Tables answers
	read   func(table string, off int) []byte
	nextID uint32

	accounts []emit.Account
}

func (h *fakeHost) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did = append(h.did, fmt.Sprintf(format, args...))
}

// take gives what was done since the last time.
func (h *fakeHost) take() []string {
	did := h.did
	h.did = nil
	return did
}

func (h *fakeHost) Forget() { h.note("forget") }

func (h *fakeHost) Drop([]string) {}

func (h *fakeHost) Settle() { h.note("settle") }

func (h *fakeHost) Later(f func()) { h.note("later"); f() }

func (h *fakeHost) Tables(tables []*ir.Table) error {
	h.note("tables")
	return h.full
}

func (h *fakeHost) Write(writes []ir.Write) error {
	if len(writes) > 0 {
		h.note("write")
	}
	if h.write != nil {
		h.write()
	}
	return h.fails
}

func (h *fakeHost) Read(table string, off, n int) ([]byte, error) {
	if h.read != nil && table == "tally" {
		return h.read(table, off), nil
	}
	return make([]byte, n), nil
}

func (h *fakeHost) Attach(ifindex int, spec *ebpf.CollectionSpec, mode fastpath.Mode) (port, error) {
	if h.exceeds() {
		return nil, fastpath.ErrRejected
	}
	if h.attach != nil {
		return nil, h.attach
	}
	h.nextID++
	h.note("attach %d", ifindex)
	p := &fakePort{host: h, ifindex: ifindex, id: h.nextID, attached: true}
	h.ports[ifindex] = p
	return p, nil
}

func (h *fakeHost) exceeds() bool {
	h.excess--
	return h.excess >= 0
}

func (h *fakeHost) NextAsk() (emit.Ask, error) { return emit.Ask{}, fastpath.ErrClosed }

func (h *fakeHost) Accounts() ([]emit.Account, error) { return h.accounts, nil }

func (h *fakeHost) Close() error { return nil }

type fakePort struct {
	host     *fakeHost
	ifindex  int
	id       uint32
	attached bool
	more     uint64 // packets beyond the first
	swap     error
}

func (p *fakePort) Swap(_ *ebpf.CollectionSpec, e slowpath.Epochs) error {
	p.host.note("swap %d for %d", p.ifindex, e[slowpath.Any])
	if p.host.exceeds() {
		return fastpath.ErrRejected
	}
	return p.swap
}

func (p *fakePort) Vouch(e slowpath.Epochs) {
	p.host.note("vouch %d for %d", p.ifindex, e[slowpath.Any])
}
func (p *fakePort) Park()          { p.host.note("park %d", p.ifindex) }
func (p *fakePort) Attached() bool { return p.attached }

func (p *fakePort) Stats() (fastpath.Stats, error) {
	s := fastpath.Stats{Fast: 7 + p.more}
	s.Punts[slowpath.TTL] = 2
	return s, nil
}

func (p *fakePort) Info() (fastpath.Info, error) {
	return fastpath.Info{ID: p.id, Instructions: 100, Machine: 400}, nil
}

func (p *fakePort) Close() error {
	p.host.note("close %d", p.ifindex)
	return nil
}

// fakeWatcher has nothing to tell.
type fakeWatcher struct{}

func (fakeWatcher) Next(context.Context) (*introspect.Snapshot, slowpath.Epochs, error) {
	return nil, slowpath.Epochs{}, errors.New("no more")
}

func (fakeWatcher) Doubt(introspect.Kind) {}

func (fakeWatcher) Silent() []slowpath.Silent {
	return []slowpath.Silent{{Change: "ipset", Mechanism: "polling", Bound: 1e8}}
}

var testKernel = emit.Kernel{CPUs: 2, FIBLookup: true, CPUv4: true, VethTag: &emit.VethTag{}}

// bed is an agent with a fake host and the router of testdata.
type bed struct {
	*Agent
	t    *testing.T
	host *fakeHost
	text string
	n    uint64
}

func newBed(t *testing.T) *bed {
	t.Helper()
	text, err := os.ReadFile("testdata/router.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse([]byte(`hook = "xdp"`))
	if err != nil {
		t.Fatal(err)
	}
	h := &fakeHost{ports: map[int]*fakePort{}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	a := newAgent(Options{Config: c, Kernel: testKernel}, filepath.Join(t.TempDir(), "h.sock"), log, fakeWatcher{}, h)
	b := &bed{a, t, h, string(text), 0}
	a.seen = func() (slowpath.Epochs, error) { return slowpath.Epochs{slowpath.Any: b.n}, nil }
	return b
}

// edit changes a line of the configuration; it must be there.
func (b *bed) edit(old, new string) {
	b.t.Helper()
	if !strings.Contains(b.text, old) {
		b.t.Fatalf("no %q in the configuration", old)
	}
	b.text = strings.Replace(b.text, old, new, 1)
}

// announce is a configuration that the kernel announced; it gives what the agent did.
func (b *bed) announce() []string {
	b.t.Helper()
	b.n++
	return b.again()
}

// again is a configuration without an announcement.
func (b *bed) again() []string {
	b.t.Helper()
	s, err := introspect.ParseSnapshot([]byte(b.text))
	if err != nil {
		b.t.Fatal(err)
	}
	b.step(s, slowpath.Epochs{slowpath.Any: b.n})
	return b.host.take()
}

// expect compares what was done with what was wanted. Interfaces are dealt with in no particular order, so that only
// the order of what concerns the same one counts, and that of what concerns all.
func (b *bed) expect(did []string, want ...string) {
	b.t.Helper()
	slices.Sort(did)
	slices.Sort(want)
	if !slices.Equal(did, want) {
		b.t.Errorf("did %q\nwanted %q", did, want)
	}
}

// inOrder tells whether the words stand in this order among what was done.
func (b *bed) inOrder(did []string, words ...string) {
	b.t.Helper()
	at := 0
	for _, d := range did {
		if at < len(words) && d == words[at] {
			at++
		}
	}
	if at < len(words) {
		b.t.Errorf("%q is not in its place in %q", words[at], did)
	}
}
