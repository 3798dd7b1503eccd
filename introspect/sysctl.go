package introspect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// deviceSysctls are the values below ipv4/conf/DEVICE that forwarding depends on and that RTM_NEWNETCONF does not carry.
var deviceSysctls = []string{"accept_local", "accept_redirects", "route_localnet", "send_redirects", "src_valid_mark"}

// deviceSysctls6 are those below ipv6/conf/DEVICE. The kernel asks for no value of all devices beside the device's own.
var deviceSysctls6 = []string{"accept_ra", "accept_ra_mtu", "accept_redirects", "disable_ipv6", "mtu"}

// globalSysctls are those of the whole namespace.
var globalSysctls = []string{
	"ipv4/fib_multipath_hash_fields", "ipv4/fib_multipath_hash_policy", "ipv4/fib_multipath_use_neigh",
	"ipv4/ip_forward_update_priority", "ipv4/ip_forward_use_pmtu", "ipv4/raw_l3mdev_accept", smallPath, pathLifetime, "ipv6/fib_multipath_hash_fields", "ipv6/fib_multipath_hash_policy",
}

// accounting is whether the kernel counts what connections carry. It begins to, without a word, where a rule of nftables that
// asks for it is made, though the rule should never come to be in force.
const accounting = "netfilter/nf_conntrack_acct"

// trackingSysctls are those of connection tracking. They come with it, on some kernels.
var trackingSysctls = []string{
	accounting, "netfilter/nf_conntrack_checksum", "netfilter/nf_conntrack_events",
	"netfilter/nf_conntrack_tcp_be_liberal", "netfilter/nf_conntrack_tcp_loose",
	"netfilter/nf_conntrack_tcp_timeout_established", "netfilter/nf_conntrack_tcp_timeout_max_retrans",
	"netfilter/nf_conntrack_tcp_timeout_unacknowledged", "netfilter/nf_conntrack_udp_timeout",
	"netfilter/nf_conntrack_udp_timeout_stream",
}

// bridgeSysctls are those of br_netfilter, and come with it.
var bridgeSysctls = []string{
	"bridge/bridge-nf-call-arptables", "bridge/bridge-nf-call-ip6tables", "bridge/bridge-nf-call-iptables",
	"bridge/bridge-nf-filter-pppoe-tagged", "bridge/bridge-nf-filter-vlan-tagged", "bridge/bridge-nf-pass-vlan-input-dev",
}

const sysctlRoot = "/proc/sys/net/"

// sysctlPaths lists what is read: the names of devices are taken as they are, the kernel allows no slash in them, and
// gives none to a device called "all" or "default".
func sysctlPaths(s *Snapshot) []string {
	paths := slices.Concat(globalSysctls, trackingSysctls, bridgeSysctls)
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
	if device == "all" {
		return paths
	}
	for _, name := range deviceSysctls6 {
		paths = append(paths, "ipv6/conf/"+device+"/"+name)
	}
	return paths
}

// readSysctls reads all of them anew.
func readSysctls(s *Snapshot) (*Snapshot, error) {
	n := *s
	want := map[Name]bool{}
	for _, path := range sysctlPaths(s) {
		want[Name(path)] = true
		if err := n.readSysctl(path); err != nil {
			return s, err
		}
	}
	n.Sysctls = keep(n.Sysctls, func(k Name) bool { return want[k] })
	return changed(s, &n), nil
}

// readBridgeSysctls reads those of br_netfilter.
func readBridgeSysctls(s *Snapshot) (*Snapshot, error) {
	n := *s
	for _, path := range bridgeSysctls {
		if err := n.readSysctl(path); err != nil {
			return s, err
		}
	}
	return changed(s, &n), nil
}

// readDeviceSysctls reads those of the devices that have or had some names.
func readDeviceSysctls(s *Snapshot, names []string) (*Snapshot, error) {
	n := *s
	for _, name := range names {
		if name == "" {
			continue
		}
		for _, path := range appendDevice(nil, name) {
			if err := n.readSysctl(path); err != nil {
				return s, err
			}
		}
	}
	return changed(s, &n), nil
}

// readSysctl takes the value of one path into the Snapshot.
func (s *Snapshot) readSysctl(path string) error {
	value, err := readSysctl(path)
	switch {
	case missing(err):
		s.Sysctls = s.Sysctls.Without(Name(path))
		return nil
	case err != nil:
		return fmt.Errorf("introspect: read sysctl: %w", err)
	}
	s.Sysctls = s.Sysctls.With(Name(path), Sysctl{Path: path, Value: value})
	return nil
}

// missing tells whether the kernel has no such sysctl: an older one, or the device is gone or without the family.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

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
