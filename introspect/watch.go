package introspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/hone-net/hone/slowpath"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Watcher follows the configuration of the network namespace that it was made in. It is not safe for concurrent use.
type Watcher struct {
	route     *netlink.Conn // requests
	sensors   *sensors
	ledger    *ledger
	filters   []*ebpf.Program
	listeners []*listener  // that of rtnetlink first
	spare     *listener    // another one of rtnetlink, in no group
	far       *listener    // of the links of other network namespaces; nil where these are not heard
	sysctls   *sysctlWatch // nil where no program can watch writes
	unwatched error        // why
	sentry    *sentry      // nil where the kernel cannot have one
	paths     *pathWatch
	waiter    *waiter
	wake      int // an eventfd: the context is done
	buffer    []byte

	s     *Snapshot
	stale stale
	polls []poll
	told  uint64 // what the sentry has reported and nobody has looked at yet

	commit commit // of nftables, not folded yet

	kindsOf     Map[Index, Link] // the links of which it is known
	taps, vlans bool             // whether there is a tap, or a VLAN device

	unsettled map[RouteKey]bool // routes that never rest
	deleted   recent            // entries of bridges
	tornFDB   bool              // the dump of those may miss some
	retryFDB  time.Time         // when to look for them

	passed bool // a barrier, since something was announced that may not be done yet
	blind  bool // something was lost, so that what is announced is not all known
	losses int  // how often
	behind bool // more is queued than was folded at once
	firm   bool // the same, but for links that only went down, which takes away routes
	early  int  // answers without the routes that may be given

	turns, balanced int    // since the last audit
	reserves        uint64 // notifications lost for want of memory that the kernel has counted

	given       *Snapshot // what Next returned last
	givenEpochs slowpath.Epochs
}

