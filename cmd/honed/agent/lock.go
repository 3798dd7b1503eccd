package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// guardedListener is a control socket with the lock that keeps others from taking its path.
type guardedListener struct {
	net.Listener
	lock *os.File
}

// Close closes the socket, then lets go of the lock.
func (g guardedListener) Close() error { return errors.Join(g.Listener.Close(), g.lock.Close()) }

// lockPath locks the file beside a control socket: agents of two namespaces that were given one path do not take it
// from each other.
func lockPath(socket string) (*os.File, error) {
	f, err := os.OpenFile(socket+".lock", os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another honed listens on %s", socket)
		}
		return nil, err
	}
	return f, nil
}
