package oracle

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// getTable asks for a table of iptables-legacy (struct ipt_getinfo: the name and 52 bytes of numbers). The kernel makes
// the table when it is asked for first.
func getTable(fd, level, option int, name string) error {
	var info [84]byte
	copy(info[:32], name)
	length := uint32(len(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return fmt.Errorf("ask for iptables-legacy table %s: %w", name, errno)
	}
	return nil
}

// legacyTables6 registers the table "filter" of ip6tables-legacy.
func legacyTables6() error {
	const getInfo = 64 // IP6T_SO_GET_INFO
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return getTable(fd, unix.SOL_IPV6, getInfo, "filter")
}
