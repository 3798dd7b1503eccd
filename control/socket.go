package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	runDir   = "/run/hone"
	netnsDir = "/run/netns"
	ownNetns = "/proc/thread-self/ns/net"
)

// SocketPath is where the agent of a network namespace listens: HONE_SOCKET if that is set, else a path made of the
// namespace's name, whether it is given by that or as a file. The empty name is the namespace of the calling thread.
func SocketPath(netns string) string {
	if path := os.Getenv("HONE_SOCKET"); path != "" {
		return path
	}
	if netns == "" {
		netns = NetnsName()
	} else if id, err := inode(netnsPath(netns)); err == nil && strings.Contains(netns, "/") {
		netns = nameOf(id)
	}
	return filepath.Join(runDir, socketName(netns)+".sock")
}

func socketName(netns string) string {
	switch netns {
	case "":
		return "honed"
	case "honed": // is not the first one
		return "honed@honed"
	}
	return strings.ReplaceAll(strings.Trim(netns, "/"), "/", "-")
}

// NetnsName names the network namespace of the calling thread: empty for that of the first process, the name that
// `ip netns` gave it, or "netns-INODE" for one without a name.
func NetnsName() string {
	own, err := inode(ownNetns)
	if err != nil {
		return ""
	}
	return nameOf(own)
}

// nameOf is the name of a namespace.
func nameOf(id fileID) string {
	if own, err := inode(ownNetns); err == nil && own == id && inFirst() {
		return ""
	}
	if first, err := inode("/proc/1/ns/net"); err == nil && first == id {
		return ""
	}
	entries, _ := os.ReadDir(netnsDir)
	for _, e := range entries {
		if named, err := inode(filepath.Join(netnsDir, e.Name())); err == nil && named == id {
			return e.Name()
		}
	}
	return fmt.Sprintf("netns-%d", id.ino)
}

// inFirst tells whether the calling thread is in the network namespace of the first process. To look at a namespace of
// another process takes all capabilities that this one has, and a service seldom has those of the first. A file of its
// network tells, too: of those, each namespace has one of its own.
func inFirst() bool {
	for _, file := range []string{"ns/net", "net/dev"} {
		first, err := inode("/proc/1/" + file)
		if err != nil {
			continue
		}
		own, err := inode("/proc/thread-self/" + file)
		return err == nil && own == first
	}
	return false
}

type fileID struct{ dev, ino uint64 }

func inode(path string) (fileID, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return fileID{}, err
	}
	return fileID{uint64(st.Dev), st.Ino}, nil
}
