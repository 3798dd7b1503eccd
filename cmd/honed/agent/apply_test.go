package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/synth/emit"
)

func TestFirstConfiguration(t *testing.T) {
	b := newBed(t)
	did := b.announce()
	b.expect(slices.Clone(did), "tables", "write", "attach 2", "vouch 2 for 1", "attach 3", "vouch 3 for 1")
	b.inOrder(did, "tables", "write", "attach 2", "vouch 2 for 1")
	if s := b.Status(); len(s.Interfaces) != 2 || s.Interfaces[0].State != control.StateFast || s.Agent.Attached != 2 {
		t.Errorf("%+v", s)
	}
}

func TestRoutesAndNeighboursNeedNoNewProgram(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.edit("10.2.0.0/16", "10.3.0.0/16")
	did := b.announce()
	b.expect(slices.Clone(did), "write", "vouch 2 for 2", "vouch 3 for 2")
	b.inOrder(did, "write", "vouch 2 for 2")
	b.edit("mac=02:00:00:00:0b:00", "mac=02:00:00:00:0b:01")
	b.expect(b.announce(), "write", "vouch 2 for 3", "vouch 3 for 3")
	b.expect(b.announce(), "vouch 2 for 4", "vouch 3 for 4")
}

func TestCodeChanges(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.edit("mac=02:00:00:00:00:f0", "mac=02:00:00:00:00:aa")
	did := b.announce()
	b.expect(slices.Clone(did), "write", "later", "vouch 3 for 2", "swap 2 for 2") // the row of its old MAC is let go
	b.inOrder(did, "write", "later")

	// The same without an announcement: what runs is stopped before anything else.
	b.edit("mac=02:00:00:00:00:aa", "mac=02:00:00:00:00:bb")
	b.inOrder(b.again(), "park 2", "swap 2 for 2")
}

func TestRefusalDetaches(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.edit("index=2 name=r0", "index=2 name=r0 alias=hone=off")
	did := b.announce()
	b.inOrder(did, "park 2", "close 2")
	if i := b.Status().Interfaces[0]; i.State != control.StateKernel || i.Reason != "off-alias" {
		t.Errorf("%+v", i)
	}
	b.edit(" alias=hone=off", "")
	b.inOrder(b.announce(), "attach 2", "vouch 2 for 3")
}

func TestFailureIsNotRepeated(t *testing.T) {
	b := newBed(t)
	b.host.attach = fmt.Errorf("attach: %w", fastpath.ErrTooLarge)
	b.announce()
	if i := b.Status().Interfaces[0]; i.State != control.StateFailed || i.Reason != "large-mtu" {
		t.Errorf("%+v", i)
	}
	b.host.attach = nil
	b.edit("10.2.0.0/16", "10.3.0.0/16")
	b.expect(b.announce(), "write")
	b.edit("index=2 name=r0 type=1 flags=0x11043 kind=veth lower=2 peer-ns=1 mtu=1500", "index=2 name=r0 type=1 flags=0x11043 kind=veth lower=2 peer-ns=1 mtu=1400")
	b.inOrder(b.announce(), "attach 2", "vouch 2 for 3")
	if s := b.Status(); s.Agent.Failures != 2 || s.Interfaces[0].State != control.StateFast {
		t.Errorf("%+v", s)
	}
}

func TestFailedSwapLeavesToKernel(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.host.ports[2].swap = errors.New("no")
	b.edit("mac=02:00:00:00:00:f0", "mac=02:00:00:00:00:aa")
	b.inOrder(b.announce(), "swap 2 for 2", "park 2", "close 2")
}

func TestInterfaceMadeAnew(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.host.ports[2].attached = false
	b.edit("mac=02:00:00:00:00:f0", "mac=02:00:00:00:00:aa")
	b.inOrder(b.announce(), "close 2", "attach 2", "vouch 2 for 2")
}

