package agent

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// guardName is an abstract socket, which each network namespace has for itself, whatever files its processes see: who holds
// it is the namespace's agent. Any user can take a name. Where one has, the agent takes another that begins with it and that
// nobody can guess; and whatever its name is, it looks for others like it that are the superuser's, once it has its own: of
// two agents, the second to look finds the first.
const guardName = "@hone.agent"

// Lock makes this process the one agent of its network namespace, until the returned function is called or the process
// ends. It says who holds the place, if somebody does.
func Lock() (func(), error) {
	l, err := listenGuard(guardName)
	taken := errors.Is(err, syscall.EADDRINUSE)
	if taken {
		if err := vacant(""); err != nil {
			return nil, err
		}
		l, err = listenGuard(guardName + "." + rand.Text())
	}
	if err != nil {
		return nil, fmt.Errorf("agent: lock network namespace: %w", err)
	}
	err = vacant(l.Addr().String())
	if errors.Is(err, errUntold) && !taken {
		err = nil // where it is not told, nobody goes by another name
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return func() { l.Close() }, nil
}

func listenGuard(name string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
}

// errUntold says that the kernel does not tell whose a name is.
var errUntold = errors.New("it cannot be asked whose the socket is")

// vacant is an error if there is an agent of another name.
func vacant(own string) error {
	names, err := guards()
	if err != nil {
		return fmt.Errorf("agent: another honed%s serves this network namespace; %w: %w", holder(guardName), errUntold, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == own })
	if len(names) > 0 {
		return fmt.Errorf("agent: another honed%s serves this network namespace", holder(names[0]))
	}
	return nil
}

// What guards says to unix_diag and hears from it, by linux/unix_diag.h and net/tcp_states.h.
const (
	sockDiagByFamily  = 20
	diagShow          = 1 | 1<<6     // UDIAG_SHOW_NAME, UDIAG_SHOW_UID
	diagName, diagUID = 0, 7         // UNIX_DIAG_NAME, UNIX_DIAG_UID
	diagStates        = 1<<7 | 1<<10 // TCP_CLOSE, which is any that is not connected, and TCP_LISTEN
	atStates, atShow  = 4, 12
	sizeofUnixDiagReq = 24
	sizeofUnixDiagMsg = 16
)

// guards lists the names of agents that sockets of the superuser have, or of the user that this process runs as. Connections
// to a socket have its name, too, and belong to the superuser until somebody has accepted them: they do not count.
func guards() ([]string, error) {
	c, err := netlink.Dial(unix.NETLINK_SOCK_DIAG, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	question := make([]byte, sizeofUnixDiagReq)
	question[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(question[atStates:], diagStates)
	binary.NativeEndian.PutUint32(question[atShow:], diagShow)
	answers, err := c.Execute(netlink.Message{Data: question,
		Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request | netlink.Dump}})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range answers {
		name, uid, err := decodeSocket(m.Data)
		if err != nil {
			return nil, err
		}
		if (uid == 0 || uid == os.Geteuid()) && (name == guardName || strings.HasPrefix(name, guardName+".")) {
			names = append(names, name)
		}
	}
	return names, nil
}

// decodeSocket gives the name of an abstract socket and whose it is, -1 if that is not told.
func decodeSocket(b []byte) (name string, uid int, err error) {
	uid = -1
	d, err := netlink.NewAttributeDecoder(b[min(sizeofUnixDiagMsg, len(b)):])
	if err != nil {
		return "", uid, err
	}
	for d.Next() {
		switch d.Type() {
		case diagName:
			if abstract, ok := strings.CutPrefix(string(d.Bytes()), "\x00"); ok {
				name = "@" + abstract
			}
		case diagUID:
			uid = int(d.Uint32())
		}
	}
	return name, uid, d.Err()
}

// holder names the process that listens on a guard.
func holder(name string) string {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: name, Net: "unix"})
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