// Watch subscribes to everything that the kernel announces about the calling thread's network namespace, has `seen`
// count it from then on, and takes a first Snapshot.
func Watch(ctx context.Context) (*Watcher, error) {
	w := &Watcher{wake: -1, s: &Snapshot{}, unsettled: map[RouteKey]bool{}, buffer: make([]byte, 1<<20)}
	if err := w.open(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := w.resync(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if _, err := w.turn(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(fmt.Errorf("introspect: watch: %w", context.Cause(ctx)), w.Close())
	}
	return w, nil
}

func (w *Watcher) open() (err error) {
	if w.ledger, err = newLedger(); err != nil {
		return err
	}
	if w.route, err = dialRoute(); err != nil {
		return err
	}
	if w.sensors, err = openSensors(); err != nil {
		return err
	}
	if err := w.listen(); err != nil {
		return err
	}
	if w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("introspect: open eventfd: %w", err)
	}
	w.unwatched = cgroupRoot(func(path string) (err error) {
		w.sysctls, err = watchSysctls(w.ledger, path)
		return err
	})
	w.sentry, _ = newSentry(w.ledger.counters) // else they are polled
	if w.paths, err = watchPaths(w.ledger); err != nil {
		return err
	}
	if w.waiter, err = newWaiter(w.sources()...); err != nil {
		return err
	}
	w.polls = w.schedule()
	w.reserves, err = readReserves()
	return err
}

// routeGroups are the groups of rtnetlink that are listened to.
var routeGroups = []uint32{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_TC, unix.RTNLGRP_IPV4_IFADDR,
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_NEXTHOP,
	unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV6_RULE, unix.RTNLGRP_IPV6_NETCONF, unix.RTNLGRP_IPV6_PREFIX,
	unix.RTNLGRP_BRVLAN}

const xfrmGroupPolicy = 4 // XFRMNLGRP_POLICY

// listen opens a listener for each protocol that the kernel has.
func (w *Watcher) listen() error {
	for range 2 {
		if err := w.addRouteListener(); err != nil {
			return err
		}
	}
	w.listeners, w.spare = w.listeners[:1], w.listeners[1]
	plain, err := w.ledger.newFilter("hone_epoch", toConfig)
	if err != nil {
		return err
	}
	w.filters = append(w.filters, plain)
	if w.sensors.netfilter != nil {
		err = errors.Join(err, w.addListener(unix.NETLINK_NETFILTER, plain, nil, unix.NFNLGRP_NFTABLES))
	}
	if w.sensors.xfrm != nil {
		err = errors.Join(err, w.addListener(unix.NETLINK_XFRM, plain, nil, xfrmGroupPolicy))
	}
	if groups := w.sensors.groups(); len(groups) > 0 {
		err = errors.Join(err, w.addListener(unix.NETLINK_GENERIC, plain, nil, groups...))
	}
	if w.sensors.hears {
		err = errors.Join(err, w.addFarListener())
	}
	return err
}

// addRouteListener opens one of rtnetlink, whose filter counts by class, and for itself.
func (w *Watcher) addRouteListener() error {
	a, err := w.ledger.open()
	if err != nil {
		return err
	}
	filter, err := a.newFilter("hone_epoch_rt", nothing)
	if err != nil {
		return err
	}
	w.filters = append(w.filters, filter)
	return w.addListener(unix.NETLINK_ROUTE, filter, a, routeGroups...)
}

func (w *Watcher) addListener(protocol int, filter *ebpf.Program, a *account, groups ...uint32) error {
	l, err := newListener(protocol, filter, a, groups...)
	if err == nil {
		w.listeners = append(w.listeners, l)
	}
	return err
}

// Next returns the Snapshot and what a program made of it may be vouched for: at once the first time, later when either
// differs from what it returned before. It has to be called in the network namespace of the Watcher.
func (w *Watcher) Next(ctx context.Context) (*Snapshot, slowpath.Epochs, error) {
	stop := context.AfterFunc(ctx, func() { _, _ = unix.Write(w.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) })
	defer stop()
	for {
		_, _ = unix.Read(w.wake, w.buffer[:8]) // perhaps of a context that ended earlier, whose word came late
		if err := ctx.Err(); err != nil {
			return nil, slowpath.Epochs{}, fmt.Errorf("introspect: watch: %w", context.Cause(ctx))
		}
		e, err := w.turn()
		if err != nil {
			return nil, slowpath.Epochs{}, err
		}
		if w.given != w.s || w.givenEpochs != e {
			w.given, w.givenEpochs = w.s, e
			return w.s, e, nil
		}
		if err := w.waiter.wait(w.nextDue()); err != nil {
			return nil, slowpath.Epochs{}, err
		}
	}
}

// Doubt has everything of some kinds read again by the next call of Next.
func (w *Watcher) Doubt(k Kind) { w.stale.kinds(k) }

// sources are the descriptors that tell of something to do.
func (w *Watcher) sources() []int {
	fds := append(w.sockets(), w.wake, w.paths.ring.FD())
	if w.sysctls != nil {
		fds = append(fds, w.sysctls.ring.FD())
	}
	if w.sentry != nil {
		fds = append(fds, w.sentry.ring.FD())
	}
	return fds
}

// Seen is the map that counts what the kernel announces: an array of one slowpath.Epochs, which can be mapped.
func (w *Watcher) Seen() *ebpf.Map { return w.ledger.seen }

// Descriptors are those that have to stay open as long as a program trusts Seen: without them nothing counts.
func (w *Watcher) Descriptors() []int {
	fds := append(w.sockets(), w.paths.fd)
	if w.sysctls != nil {
		fds = append(fds, w.sysctls.descriptors()...)
	}
	if w.sentry != nil {
		fds = append(fds, w.sentry.state.FD()) // whose timer ends with it
	}
	return fds
}

// sockets are the descriptors of all that carry a filter.
func (w *Watcher) sockets() (fds []int) {
	for _, l := range w.listeners {
		fds = append(fds, l.fd)
	}
	if w.spare != nil {
		fds = append(fds, w.spare.fd)
	}
	return fds
}

// Close stops counting and closes everything.
func (w *Watcher) Close() error {
	var errs []error
	if w.waiter != nil {
		errs = append(errs, w.waiter.close())
	}
	for _, fd := range w.sockets() {
		errs = append(errs, unix.Close(fd))
	}
	if w.sysctls != nil {
		errs = append(errs, w.sysctls.close())
	}
	if w.sentry != nil {
		errs = append(errs, w.sentry.close())
	}
	if w.paths != nil {
		errs = append(errs, w.paths.close())
	}
	for _, f := range w.filters {
		errs = append(errs, f.Close())
	}
	if w.wake >= 0 {
		errs = append(errs, unix.Close(w.wake))
	}
	if w.sensors != nil {
		errs = append(errs, w.sensors.close())
	}
	if w.route != nil {
		errs = append(errs, w.route.Close())
	}
	if w.ledger != nil {
		errs = append(errs, w.ledger.close())
	}
	w.listeners, w.spare, w.filters = nil, nil, nil
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}
