package emit_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// TestConntrackInAFlood sends first packets of connections until the kernel is not asked for each any more: of connections that
// go on it still is, some time in each quarter of a second, and from then on their packets are fast.
func TestConntrackInAFlood(t *testing.T) {
	ns, k := tracking(t)
	var all []lab.Connection
	for i := range uint64(3) {
		all = append(all, lab.Connection{Protocol: unix.IPPROTO_UDP, Source: addr4(0x0a000001+i, 1000), Dest: addr4(0x0b000001, 53),
			Seconds: 100, Status: 2 | 4 | 8})
	}
	if err := ns.Connect(all...); err != nil {
		t.Fatal(err)
	}
	all, err := ns.Connections(unix.AF_INET)
	if err != nil {
		t.Fatal(err)
	}
	world := table{all: all, tracking: ir.Tracking{UDP: 120}, kind: ir.Conntrack}
	env := &ir.Env{Conntrack: world.row}
	run := emit.Agree(t, tells(ir.Conntrack, world.tracking), k)
	agrees := func(pkt []byte) (failed error) {
		if err := ns.Do(func() error { _, failed = run(env, pkt); return nil }); err != nil {
			t.Fatal(err)
		}
		return failed
	}
	atOnce := 0
	for _, one := range all {
		for i := range 2000 {
			if err := agrees(tupled(unix.IPPROTO_UDP, addr4(0x0c000000+uint64(i), 9), one.Dest)); err != nil {
				t.Fatalf("a first packet: %v", err)
			}
		}
		left, pkt := 0, tupled(unix.IPPROTO_UDP, one.Source, one.Dest)
		for end := time.Now().Add(lab.Patience(10 * time.Second)); agrees(pkt) != nil; left++ {
			if time.Now().After(end) {
				t.Fatal("the kernel was not asked for ten seconds")
			}
			time.Sleep(time.Millisecond)
		}
		for range 100 {
			if err := agrees(pkt); err != nil {
				t.Fatalf("a packet of a connection in the flow cache: %v", err)
			}
		}
		t.Logf("fast after %d packets that were left to the kernel", left)
		if left == 0 {
			atOnce++
		}
	}
	if atOnce == len(all) {
		t.Error("the kernel is asked for every first packet of a flood")
	}
}
