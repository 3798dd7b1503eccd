package lab

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offload is something that a device does for the kernel, by its ethtool command (linux/ethtool.h).
type Offload uint32

// The offloads that matter to veth pairs.
const (
	TxChecksum Offload = 0x17 // ETHTOOL_STXCSUM: off gives frames with complete checksums
	TSO        Offload = 0x1f // ETHTOOL_STSO
	GSO        Offload = 0x24 // ETHTOOL_SGSO
	GRO        Offload = 0x2c // ETHTOOL_SGRO: on makes a veth poll, so that its peer can take redirected frames
)

// SetOffload switches an offload of a device in the calling thread's namespace.
func SetOffload(device string, o Offload, on bool) error {
	value := struct{ command, data uint32 }{uint32(o), 0}
	if on {
		value.data = 1
	}
	ifr, err := unix.NewIfreq(device)
	if err != nil {
		return fmt.Errorf("lab: set offload of %s: %w", device, err)
	}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		rest [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:], ifr.Name())
	if err := ioctl(unix.SIOCETHTOOL, unsafe.Pointer(&request)); err != nil {
		return fmt.Errorf("lab: set offload %#x of %s: %w", uint32(o), device, err)
	}
	return nil
}

// setFlags adds interface flags (IFF_*) to a device of the calling thread's namespace.
func setFlags(device string, flags uint16) error {
	ifr, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	request := struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		rest  [22]byte
	}{}
	copy(request.name[:], ifr.Name())
	if err := ioctl(unix.SIOCGIFFLAGS, unsafe.Pointer(&request)); err != nil {
		return fmt.Errorf("get flags of %s: %w", device, err)
	}
	request.flags |= flags
	if err := ioctl(unix.SIOCSIFFLAGS, unsafe.Pointer(&request)); err != nil {
		return fmt.Errorf("set flags of %s: %w", device, err)
	}
	return nil
}

func ioctl(request uintptr, arg unsafe.Pointer) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
