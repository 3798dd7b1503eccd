package fastpath

import (
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// sink attaches a program to ifindex that passes everything, so that the veth behind it takes redirected frames.
func sink(t testing.TB, h *Host, ifindex int) *Port {
	t.Helper()
	p, err := h.Attach(ifindex, program(asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()}), Native)
	must(t, err)
	t.Cleanup(func() { must(t, p.Close()) })
	return p
}

// settle gives the softirqs of both CPUs the time to deliver what was sent.
func settle() { time.Sleep(20 * time.Millisecond) }

func TestPortDecidesWhileVouchedFor(t *testing.T) {
	namespace(t)
	a, r0 := pair(t, "a", "r0")
	r1, b := pair(t, "r1", "b")
	h, seen := toyHost(t, r1)
	sink(t, h, b)
	in, out := openWire(t, a, 0), openWire(t, b, testProtocol)
	p, err := h.Attach(r0, toy(), Native)
	must(t, err)
	send := func(n int) (arrived int) {
		for i := range n {
			must(t, in.send(numbered(uint64(i))))
		}
		settle()
		out.receive(func([]byte) { arrived++ })
		return arrived
	}
	expect := func(when string, n, arrived int, fast, punted uint64) {
		t.Helper()
		if got := send(n); got != arrived {
			t.Errorf("%s: %d of %d frames arrived, want %d", when, got, n, arrived)
		}
		s, err := p.Stats()
		if err != nil || s.Fast != fast || s.Punts[slowpath.Moved] != punted || s.Punted() != punted || s.Live != 0 {
			t.Errorf("%s: stats %+v, %v; want %d fast, %d moved", when, s, err, fast, punted)
		}
	}
	expect("fresh", 5, 0, 0, 5)
	p.Vouch(slowpath.Epochs{})
	expect("vouched", 5, 5, 5, 5)
	seen.store(0, 1)
	expect("moved", 5, 0, 5, 10)
	p.Vouch(slowpath.Epochs{1})
	expect("vouched again", 5, 5, 10, 10)
	p.Park()
	expect("parked", 5, 0, 10, 15)
	must(t, p.Swap(toy(), slowpath.Parked()))
	expect("swapped", 5, 0, 10, 20)
	must(t, p.Swap(toy(), slowpath.Epochs{1}))
	expect("swapped for an epoch", 5, 5, 15, 20)
	wider := *nexthops
	wider.Size = 8
	must(t, h.Tables([]*ir.Table{&wider}))
	p.Vouch(slowpath.Epochs{1})
	expect("table replaced", 5, 0, 15, 25)
	if err := p.Swap(toy(), slowpath.Parked()); err == nil {
		t.Error("Swap takes a program for a table of another shape")
	}
	info, err := p.Info()
	if err != nil || info.ID == 0 || info.Instructions == 0 || info.Machine == 0 {
		t.Errorf("Info() = %+v, %v", info, err)
	}
	must(t, p.Close())
	must(t, p.Close())
	p.Vouch(slowpath.Epochs{})
	p.Park()
	if err := p.Swap(toy(), slowpath.Parked()); !errors.Is(err, ErrClosed) {
		t.Errorf("Swap after Close: %v", err)
	}
	if _, err := p.Stats(); !errors.Is(err, ErrClosed) {
		t.Errorf("Stats after Close: %v", err)
	}
}

