package fastpath

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mostInFlight is how many descriptors one message may carry (SCM_MAX_FD of the kernel).
const mostInFlight = 253

// Outlive keeps the files behind fds open past every link of the process, however it ends, and gives the function that
// lets go of them. It is for the filters that count the kernel's announcements: if they were released before the links,
// the last programs would take an unannounced change for no change.
//
// When a process dies the kernel puts its descriptors on a list and releases them from the end of it, one after the
// other; a link is detached in its turn. What is in flight on a socket (sent, never received) is put on the list only
// when that socket is released, so that it comes after all that stood there already: all the links.
func Outlive(fds []int) (release func() error, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("fastpath: outlive: make socket pair: %w", err)
	}
	release = func() error {
		_ = unix.Close(pair[0])
		return unix.Close(pair[1])
	}
	for len(fds) > 0 {
		n := min(len(fds), mostInFlight)
		if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(fds[:n]...), nil, unix.MSG_DONTWAIT); err != nil {
			_ = release()
			return nil, fmt.Errorf("fastpath: outlive: send %d descriptors: %w", n, err)
		}
		fds = fds[n:]
	}
	return release, nil
}
