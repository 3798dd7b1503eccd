package emit_test

import (
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
	"github.com/hone-net/hone/synth/ir"
)

// counting is a program that counts packets for connections, with room for so many of them.
type counting struct {
	*testing.T
	ns   *lab.Namespace
	coll *ebpf.Collection
}

func newCounting(t *testing.T, room uint32) counting {
	t.Helper()
	ns, k := tracking(t)
	spec, err := emit.Spec(tells(ir.Conntrack, ir.Tracking{TCP: 432000, UDP: 120, Account: true}), k)
	if err != nil {
		t.Fatal(err)
	}
	spec.Maps[emit.MapAccounts].MaxEntries = room
	coll, err := fastpath.Collect(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(coll.Close)
	return counting{t, ns, coll}
}

func (c counting) connect(port uint64) lab.Connection {
	c.Helper()
	one := lab.Connection{Protocol: unix.IPPROTO_UDP, Source: addr4(0x0a000001, port), Dest: addr4(0x0b000001, 53), Seconds: 400, Status: 2 | 4 | 8}
	if err := c.ns.Connect(one); err != nil {
		c.Fatal(err)
	}
	return one
}

// send runs the program for a packet; it tells whether that was left to the kernel because it cannot be counted.
func (c counting) send(one lab.Connection) (left bool) {
	c.Helper()
	before := c.left()
	if err := c.ns.Do(func() error {
		_, err := c.coll.Programs[emit.ProgramName].Run(&ebpf.RunOptions{Data: tupled(one.Protocol, one.Source, one.Dest)})
		return err
	}); err != nil {
		c.Fatal(err)
	}
	return c.left() > before
}

func (c counting) left() (n uint64) {
	value, err := c.coll.Maps[emit.MapStats].LookupBytes(uint32(0))
	if err != nil {
		c.Fatal(err)
	}
	for at := emit.ReasonOffset(slowpath.ConntrackAccount); at < len(value); at += emit.StatsStride {
		n += binary.NativeEndian.Uint64(value[at:])
	}
	return n
}

// accounts are the accounts by their keys.
func (c counting) accounts() map[uint64][emit.AccountBytes]byte {
	all := map[uint64][emit.AccountBytes]byte{}
	var key uint64
	var b [emit.AccountBytes]byte
	for entries := c.coll.Maps[emit.MapAccounts].Iterate(); entries.Next(&key, &b); {
		all[key] = b
	}
	return all
}

// TestAccountsOfOthers: an account that has ended, or that is not of the packet's connection, is left alone, and so is the packet.
func TestAccountsOfOthers(t *testing.T) {
	c := newCounting(t, 8)
	one := c.connect(1000)
	if c.send(one) || c.send(one) {
		t.Fatal("not counted")
	}
	for key, b := range c.accounts() {
		if a, ok := emit.ParseAccount(b); !ok || a.Source != one.Source || a.Dest != one.Dest || a.Protocol != one.Protocol ||
			a.Sums != [2]emit.Sum{{Packets: 2, Bytes: 2 * uint64(len(tupled(0, one.Source, one.Dest)))}} {
			t.Errorf("%v %+v", ok, a)
		}
		for name, change := range map[string]func(b []byte){
			"ended":       func(b []byte) { b[emit.AccountState] = emit.AccountEnded },
			"being made":  func(b []byte) { b[emit.AccountState] = 0 },
			"another one": func(b []byte) { b[emit.AccountEntry]++ },
		} {
			other := b
			change(other[:])
			if err := c.coll.Maps[emit.MapAccounts].Put(key, other); err != nil {
				t.Fatal(err)
			}
			if !c.send(one) || c.accounts()[key] != other {
				t.Errorf("%s: it was counted", name)
			}
		}
		if err := c.coll.Maps[emit.MapAccounts].Delete(key); err != nil {
			t.Fatal(err)
		}
	}
	if c.send(one) || len(c.accounts()) != 1 {
		t.Error("no account of its own")
	}
}

// TestAccountsFull: connections for whose accounts there is no room are the kernel's, the others go on.
func TestAccountsFull(t *testing.T) {
	c := newCounting(t, 2)
	first, second, third := c.connect(1000), c.connect(1001), c.connect(1002)
	if c.send(first) || c.send(second) || !c.send(third) || c.send(first) || !c.send(third) || len(c.accounts()) != 2 {
		t.Errorf("%d accounts", len(c.accounts()))
	}
	for key, b := range c.accounts() {
		if a, _ := emit.ParseAccount(b); a.Source == first.Source {
			if err := c.coll.Maps[emit.MapAccounts].Delete(key); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c.send(third) {
		t.Error("there is room")
	}
}