func TestAttachFailsWithACause(t *testing.T) {
	namespace(t)
	_, r0 := pair(t, "a", "r0")
	h, _ := toyHost(t, r0)
	first, err := h.Attach(r0, toy(), Native)
	must(t, err)
	expect := func(what string, ifindex int, mode Mode, want error) {
		t.Helper()
		p, err := h.Attach(ifindex, toy(), mode)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if p != nil {
			must(t, p.Close())
		}
	}
	expect("second attach", r0, Native, ErrForeign)
	expect("second attach, generic", r0, Generic, ErrForeign)
	must(t, first.Close())
	foreign(t, h, r0, expect)
	expect("no interface", 4711, Native, ErrGone)
	expect("no interface, generic", 4711, Generic, ErrGone)
	expect("negative interface", -1, Native, ErrGone)
	bridge(t)
	expect("driver without XDP", up(t, "br0"), Native, ErrUnsupported)
	expect("generic instead", up(t, "br0"), Generic, nil)
	peer, err := netlink.LinkByName("a")
	must(t, err)
	must(t, netlink.LinkSetMTU(peer, 9000))
	expect("large MTU", r0, Native, ErrTooLarge)
}

// foreign puts a program on the interface that is not a Host's: once by a link, once the old way.
func foreign(t *testing.T, h *Host, ifindex int, expect func(string, int, Mode, error)) {
	other, err := h.load(toy(), mustCounters(t).m)
	must(t, err)
	defer other.close()
	l, err := link.AttachXDP(link.XDPOptions{Program: other.prog, Interface: ifindex, Flags: link.XDPGenericMode})
	must(t, err)
	expect("foreign link", ifindex, Native, ErrForeign)
	must(t, l.Close())
	dev, err := netlink.LinkByIndex(ifindex)
	must(t, err)
	must(t, netlink.LinkSetXdpFdWithFlags(dev, other.prog.FD(), int(link.XDPDriverMode)))
	expect("foreign program", ifindex, Native, ErrForeign)
	must(t, netlink.LinkSetXdpFdWithFlags(dev, -1, int(link.XDPDriverMode)))
}

func mustCounters(t *testing.T) *counters {
	t.Helper()
	c, err := newCounters(toy().Maps["stats"])
	must(t, err)
	t.Cleanup(c.close)
	return c
}

func TestVerifierSpeaks(t *testing.T) {
	namespace(t)
	_, r0 := pair(t, "a", "r0")
	h, _ := toyHost(t, r0)
	_, err := h.Attach(r0, program(asm.Instructions{asm.Return()}), Native)
	if !errors.Is(err, ErrRejected) || errors.Is(err, ErrPermission) {
		t.Errorf("a program that returns nothing: %v", err)
	}
}

func TestSpecsThatAreNotPrograms(t *testing.T) {
	root(t)
	h, _ := toyHost(t, 1)
	bad := toy()
	delete(bad.Maps, "built")
	if _, err := h.Attach(1, bad, Native); err == nil {
		t.Error("Attach takes a program without words")
	}
	fewer := toy()
	fewer.Maps["stats"].ValueSize /= 2
	if _, err := h.Attach(1, fewer, Native); err == nil {
		t.Error("Attach takes a program for fewer CPUs")
	}
	if _, err := h.Attach(1, nil, Native); err == nil {
		t.Error("Attach takes nothing")
	}
	unknown := toy()
	unknown.Maps["route4"] = emit.MapSpec(&ir.Table{Name: "route4", Kind: ir.Rows, Size: 2, RowSize: 8}, emit.Kernel{})
	if _, err := h.Attach(1, unknown, Native); err == nil {
		t.Error("Attach takes a program whose table is not there")
	}
}

func TestInterfaceThatVanishes(t *testing.T) {
	namespace(t)
	_, r0 := pair(t, "a", "r0")
	h, _ := toyHost(t, r0)
	p, err := h.Attach(r0, toy(), Native)
	must(t, err)
	if !p.Attached() {
		t.Error("not attached after Attach")
	}
	dev, err := netlink.LinkByIndex(r0)
	must(t, err)
	must(t, netlink.LinkDel(dev))
	if p.Attached() {
		t.Error("still attached after the interface was deleted")
	}
	if err := p.Swap(toy(), slowpath.Parked()); !errors.Is(err, ErrGone) {
		t.Errorf("Swap on a deleted interface: %v", err)
	}
	_, again := pair(t, "a", "r0")
	q, err := h.Attach(again, toy(), Native)
	must(t, err)
	must(t, p.Close())
	if !q.Attached() {
		t.Error("closing the old port took the new one's program")
	}
	must(t, q.Close())
}

