package synth

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/synth/ir"
)

// router is the text of a router with two network cards: r0 (2) towards 10.1.0.0/24, r1 (3) towards 10.2.0.0/24.
func router(t testing.TB) string {
	text, err := os.ReadFile("testdata/router.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// with adds lines to a configuration.
func with(text string, lines ...string) string { return text + strings.Join(lines, "\n") + "\n" }

// swapped replaces a part of a configuration that has to be there.
func swapped(t testing.TB, text, old, fresh string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("configuration lacks %q", old)
	}
	return strings.Replace(text, old, fresh, 1)
}

func parse(t testing.TB, text string) *introspect.Snapshot {
	t.Helper()
	s, err := introspect.ParseSnapshot([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var tested = Options{Hook: "xdp", VethTag: true, FIBLookup: true}

// bed is the program of an interface and what it needs to run.
type bed struct {
	snapshot *introspect.Snapshot
	fib      *FIB
	program  *ir.Program
	env      *ir.Env
}

func newBed(t testing.TB, text string, ifindex int) *bed {
	t.Helper()
	return newBedWith(t, text, ifindex, tested)
}

func newBedWith(t testing.TB, text string, ifindex int, o Options) *bed {
	t.Helper()
	b := &bed{snapshot: parse(t, text)}
	b.fib = NewFIB(b.snapshot)
	var err error
	if b.program, err = Program(b.snapshot, ifindex, o, b.fib.Shape()); err != nil {
		t.Fatal(err)
	}
	b.env = b.fib.Env()
	return b
}

func (b *bed) run(t testing.TB, frame []byte) ir.Verdict {
	t.Helper()
	v, err := ir.Eval(b.program, b.env, frame)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// change is one thing about a frame that is not as usual.
type change func(frame []byte) []byte

// datagram is a good UDP packet from 10.1.0.2 to 192.0.2.7 as it comes in by r0, with changes; the header's checksum is
// right unless a change after repair makes it wrong.
func datagram(changes ...change) []byte {
	f := make([]byte, 60)
	copy(f, []byte{2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2, 8, 0, 0x45, 0, 0, 46, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 1, 0, 2,
		192, 0, 2, 7, 0x30, 0x39, 0x12, 0x67, 0, 26, 0xbe, 0xef})
	repair(f)
	for _, c := range changes {
		f = c(f)
	}
	return f
}

func repair(f []byte) []byte {
	f[24], f[25] = 0, 0
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(f[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(f[24:], ^uint16(sum))
	return f
}

// put writes bytes at an offset.
func put(at int, b ...byte) change {
	return func(f []byte) []byte { copy(f[at:], b); return f }
}

func from(a ...byte) change { return put(26, a...) }
func to(a ...byte) change   { return put(30, a...) }

func cut(n int) change { return func(f []byte) []byte { return f[:n] } }

func pad(n int) change { return func(f []byte) []byte { return append(f, make([]byte, n-len(f))...) } }
