package introspect

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// waiter sleeps until one of several descriptors is readable. It does so in the runtime's poller rather than in a system
// call: a thread that sleeps in one keeps the runtime's monitor awake, which costs more than all that the Watcher does.
type waiter struct {
	file *os.File // an epoll descriptor, itself watched by the runtime's poller
	raw  syscall.RawConn
}

func newWaiter(fds ...int) (*waiter, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("introspect: make epoll: %w", err)
	}
	for _, fd := range fds {
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return nil, errors.Join(fmt.Errorf("introspect: watch descriptor: %w", err), unix.Close(epoll))
		}
	}
	if err := unix.SetNonblock(epoll, true); err != nil {
		return nil, errors.Join(fmt.Errorf("introspect: make epoll: %w", err), unix.Close(epoll))
	}
	w := &waiter{file: os.NewFile(uintptr(epoll), "epoll")}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("introspect: watch epoll: %w", err), w.file.Close())
	}
	return w, nil
}

// wait sleeps until a descriptor is readable, or has an error, or the time has come.
func (w *waiter) wait(until time.Time) error {
	if err := w.file.SetReadDeadline(until); err != nil {
		return fmt.Errorf("introspect: wait for notifications: %w", err)
	}
	var failure error
	err := w.raw.Read(func(fd uintptr) bool {
		var events [1]unix.EpollEvent
		var n int
		n, failure = unix.EpollWait(int(fd), events[:], 0)
		return n > 0 || failure != nil && failure != unix.EINTR
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	if err = errors.Join(err, failure); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("introspect: wait for notifications: %w", err)
	}
	return nil
}

func (w *waiter) close() error { return w.file.Close() }