// TestNothingIsLost attaches, swaps and closes while numbered frames pass, and looks for each number once. The kernel's
// own path is a bridge, so that both paths deliver the frame as it is.
func TestNothingIsLost(t *testing.T) {
	for _, mode := range []Mode{Native, Generic} {
		t.Run(mode.String(), func(t *testing.T) { nothingIsLost(t, mode) })
	}
}

func nothingIsLost(t *testing.T, mode Mode) {
	namespace(t)
	a, r0 := pair(t, "a", "r0")
	r1, b := pair(t, "r1", "b")
	h, _ := toyHost(t, r1)
	sink(t, h, b)
	bridge(t, "r0", "r1")
	in, out := openWire(t, a, 0), openWire(t, b, testProtocol)
	sent, stop := make(chan uint64), make(chan struct{})
	go flood(in, stop, sent)
	var sum Stats
	var swaps []time.Duration
	for range 4 {
		settle()
		p, err := h.Attach(r0, toy(), mode)
		must(t, err)
		for range 4 {
			p.Vouch(slowpath.Epochs{})
			settle()
			must(t, p.Swap(toy(), slowpath.Parked()))
		}
		swaps = append(swaps, swapsVouched(t, p)...)
		s, err := p.Stats()
		must(t, err)
		sum.Fast += s.Fast
		sum.Punts[slowpath.Moved] += s.Punts[slowpath.Moved]
		must(t, p.Close())
	}
	close(stop)
	total := <-sent
	settle()
	seen := map[uint64]int{}
	out.receive(func(frame []byte) {
		if n, err := number(frame); err == nil {
			seen[n]++
		}
	})
	twice := 0
	for _, times := range seen {
		twice += times - 1
	}
	if uint64(len(seen)) != total || twice != 0 || sum.Fast == 0 || sum.Punted() == 0 {
		t.Errorf("%d of %d frames arrived, %d more than once, fast %d, punted %d", len(seen), total, twice, sum.Fast, sum.Punted())
	}
	t.Logf("told: %s: 4 times attached and closed, %d swaps vouched for under %d frames, lost %d, fast %d, punted %d, swap %v", mode,
		len(swaps), total, total-uint64(len(seen)), sum.Fast, sum.Punted(), median(swaps))
}

// swapsVouched exchanges programs that are vouched for: no packet sees one that is not.
func swapsVouched(t *testing.T, p *Port) (took []time.Duration) {
	p.Vouch(slowpath.Epochs{})
	settle()
	before, err := p.Stats()
	must(t, err)
	for range 4 {
		start := time.Now()
		must(t, p.Swap(toy(), slowpath.Epochs{}))
		took = append(took, time.Since(start))
		settle()
	}
	after, err := p.Stats()
	must(t, err)
	if before.Punted() != after.Punted() || before.Fast == after.Fast {
		t.Errorf("%d packets were punted while programs were exchanged, %d were not", after.Punted()-before.Punted(), after.Fast-before.Fast)
	}
	return took
}

// flood sends numbered frames at a rate that the packet socket can hold until stop, then tells how many.
func flood(w wire, stop <-chan struct{}, sent chan<- uint64) {
	for n := uint64(0); ; n++ {
		select {
		case <-stop:
			sent <- n
			return
		default:
		}
		for w.send(numbered(n)) != nil {
		}
		if n%8 == 0 {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// bridge joins two interfaces.
func bridge(t testing.TB, names ...string) {
	t.Helper()
	must(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0", TxQLen: -1}}))
	br, err := netlink.LinkByIndex(up(t, "br0"))
	must(t, err)
	for _, name := range names {
		l, err := netlink.LinkByName(name)
		must(t, err)
		must(t, netlink.LinkSetMaster(l, br))
	}
}
