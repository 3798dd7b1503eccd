package fastpath

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/hone-net/hone/synth/emit"
)

// accounts are what the programs of a host have counted for connections. An account ends with its connection, in the kernel and
// before the memory of the connection's entry is used again. It is removed once no program runs that may be about to add to it;
// until then there is no other one for that memory.
type accounts struct {
	m      *ebpf.Map
	ring   *ebpf.Map // the keys of accounts that have ended
	reader *ringbuf.Reader
	links  []link.Link
	done   sync.WaitGroup
}

const (
	endedBytes = 1 << 16         // of the ring
	mostEnded  = endedBytes / 16 // that it has room for: a head of eight bytes, and the key

	// notices is how many programs look at the end of connections, one after the other. The kernel passes over one that runs on
	// the same CPU already, which is where an interrupt comes in between; the other one does not run then.
	notices = 2
)

func newAccounts() (a *accounts, err error) {
	a = &accounts{}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.m, err = ebpf.NewMap(emit.Accounts()); err != nil {
		return a, failed("make the map "+emit.MapAccounts, loadCause(err), err)
	}
	if a.ring, err = ebpf.NewMap(&ebpf.MapSpec{Name: "hone_ended", Type: ebpf.RingBuf, MaxEntries: endedBytes}); err != nil {
		return a, failed("make the ring of accounts that have ended", loadCause(err), err)
	}
	if a.reader, err = ringbuf.NewReader(a.ring); err != nil {
		return a, failed("read the ring of accounts that have ended", nil, err)
	}
	for range notices {
		if err := a.notice(); err != nil {
			// Not loadCause: E2BIG says that 38 programs (BPF_MAX_TRAMP_LINKS) look at that function, those of other namespaces' agents.
			return a, failed("notice the end of connections", ErrNoAccounts, err)
		}
	}
	return a, nil
}

// notice has a program called before the kernel frees an entry.
func (a *accounts) notice() error {
	p, err := ebpf.NewProgram(ending(a.m.FD(), a.ring.FD()))
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	l, err := link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceFEntry})
	if err == nil {
		a.links = append(a.links, l)
	}
	return err
}

// tidy removes accounts that have ended, until the reader is closed.
func (a *accounts) tidy(settle func()) {
	for {
		first, err := a.reader.Read()
		if err != nil {
			return // connections in the memory of others that have ended are the kernel's then
		}
		keys := []uint64{binary.NativeEndian.Uint64(first.RawSample)}
		for a.reader.AvailableBytes() > 0 {
			next, err := a.reader.Read()
			if err != nil {
				break
			}
			keys = append(keys, binary.NativeEndian.Uint64(next.RawSample))
		}
		settle()
		if len(keys) >= mostEnded/2 { // the ring may have been full
			keys = a.ended(keys)
			settle()
		}
		a.remove(keys)
	}
}

// remove removes those of the accounts that have ended: only this makes room for another one under the same key.
func (a *accounts) remove(keys []uint64) {
	for _, key := range keys {
		var b [emit.AccountBytes]byte
		if a.m.Lookup(key, &b) == nil && binary.NativeEndian.Uint32(b[emit.AccountState:]) == emit.AccountEnded {
			_ = a.m.Delete(key)
		}
	}
}

// ended adds the keys of all accounts that have ended.
func (a *accounts) ended(keys []uint64) []uint64 {
	_ = a.each(func(key uint64, b [emit.AccountBytes]byte) {
		if binary.NativeEndian.Uint32(b[emit.AccountState:]) == emit.AccountEnded {
			keys = append(keys, key)
		}
	})
	return keys
}

// each visits the accounts. One that comes or goes meanwhile may be left out.
func (a *accounts) each(visit func(key uint64, b [emit.AccountBytes]byte)) error {
	const batch = 4096
	var cursor ebpf.MapBatchCursor
	keys, values := make([]uint64, batch), make([][emit.AccountBytes]byte, batch)
	for {
		n, err := a.m.BatchLookup(&cursor, keys, values, nil)
		for i := range n {
			visit(keys[i], values[i])
		}
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (a *accounts) close() {
	for _, l := range a.links {
		_ = l.Close()
	}
	if a.reader != nil {
		_ = a.reader.Close()
	}
	a.done.Wait()
	for _, m := range []*ebpf.Map{a.ring, a.m} {
		if m != nil {
			_ = m.Close()
		}
	}
}

// openAccounts makes the accounts that a program asks for, and keeps them for as long as the Host is there, whatever becomes of
// programs and tables.
func (h *Host) openAccounts() (*ebpf.Map, error) {
	if h.accounts == nil {
		a, err := newAccounts()
		if err != nil {
			return nil, err
		}
		a.done.Go(func() { a.tidy(h.Settle) })
		h.accounts = a
	}
	return h.accounts.m, nil
}

// Accounts lists what programs have counted for the connections that go on.
func (h *Host) Accounts() ([]emit.Account, error) {
	h.mu.Lock()
	a := h.accounts
	h.mu.Unlock()
	if a == nil {
		return nil, nil
	}
	var all []emit.Account
	err := a.each(func(_ uint64, b [emit.AccountBytes]byte) {
		if one, ok := emit.ParseAccount(b); ok {
			all = append(all, one)
		}
	})
	if err != nil {
		return nil, failed("read accounts of connections", nil, err)
	}
	return all, nil
}
