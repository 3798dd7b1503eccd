package lab

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// shared is an array map of one value that is mapped into memory.
type shared struct {
	m   *ebpf.Map
	mem []byte
}

func newShared(name string, size int) (*shared, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size), MaxEntries: 1,
		Flags: unix.BPF_F_MMAPABLE})
	if err != nil {
		return nil, fmt.Errorf("lab: make map %s: %w", name, err)
	}
	page := unix.Getpagesize()
	mem, err := unix.Mmap(m.FD(), 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("lab: share map %s: %w", name, err)
	}
	return &shared{m: m, mem: mem}, nil
}

// word reads the 64-bit number at off at once.
func (s *shared) word(off int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&s.mem[off])))
}

func (s *shared) close() error {
	if s == nil || s.mem == nil {
		return nil
	}
	err := unix.Munmap(s.mem)
	s.mem = nil
	return joinClose(err, s.m)
}

func joinClose(err error, m *ebpf.Map) error {
	if closing := m.Close(); err == nil {
		err = closing
	}
	return err
}
