package control

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNetnsGone says that the name of a network namespace is not that of the process's any more.
var ErrNetnsGone = errors.New("the network namespace was deleted")

// AwaitNetnsGone waits until a name of `ip netns` is not that of the process's own network namespace any more, or the
// context ends, which is no error. A process that goes on would keep the namespace, and what is in it, alive for nobody.
// There is nothing to wait for with another kind of name, or none.
func AwaitNetnsGone(ctx context.Context, name string) error {
	if name == "" || strings.Contains(name, "/") {
		return nil
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("control: watch %s: %w", netnsDir, err)
	}
	changes := os.NewFile(uintptr(fd), "inotify")
	defer changes.Close()
	if _, err := unix.InotifyAddWatch(fd, netnsDir, unix.IN_DELETE|unix.IN_MOVED_FROM|unix.IN_CREATE); err != nil {
		return fmt.Errorf("control: watch %s: %w", netnsDir, err)
	}
	defer context.AfterFunc(ctx, func() { changes.Close() })()
	for events := make([]byte, 4096); ; {
		own, err := inode(ownNetns)
		if err != nil {
			return fmt.Errorf("control: look at network namespace: %w", err)
		}
		if named, err := inode(filepath.Join(netnsDir, name)); errors.Is(err, os.ErrNotExist) || err == nil && named != own {
			return fmt.Errorf("control: serve network namespace %q: %w", name, ErrNetnsGone)
		}
		if _, err := changes.Read(events); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return fmt.Errorf("control: watch %s: %w", netnsDir, err)
		}
	}
}
