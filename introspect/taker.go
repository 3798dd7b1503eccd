package introspect

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// A device that stands on another may be given its frames before IP sees any (rx_handler of a struct net_device): those of
// the kinds macvlan, ipvlan and macsec, and others that are masters of it. In another network namespace, where containers
// have them, such a device is invisible over netlink: only that the one below has changed is announced.

// taker tells whether somebody is given a device's frames first. It is made once, since BTF is slow to ask: it works in
// every network namespace. Where BTF does not help, only the devices of this namespace are known.
var taker = sync.OnceValue(func() onlooker {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return onlooker{}
	}
	var handler uint32
	if err := locate(map[*uint32]member{&handler: {"net_device", []string{"rx_handler"}}}); err != nil {
		return onlooker{}
	}
	return newOnlooker(kernel, "hone_taker", notZero(word{handler, 8}))
})

// taken asks about a device of the calling thread's network namespace.
func taken(i Index) (bool, error) {
	if taker().program == nil {
		return false, nil
	}
	answer, err := taker().look(i)
	if err != nil {
		return false, fmt.Errorf("introspect: ask who takes frames: %w", err)
	}
	return answer == onlookerYes, nil
}

// mayBeTaken tells whether a link may have frames that IP is given, and has no master that is known to be given them.
func (l Link) mayBeTaken() bool {
	return l.Type == unix.ARPHRD_ETHER && (l.SlaveKind == "" || l.SlaveKind == "vrf")
}

// readTaken asks about all links.
func readTaken(s *Snapshot) (_ *Snapshot, err error) {
	for i := range s.Links.All() {
		if s, err = readTakenOf(s, i); err != nil {
			return s, err
		}
	}
	return s, nil
}

// readTakenOf asks about one.
func readTakenOf(s *Snapshot, i Index) (_ *Snapshot, err error) {
	l, ok := s.Links.Get(i)
	if !ok {
		return s, nil
	}
	l.Taken = false
	if l.mayBeTaken() {
		if l.Taken, err = taken(i); err != nil {
			return s, err
		}
	}
	return s.withLink(l), nil
}
