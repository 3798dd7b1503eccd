package fastpath

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// memory is the contents of a one-element array map, shared with the programs that use it.
type memory []byte

// mapMemory maps the value of a one-element array.
func mapMemory(m *ebpf.Map) (memory, error) {
	size := (int(m.ValueSize()) + 7) &^ 7
	page := unix.Getpagesize()
	b, err := unix.Mmap(m.FD(), 0, (size+page-1)&^(page-1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map memory of %s: %w", m, err)
	}
	return b[:size], nil
}

// close unmaps the memory; nobody may use it afterwards.
func (m memory) close() {
	if m != nil {
		_ = unix.Munmap(m[:cap(m)])
	}
}

// word is the aligned 64-bit word at off.
func (m memory) word(off int) *uint64 { return (*uint64)(unsafe.Pointer(&m[off : off+8 : off+8][0])) }

// half is the aligned 32-bit word at off.
func (m memory) half(off int) *uint32 { return (*uint32)(unsafe.Pointer(&m[off : off+4 : off+4][0])) }

// load reads the aligned 64-bit word at off.
func (m memory) load(off int) uint64 { return atomic.LoadUint64(m.word(off)) }

// store writes the aligned 64-bit word at off with release: what was stored before is seen before.
func (m memory) store(off int, v uint64) { atomic.StoreUint64(m.word(off), v) }

// put is store for one of many words: where all stores are seen in their order, the processor need not wait for each.
func (m memory) put(off int, v uint64) {
	if runtime.GOARCH == "amd64" {
		*m.word(off) = v
	} else {
		m.store(off, v)
	}
}

// write puts data at off, by one aligned word after the other. None of 1, 2, 4 or 8 bytes that is aligned is ever torn, and
// each is seen after everything that was written before: a write may be a run of words that programs read each by itself,
// and a plain copy promises neither. Programs write to words of their own only, so that storing the whole word around 1 or
// 2 bytes loses nothing; writers are serialized by the caller.
func (m memory) write(off int, data []byte) error {
	n := len(data)
	if off < 0 || off > len(m) || n > len(m)-off {
		return fmt.Errorf("%d bytes at %d are outside of %d", n, off, len(m))
	}
	for len(data) > 0 {
		size := 8
		for size > len(data) || off%size != 0 {
			size /= 2
		}
		if size == 8 {
			m.put(off, binary.NativeEndian.Uint64(data))
		} else {
			m.merge(off, data[:size])
		}
		off, data = off+size, data[size:]
	}
	return nil
}

// merge stores the 32-bit word around off with data in it.
func (m memory) merge(off int, data []byte) {
	var b [4]byte
	p := m.half(off &^ 3)
	binary.NativeEndian.PutUint32(b[:], atomic.LoadUint32(p))
	copy(b[off&3:], data)
	atomic.StoreUint32(p, binary.NativeEndian.Uint32(b[:]))
}
