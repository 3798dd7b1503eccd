package introspect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// deviceSysctls are the values below ipv4/conf/DEVICE that forwarding depends on and that RTM_NEWNETCONF does not carry.
var deviceSysctls = []string{"accept_local", "route_localnet", "send_redirects", "src_valid_mark"}

// globalSysctls are those of the whole namespace.
var globalSysctls = []string{
	"ipv4/fib_multipath_hash_fields", "ipv4/fib_multipath_hash_policy", "ipv4/fib_multipath_use_neigh",
	"ipv4/ip_forward_update_priority", "ipv4/ip_forward_use_pmtu",
}

const sysctlRoot = "/proc/sys/net/"

// sysctlPaths lists what is read: the names of devices are taken as they are, the kernel allows no slash in them, and
// gives none to a device called "all" or "default".
func sysctlPaths(s *Snapshot) []string {
	paths := append([]string(nil), globalSysctls...)
	paths = appendDevice(paths, "all")
	for _, l := range s.Links.All() {
		paths = appendDevice(paths, l.Name)
	}
	return paths
}

func appendDevice(paths []string, device string) []string {
	for _, name := range deviceSysctls {
		paths = append(paths, "ipv4/conf/"+device+"/"+name)
	}
	return paths
}

// readSysctls reads all of them anew.
func readSysctls(s *Snapshot) (*Snapshot, error) {
	want := map[Name]Sysctl{}
	for _, path := range sysctlPaths(s) {
		value, err := readSysctl(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			continue // not in this kernel, or the device is gone or carries no IPv4
		}
		if err != nil {
			return s, fmt.Errorf("introspect: read sysctl: %w", err)
		}
		want[Name(path)] = Sysctl{Path: path, Value: value}
	}
	n := *s
	n.Sysctls = become(s.Sysctls, want)
	return changed(s, &n), nil
}

// readSysctl reads one value of the calling thread's network namespace.
func readSysctl(path string) (string, error) {
	fd, err := unix.Open(sysctlRoot+path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: sysctlRoot + path, Err: err}
	}
	defer unix.Close(fd)
	var buffer [128]byte
	n, err := unix.Read(fd, buffer[:])
	if err != nil {
		return "", &fs.PathError{Op: "read", Path: sysctlRoot + path, Err: os.NewSyscallError("read", err)}
	}
	return strings.TrimRight(string(buffer[:max(n, 0)]), " \t\n"), nil
}
