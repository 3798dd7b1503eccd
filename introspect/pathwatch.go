package introspect

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// What ICMP errors teach IPv4 of the MTUs of paths concerns forwarded packets only where it is below smallPath: such an MTU is
// locked. Nothing announces it, and no dump shows it before a packet of the kernel's own has used it. But a raw socket is given
// each ICMP error before anybody heeds it (ip_protocol_deliver_rcu), and so its filter is asked first.

// The sysctls that say which MTUs of paths are small, and for how many seconds the kernel remembers one.
const (
	smallPath    = "ipv4/route/min_pmtu"
	pathLifetime = "ipv4/route/mtu_expires"

	defaultSmall    = 552 // the kernel's
	defaultLifetime = 10 * time.Minute
)

// pathWatch is a raw socket for ICMP errors, and what its filter has noted.
type pathWatch struct {
	fd       int
	filter   *ebpf.Program
	told     *ebpf.Map
	ring     *ebpf.Map // wakes the Watcher
	reader   *ringbuf.Reader
	record   ringbuf.Record
	looked   uint64        // how often the host had been told when that was looked at
	lifetime time.Duration // the longest that there was
}

// watchPaths looks at the errors that the calling thread's network namespace is sent.
func watchPaths(l *ledger) (*pathWatch, error) {
	p := &pathWatch{fd: -1, lifetime: defaultLifetime}
	if err := p.open(l); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pathWatch) open(l *ledger) (err error) {
	if p.told, err = ebpf.NewMap(toldMap()); err != nil {
		return fmt.Errorf("introspect: make map of path MTUs: %w", err)
	}
	if p.ring, err = ebpf.NewMap(&ebpf.MapSpec{Name: "hone_paths", Type: ebpf.RingBuf, MaxEntries: uint32(os.Getpagesize())}); err != nil {
		return fmt.Errorf("introspect: make ring of path MTUs: %w", err)
	}
	if p.filter, err = ebpf.NewProgram(pathFilter(p.told.FD(), p.ring.FD(), l.counters)); err != nil {
		return fmt.Errorf("introspect: load filter of ICMP errors: %w", err)
	}
	if p.reader, err = ringbuf.NewReader(p.ring); err != nil {
		return fmt.Errorf("introspect: read ring of path MTUs: %w", err)
	}
	l.small(defaultSmall)
	if err = p.listen(); err != nil {
		return err
	}
	return p.seed()
}

// listen opens the socket. The kernel looks for sockets that a packet of ICMP was sent by when an error about it comes; this one
// sends nothing, and is to make no difference: it believes no MTU.
func (p *pathWatch) listen() (err error) {
	if p.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMP); err != nil {
		return fmt.Errorf("introspect: open raw socket: %w", err)
	}
	for _, o := range []struct{ level, name, value int }{
		{unix.SOL_SOCKET, unix.SO_ATTACH_BPF, p.filter.FD()},
		{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT},
		{unix.SOL_RAW, icmpFilter, ^(1 << destUnreach)},
	} {
		if err := unix.SetsockoptInt(p.fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("introspect: set option %d of raw socket: %w", o.name, err)
		}
	}
	return nil
}

const icmpFilter = 1 // ICMP_FILTER: a bit for each type that the socket is not given

// seed notes what the host was told of before, as far as the kernel shows it.
func (p *pathWatch) seed() error {
	locked, err := dumpLearned(unix.AF_INET)
	if err != nil {
		return fmt.Errorf("introspect: dump learned routes: %w", err)
	}
	for a := range locked {
		if err := p.told.Put(netip.Addr(a).As4(), toldPath{When: monotonic()}); err != nil {
			return fmt.Errorf("introspect: note path MTU: %w", err)
		}
	}
	p.looked = ^uint64(0)
	return nil
}

// small sets below what an MTU is small, and tells whether that is new.
func (l *ledger) small(mtu uint64) bool {
	return atomic.SwapUint64(&l.tallyWords[tallySmall/8], mtu) != mtu
}

// listenPaths tells whether there is something to look at.
func (w *Watcher) listenPaths() (uint64, error) {
	p := w.paths
	for p.reader.AvailableBytes() > 0 {
		p.reader.SetDeadline(time.Now())
		err := p.reader.ReadInto(&p.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("introspect: read ring of path MTUs: %w", err)
		}
	}
	news := w.ledger.small(w.s.number(smallPath, defaultSmall))
	told, moves := w.ledger.told()
	if news || told != p.looked || moves != w.ledger.paths {
		return 1 << watchPath, nil
	}
	return 0, nil
}

// told is how often the host was told of a small MTU, and how often that moved Route4.
func (l *ledger) told() (times, moves uint64) {
	return atomic.LoadUint64(&l.tallyWords[tallyTold/8]), atomic.LoadUint64(&l.tallyWords[tallyPaths/8])
}

// readPaths takes in what the host was told of. It may be taken for longer than the kernel does: what is told again of an MTU
// that is locked lasts no longer.
func (w *Watcher) readPaths(s *Snapshot) (*Snapshot, error) {
	times, moves := w.ledger.told()
	learned, err := w.paths.current(s, atomic.LoadUint64(&w.ledger.tallyWords[tallySmall/8]))
	if err != nil {
		return s, err
	}
	w.paths.looked, w.ledger.paths = times, moves
	n := *s
	n.Learned4 = become(s.Learned4, learned)
	return changed(s, &n), nil
}

// current lists the destinations of small MTUs that the kernel may still remember.
func (p *pathWatch) current(s *Snapshot, small uint64) (map[Address]Exception, error) {
	p.lifetime = max(p.lifetime, time.Duration(s.number(pathLifetime, 0))*time.Second)
	since := int64(monotonic()) - int64(p.lifetime+2*pathFresh)
	learned := map[Address]Exception{}
	var cursor ebpf.MapBatchCursor
	keys, values := make([][4]byte, 1<<10), make([]toldPath, 1<<10)
	for {
		n, err := p.told.BatchLookup(&cursor, keys, values, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil, fmt.Errorf("introspect: list path MTUs: %w", err)
		}
		for i, v := range values[:n] {
			if a := netip.AddrFrom4(keys[i]); v.MTU < small && int64(v.When) >= since {
				learned[Address(a)] = Exception{Dst: a}
			}
		}
		if err != nil {
			return learned, nil
		}
	}
}

// number is the value of a sysctl; namespaces of containers may lack it.
func (s *Snapshot) number(name Name, otherwise uint64) uint64 {
	text, _ := s.Sysctls.Get(name)
	n, err := strconv.ParseUint(text.Value, 10, 31)
	if err != nil {
		return otherwise
	}
	return n
}

// monotonic is the clock of bpf_ktime_get_ns.
func monotonic() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // cannot fail
	return uint64(ts.Nano())
}

func (p *pathWatch) close() error {
	var errs []error
	if p.fd >= 0 {
		errs = append(errs, unix.Close(p.fd))
	}
	if p.reader != nil {
		errs = append(errs, p.reader.Close())
	}
	if p.filter != nil {
		errs = append(errs, p.filter.Close())
	}
	for _, m := range []*ebpf.Map{p.ring, p.told} {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}