func TestPanicParksEverything(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.host.write = func() { panic("planted") }
	b.edit("10.2.0.0/16", "10.3.0.0/16")
	b.expect(b.announce(), "write", "forget", "park 2", "park 3")
	s := b.Status()
	if s.Coherent || s.Interfaces[0].State != control.StateParked || s.Agent.Error == "" {
		t.Errorf("%+v", s)
	}
	b.host.write = nil
	did := b.announce()
	b.inOrder(did, "tables", "write", "swap 2 for 3")
	if s = b.Status(); s.Interfaces[0].State != control.StateFast || s.Agent.Error != "" {
		t.Errorf("%+v", s)
	}
}

func TestFailedWriteParksEverything(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.host.fails = errors.New("no")
	b.edit("10.2.0.0/16", "10.3.0.0/16")
	b.expect(b.announce(), "write", "forget", "park 2", "park 3")
}

func TestOwnProgramIsNotForeign(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.edit("index=2 name=r0", "index=2 name=r0 xdp=1 xdp-id=1")
	if did := b.announce(); slices.Contains(did, "close 2") {
		t.Errorf("gave up: %q", did)
	}
	b.edit("xdp-id=1", "xdp-id=99")
	b.inOrder(b.announce(), "park 2", "close 2")
}

// TestNoMemoryForTables: where the kernel has no memory for tables, at first or when they grow, everything is the kernel's, which
// status says, until there is a configuration that fits.
func TestNoMemoryForTables(t *testing.T) {
	b := newBed(t)
	b.host.full = fmt.Errorf("fastpath: make table route4: %w", unix.ENOMEM)
	for _, did := range [][]string{b.announce(), b.announce()} {
		b.expect(did, "tables", "forget")
	}
	if s := b.Status(); s.Coherent || s.Agent.Failures != 2 || !strings.Contains(s.Agent.Error, "route4: cannot allocate memory") {
		t.Errorf("%+v", s)
	}
	b.host.full = nil
	b.inOrder(b.announce(), "tables", "write", "attach 2", "vouch 2 for 3")
	b.host.full = unix.ENOMEM
	text := b.text
	for i := range 2000 { // more than there is room for
		b.text += fmt.Sprintf("route dst=20.%d.%d.%d/32 table=254 type=1 hop=dev:3,via:10.2.0.2\n", i>>8, i&255, i&7)
	}
	b.expect(b.announce(), "tables", "forget", "park 2", "park 3")
	if s := b.Status(); s.Interfaces[0].State != control.StateParked {
		t.Errorf("%+v", s.Interfaces)
	}
	b.host.full, b.text = nil, text
	b.inOrder(b.announce(), "tables", "write", "swap 2 for 5")
	if s := b.Status(); s.Agent.Error != "" || s.Interfaces[0].State != control.StateFast {
		t.Errorf("%+v", s)
	}
}

// A program waits in place for a while when its interface is left to the kernel, and is taken off when it stays so.
func TestRefusedProgramWaits(t *testing.T) {
	b := newBed(t)
	b.announce()
	b.edit("netconf dev=2 forwarding", "netconf dev=2")
	if did := b.announce(); slices.Contains(did, "close 2") || !slices.Contains(did, "park 2") || slices.Contains(did, "vouch 2 for 2") {
		t.Errorf("refused: %q", did)
	}
	if i := b.Status().Interfaces[0]; i.State != control.StateKernel || i.Reason != "not-forwarding" {
		t.Errorf("%+v", i)
	}
	if b.abandon(time.Now()) != 1 {
		t.Error("nothing waits to be taken off")
	}
	b.edit("netconf dev=2", "netconf dev=2 forwarding")
	if did := b.announce(); slices.Contains(did, "swap 2 for 3") || !slices.Contains(did, "vouch 2 for 3") {
		t.Errorf("accepted again: %q", did)
	}
	b.edit("netconf dev=2 forwarding", "netconf dev=2")
	b.announce()
	b.abandon(time.Now().Add(patience))
	b.expect(b.host.take(), "close 2")
	if b.abandon(time.Now()) != 0 {
		t.Error("something waits to be taken off still")
	}
}

