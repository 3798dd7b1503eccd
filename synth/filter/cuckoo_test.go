package filter

import (
	"encoding/binary"
	"testing"
)

// TestKeyedSpreads has keys that differ in one byte, as MACs do that somebody has counted up, and wants them in about as
// many places as chance would give.
func TestKeyedSpreads(t *testing.T) {
	for _, rows := range []int{1 << 10, 1 << 14, 1 << 18} {
		table := NewKeyed(rows, nil, nil).Keyed()
		for at := range 6 {
			first, second := map[int]bool{}, map[int]bool{}
			for n := range 256 {
				key := binary.LittleEndian.AppendUint64(nil, 0x0605_0403_0202<<16)
				key[2+at] = byte(n)
				one, two := table.Places(binary.LittleEndian.Uint64(key))
				first[one], second[two] = true, true
			}
			if len(first) < 100 || len(second) < 100 {
				t.Errorf("%d rows: byte %d gives %d first and %d second places", rows, at, len(first), len(second))
			}
		}
	}
}

// TestKeyedTakesCountedKeys fills a table with addresses that are counted up.
func TestKeyedTakesCountedKeys(t *testing.T) {
	c := NewKeyed(1<<13, nil, nil)
	lost := 0
	for n := range 3 << 10 {
		if !c.Insert([]uint64{uint64(n&0xff)<<56 | uint64(n>>8)<<48 | 0x0102_0002<<16}, n, nil) {
			lost++
		}
	}
	if lost > 6 {
		t.Errorf("%d keys found no room", lost)
	}
}

// TestKeyedSuitsItsKeys wants addresses that are counted up in their first rows, which one factor in a few gives them.
func TestKeyedSuitsItsKeys(t *testing.T) {
	var keys [][]uint64
	var answers []int
	for n := range 200 {
		keys = append(keys, []uint64{uint64(n%100)<<56 | uint64(n/100)<<48 | 0x5452<<16})
		answers = append(answers, n)
	}
	c := NewKeyed(1<<10, keys, answers)
	table := c.Keyed()
	for _, key := range keys {
		first, _ := table.Places(key[0])
		if at, ok := c.Find(key); !ok || at != first {
			t.Fatalf("key %#x stands in row %d, %v; its first is %d", key[0], at, ok, first)
		}
	}
}
