package introspect

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// errNoCgroup says that there is nothing to attach a program to.
var errNoCgroup = errors.New("introspect: find cgroup2: not mounted, and cannot be")

// cgroupRoot finds the root of cgroup2 and calls f with its path, which is good as long as f runs. Where cgroup2 is not
// mounted, as within `ip netns exec`, it is mounted for nobody else to see.
func cgroupRoot(f func(path string) error) error {
	if path := mountedCgroup(); path != "" {
		return f(path)
	}
	fd, err := mountCgroup()
	if err != nil {
		return errors.Join(errNoCgroup, err)
	}
	defer unix.Close(fd)
	return f(pathOf(fd))
}

// mountedCgroup finds where cgroup2 is mounted; "" where it is not.
func mountedCgroup() string {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 3 && words[2] == "cgroup2" {
			return words[1]
		}
	}
	return ""
}

// mountCgroup makes a mount of cgroup2 that is in no directory and ends with its descriptor.
func mountCgroup() (int, error) {
	context, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("introspect: open cgroup2: %w", err)
	}
	defer unix.Close(context)
	if err := unix.FsconfigCreate(context); err != nil {
		return -1, fmt.Errorf("introspect: make cgroup2: %w", err)
	}
	fd, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return -1, fmt.Errorf("introspect: mount cgroup2: %w", err)
	}
	return fd, nil
}

func pathOf(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
