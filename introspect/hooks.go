package introspect

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"
)

// hooks collects what may see forwarded packets beside routing, by name.
type hooks map[Name]Hook

func (h hooks) add(kind, family, name string) {
	h[Name(name)] = Hook{Kind: kind, Name: name, Family: family}
}

// Families of hooks; another, or none, is of both.
const (
	hookIPv4   = "ip"
	hookIPv6   = "ip6"
	hookBridge = "bridge"
)

// readHooks reads all of them anew: iptables-legacy, IPVS, XFRM policies, and netfilter hooks of whatever other owner. The
// base chains and flowtables are those of the Snapshot.
func (k *sensors) readHooks(s *Snapshot) (*Snapshot, error) {
	h := hooks{}
	k.nftables(s, h)
	for _, read := range []func(hooks) error{k.netfilterHooks, k.policies, legacyTables, virtualServers} {
		if err := read(h); err != nil {
			return s, err
		}
	}
	return s.withHooks(h)
}

// withHooks returns the Snapshot with other hooks. Where they differ, connection tracking may have come with its sysctls;
// rules may have changed one of them as they are.
func (s *Snapshot) withHooks(h hooks) (*Snapshot, error) {
	n, paths := *s, trackingSysctls
	if n.Hooks = become(s.Hooks, h); n.Hooks == s.Hooks {
		paths = []string{accounting}
	}
	for _, path := range paths {
		if err := n.readSysctl(path); err != nil {
			return s, err
		}
	}
	return changed(s, &n), nil
}

// readSilentHooks reads those anew that come and go without a notification, and keeps the others.
func (k *sensors) readSilentHooks(s *Snapshot) (*Snapshot, error) {
	h := hooks{}
	for name, hook := range s.Hooks.All() {
		if hook.Kind == "xfrm" {
			h[name] = hook
		}
	}
	k.nftables(s, h)
	for _, read := range []func(hooks) error{k.netfilterHooks, legacyTables, virtualServers} {
		if err := read(h); err != nil {
			return s, err
		}
	}
	s, err := s.withHooks(h)
	if err != nil {
		return s, err
	}
	return readBridgeSysctls(s)
}

// nftables adds what the ruleset of a Snapshot hooks in.
func (k *sensors) nftables(s *Snapshot, h hooks) {
	nftHooks(s, h)
	if k.unlisted {
		trackingHooks(s, h)
	}
}

// absent tells whether an error means that the kernel has no such feature.
func absent(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) ||
		errors.Is(err, unix.EPROTONOSUPPORT)
}

// legacyTables lists the tables of iptables-legacy, each of which hooks into the path of packets, rules or not.
func legacyTables(h hooks) error {
	for _, tables := range []struct{ family, tool, file string }{
		{hookIPv4, "iptables ", "ip_tables_names"}, {hookIPv6, "ip6tables ", "ip6_tables_names"},
	} {
		text, err := optionalFile("/proc/thread-self/net/" + tables.file)
		if err != nil {
			return err
		}
		for name := range strings.FieldsSeq(text) {
			h.add("legacy", tables.family, tables.tool+name)
		}
	}
	return nil
}

// virtualServers tells whether IPVS has a service: lines after the three of the heading.
func virtualServers(h hooks) error {
	text, err := optionalFile("/proc/thread-self/net/ip_vs")
	if strings.Count(strings.TrimRight(text, "\n"), "\n") >= 3 {
		h.add("ipvs", "", "ipvs")
	}
	return err
}

// optionalFile reads the beginning of a file that a kernel without the feature does not have: the first lines tell enough.
// The os package would have the runtime watch the file, which costs more than to read it.
func optionalFile(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("introspect: open %s: %w", path, err)
	}
	defer unix.Close(fd)
	buffer := make([]byte, 4<<10)
	n, err := unix.Read(fd, buffer)
	if err != nil {
		return "", fmt.Errorf("introspect: read %s: %w", path, err)
	}
	return string(buffer[:n]), nil
}
