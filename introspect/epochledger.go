package introspect

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/hone-net/hone/slowpath"
	"golang.org/x/sys/unix"
)

// ledger accounts for every addition to `seen`, by who made it. The sum of what the Watcher has folded of each is what a
// program made of its Snapshot may be vouched for.
//
//	seen = what the filters and the sysctl program counted + what the sentry and ICMP errors did + own
//
// The filters count a datagram a moment before the kernel queues it, and a moment after most changes are made, so seen
// is never behind the configuration and the sum never ahead of seen.
type ledger struct {
	counters
	seenWords  *slowpath.Epochs // mapped
	tallyWords *[tallySize / 8]uint64
	pages      [][]byte
	accounts   []*account

	folded  slowpath.Epochs // datagrams of the filtered sockets that were folded
	sysctls slowpath.Epochs // records of the sysctl program that were folded
	sentry  uint64          // moves by the sentry that were looked at, each toConfig
	learned uint64          // the same of those toRoute6
	replied uint64          // the sentry's questions that were answered
	paths   uint64          // moves by the filter of ICMP errors that were looked at, each toRoute4
	own     slowpath.Epochs // changes that the Watcher noticed itself
}

func newLedger() (*ledger, error) {
	l := &ledger{}
	var err error
	if l.seen, err = newWords("seen", int(slowpath.NumDomains)*8); err != nil {
		return nil, err
	}
	if l.tally, err = newWords("tally", tallySize); err != nil {
		return nil, errors.Join(err, l.close())
	}
	seen, err := l.mapped(l.seen)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	tally, err := l.mapped(l.tally)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.seenWords, l.tallyWords = (*slowpath.Epochs)(seen), (*[tallySize / 8]uint64)(tally)
	return l, nil
}

func newWords(name string, size int) (*ebpf.Map, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: name, Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size), MaxEntries: 1,
		Flags: unix.BPF_F_MMAPABLE})
	if err != nil {
		return nil, fmt.Errorf("introspect: make map %s: %w", name, err)
	}
	return m, nil
}

func (l *ledger) mapped(m *ebpf.Map) (unsafe.Pointer, error) {
	page, err := unix.Mmap(m.FD(), 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("introspect: map epochs: %w", err)
	}
	l.pages = append(l.pages, page)
	return unsafe.Pointer(unsafe.SliceData(page)), nil
}

func (l *ledger) close() error {
	var errs []error
	for _, p := range l.pages {
		errs = append(errs, unix.Munmap(p))
	}
	maps := []*ebpf.Map{l.seen, l.tally}
	for _, a := range l.accounts {
		maps = append(maps, a.tally)
	}
	for _, m := range maps {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}

// account is a tally of one socket's filter alone. Where nothing is delivered to the socket any more and nothing is queued,
// what it is ahead of the datagrams that were folded is what found no room: the filter runs before the queue is looked at.
type account struct {
	counters
	words  *[tallySize / 8]uint64
	folded slowpath.Epochs
}

func (l *ledger) open() (*account, error) {
	tally, err := newWords("tally", tallySize)
	if err != nil {
		return nil, err
	}
	a := &account{counters: counters{l.seen, tally}}
	l.accounts = append(l.accounts, a)
	words, err := l.mapped(tally)
	a.words = (*[tallySize / 8]uint64)(words)
	return a, err
}

// counted is what the filter has counted.
func (a *account) counted() (e slowpath.Epochs) {
	for i := range e {
		e[i] = atomic.LoadUint64(&a.words[tallySockets/8+i])
	}
	return e
}

// lost is what the filter has counted and nobody has folded.
func (a *account) lost() slowpath.Epochs {
	e := a.counted()
	for i := range e {
		e[i] -= a.folded[i]
	}
	return e
}

// writeOff takes what a socket has lost as folded.
func (l *ledger) writeOff(a *account) {
	for i, n := range a.lost() {
		a.folded[i] += n
		l.folded[i] += n
	}
}

// bump moves domains by the Watcher's own hand: programs stop using what they copied until they are vouched for anew.
func (l *ledger) bump(d domains) {
	for i := range l.own {
		if d&(1<<i) != 0 {
			atomic.AddUint64(&l.seenWords[i], 1)
			l.own[i]++
		}
	}
}

// restart takes the filters' count as folded. The sockets must be in no group, so that it stands still, and empty.
func (l *ledger) restart() {
	for i := range l.folded {
		l.folded[i] = atomic.LoadUint64(&l.tallyWords[tallySockets/8+i])
	}
	for _, a := range l.accounts {
		a.folded = slowpath.Epochs{}
		l.writeOff(a)
	}
}

// answer tells the sentry how many of its questions need not bother it any more.
func (l *ledger) answer(questions uint64) {
	l.replied = questions
	atomic.StoreUint64(&l.tallyWords[tallyAnswered/8], questions)
}

// lost is how many records of the sysctl program found no room.
func (l *ledger) lost() uint64 { return atomic.LoadUint64(&l.tallyWords[tallyLost/8]) }

// built is what a program made of everything folded so far accounts for.
func (l *ledger) built() slowpath.Epochs {
	e := l.folded
	for i := range e {
		e[i] += l.sysctls[i] + l.own[i]
		if toConfig&(1<<i) != 0 {
			e[i] += l.sentry
		}
		if toRoute6&(1<<i) != 0 {
			e[i] += l.learned
		}
		if toRoute4&(1<<i) != 0 {
			e[i] += l.paths
		}
	}
	return e
}

// moved reads seen.
func (l *ledger) moved() slowpath.Epochs {
	var e slowpath.Epochs
	for i := range e {
		e[i] = atomic.LoadUint64(&l.seenWords[i])
	}
	return e
}