// TestListenersDoNotResetCards: while somebody listens, the program of a card waits, for that of the card may be all that a
// driver needs to reset it.
func TestListenersDoNotResetCards(t *testing.T) {
	b := newBed(t)
	b.edit("kind=veth lower=2 peer-ns=1", "peer-ns=-1")
	b.edit(" strips-vlan", "")
	b.announce()
	text := b.text
	b.text += "tap inode=1 dev=2 protocol=3\n"
	b.announce()
	if i := b.Status().Interfaces[0]; i.State != control.StateKernel || i.Reason != "tap" {
		t.Errorf("%+v", i)
	}
	b.host.take()
	if n := b.abandon(time.Now().Add(10 * patience)); n != 0 {
		t.Errorf("%d interfaces wait to be given back", n)
	}
	b.expect(b.host.take())
	b.text = text
	if did := b.announce(); slices.Contains(did, "attach 2") || !slices.Contains(did, "vouch 2 for 3") {
		t.Errorf("nobody listens any more: %q", did)
	}
}

func TestSwitch(t *testing.T) {
	b := newBed(t)
	b.announce()
	off := func(name string) func(control.Switched) control.Switched {
		return func(s control.Switched) control.Switched { return s.Disable(name) }
	}
	if _, err := b.Switch(off("r0")); err != nil {
		t.Fatal(err)
	}
	b.inOrder(b.host.take(), "park 2", "close 2")
	b.Switch(off(""))
	b.inOrder(b.host.take(), "park 3", "close 3")
	b.Switch(func(s control.Switched) control.Switched { return s.Enable("") })
	b.inOrder(b.host.take(), "attach 3", "vouch 3 for 1")
	b.Close()
	b.expect(b.host.take(), "close 2", "close 3")
}

// TestLessOfAKernel is what an older kernel, or one without BTF, leads to.
func TestLessOfAKernel(t *testing.T) {
	b := newBed(t)
	b.options.Kernel.VethTag = nil
	b.announce()
	if i := b.Status().Interfaces[0]; i.State != control.StateKernel || i.Reason != "vlan-hidden" {
		t.Errorf("without a way to see tags: %+v", i)
	}
	asked := 0
	b = newBed(t)
	b.options.Kernel.VethTag = nil
	b.modules = func() fastpath.Modules { return fastpath.Modules{1} }
	b.probe = func() (emit.Kernel, error) { asked++; return testKernel, nil }
	b.inOrder(b.announce(), "attach 2", "vouch 2 for 1")
	b.announce()
	if asked != 1 {
		t.Errorf("asked %d times what the kernel can do", asked)
	}
	b = newBed(t)
	b.options.Kernel.FIBLookup, b.options.Kernel.CPUv4 = false, false
	b.inOrder(b.announce(), "attach 2", "vouch 2 for 1")
	if text, err := b.Dump("ir", "r0"); err != nil || strings.Contains(text, "lookup fib") {
		t.Errorf("without the live lookup: %v\n%s", err, text)
	}
}

// TestSettlesBesideRoutes: a change of a bridge's entries that was found by looking stops programs, even if something else was
// announced.
func TestSettlesBesideRoutes(t *testing.T) {
	b := newBed(t)
	b.edit("netconf dev=-1", "link index=9 name=br0 type=1 flags=0x1003 kind=bridge mtu=1500 mac=02:00:00:00:09:01\nnetconf dev=-1")
	entry := "fdb bridge=9 mac=02:00:00:00:01:77 port=2"
	b.edit("sysctl path=ipv4/conf/all/accept_local", entry+"\nsysctl path=ipv4/conf/all/accept_local")
	b.announce()
	b.announce()
	b.edit(entry, entry+" local")
	did := b.announce()
	b.inOrder(did, "park 2", "settle", "write", "vouch 2 for 3")
	b.inOrder(did, "park 3", "settle", "write", "vouch 3 for 3")
}
