package control

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// enteredEnv is set for the second incarnation of a process that moves itself into a network namespace.
const enteredEnv = "HONE_ENTERED_NETNS"

// EnterNetns moves the whole process into the network namespace name: a name of `ip netns`, or a path. Only one thread
// can change its namespace at a time, so that thread starts the program anew; in the new incarnation EnterNetns
// returns nil. The empty name is the namespace that the process is in.
func EnterNetns(name string) error {
	entered := os.Getenv(enteredEnv)
	os.Unsetenv(enteredEnv)
	if name == "" {
		return nil
	}
	path := netnsPath(name)
	wanted, err := inode(path)
	if err != nil {
		return fmt.Errorf("control: enter network namespace %q: %w", name, err)
	}
	if own, err := inode(ownNetns); err == nil && own == wanted {
		return nil
	}
	if entered != "" {
		return fmt.Errorf("control: enter network namespace %q: still outside after the move", name)
	}
	return reexecIn(name, path)
}

// InNetns tells whether the calling thread is in the network namespace name, which is as EnterNetns takes it.
func InNetns(name string) bool {
	own, err := inode(ownNetns)
	if err != nil {
		return false
	}
	named, err := inode(netnsPath(name))
	return err == nil && name != "" && named == own
}

func netnsPath(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return filepath.Join(netnsDir, name)
}

func reexecIn(name, path string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("control: enter network namespace %q: %w", name, err)
	}
	defer f.Close()
	back, err := os.Open(ownNetns)
	if err != nil {
		return fmt.Errorf("control: enter network namespace %q: %w", name, err)
	}
	defer back.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("control: enter network namespace %q: %w", name, err)
	}
	err = syscall.Exec(self(), os.Args, append(os.Environ(), enteredEnv+"="+name))
	if back := unix.Setns(int(back.Fd()), unix.CLONE_NEWNET); back != nil {
		runtime.LockOSThread() // never give a thread in the wrong namespace back
	}
	return fmt.Errorf("control: start anew in network namespace %q: %w", name, err)
}

// self is the program's file: by its path, which names the process in ps, unless the file has been replaced.
func self() string {
	if path, err := os.Executable(); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return "/proc/self/exe"
}
