package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// guardName is an abstract socket, which each network namespace has for itself: who holds it is the namespace's agent.
const guardName = "@hone.agent"

// Lock makes this process the one agent of its network namespace, until the returned function is called or the process
// ends. It says who holds the place, if somebody does.
func Lock() (func(), error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: guardName, Net: "unix"})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("agent: another honed%s serves this network namespace", holder())
	}
	if err != nil {
		return nil, fmt.Errorf("agent: lock network namespace: %w", err)
	}
	return func() { l.Close() }, nil
}

// holder names the process that listens on the guard.
func holder() string {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: guardName, Net: "unix"})
	if err != nil {
		return ""
	}
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		return ""
	}
	pid := 0
	raw.Control(func(fd uintptr) { pid = peer(int(fd)) })
	if pid == 0 || pid == os.Getpid() {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

func peer(fd int) int {
	cred, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return int(cred.Pid)
}

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
