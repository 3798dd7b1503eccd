package oracle

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vlanRequest is struct vlan_ioctl_args (linux/if_vlan.h), as vconfig hands it to the kernel.
type vlanRequest struct {
	command int32
	device  [24]byte
	value   uint32
	_       [20]byte
	quality int16
}

// vconfig does what the old command of that name does: set_egress_map and set_ingress_map, of which the kernel tells nobody.
func vconfig(line string) error {
	var command, device string
	var priority, quality int
	if _, err := fmt.Sscan(line, &command, &device, &priority, &quality); err != nil {
		return fmt.Errorf("vconfig %s: %w", line, err)
	}
	request := vlanRequest{value: uint32(priority), quality: int16(quality)} // a packet's priority, and a tag's
	switch command {
	case "set_ingress_map":
		request.command = 2
	case "set_egress_map":
		request.command = 3
	default:
		return fmt.Errorf("vconfig %s: no such command", line)
	}
	copy(request.device[:], device)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const setVLAN = 0x8983 // SIOCSIFVLAN
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), setVLAN, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("vconfig %s: %w", line, errno)
	}
	return nil
}
