package oracle

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// getTable asks for a table of iptables-legacy (struct ipt_getinfo: the name and 52 bytes of numbers). The kernel makes
// the table when it is asked for first.
func getTable(fd, option int, name string) error {
	var info [84]byte
	copy(info[:32], name)
	length := uint32(len(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_IP, uintptr(option),
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return fmt.Errorf("ask for iptables-legacy table %s: %w", name, errno)
	}
	return nil
}
