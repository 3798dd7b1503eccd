package fastpath

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The causes that a caller treats differently; every error of Attach and Swap that has one of them wraps it.
var (
	// ErrForeign: another XDP program is on the interface.
	ErrForeign = errors.New("another XDP program is attached")
	// ErrGone: the interface does not exist, or not any more.
	ErrGone = errors.New("no such interface")
	// ErrUnsupported: the driver has no XDP, or not as the interface is set up.
	ErrUnsupported = errors.New("the driver does not take an XDP program")
	// ErrTooLarge: the MTU of the interface or its peer needs multi-buffer XDP.
	ErrTooLarge = errors.New("the MTU is too large for XDP")
	// ErrPermission: the process lacks a capability.
	ErrPermission = errors.New("not permitted (CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed)")
	// ErrRejected: the verifier refused the program; the text of the error holds its last words, if it
	// was not too large to follow.
	ErrRejected = errors.New("the verifier rejected the program")
	// ErrNoAccounts: the end of connections cannot be noticed, so that programs cannot count for them.
	ErrNoAccounts = errors.New("the end of connections cannot be noticed")
)

// largestMTU is the MTU from which on a driver's EINVAL is read as "too large": the frame, 256 bytes of headroom and
// the 320 bytes behind it no longer fit into a page of 4096.
const largestMTU = 4096 - 256 - 320 - 14

// failed makes the error of an action on the kernel's error, with its cause if that is known.
func failed(action string, cause, err error) error {
	if cause == nil {
		return fmt.Errorf("fastpath: %s: %w", action, err)
	}
	return fmt.Errorf("fastpath: %s: %w: %w", action, cause, err)
}

// loadCause reads the error of loading a program or making a map.
func loadCause(err error) error {
	var verifier *ebpf.VerifierError
	switch {
	case errors.Is(err, ErrRejected):
		return nil // it says so
	case errors.As(err, &verifier) && len(verifier.Log) > 0, errors.Is(err, unix.E2BIG):
		return ErrRejected
	case errors.Is(err, os.ErrPermission):
		return ErrPermission
	}
	return nil
}

// linkCause reads the error of attaching to an interface or updating a link. The kernel's message is lost on the way,
// so that an ambiguous number is told apart by what the interface looks like.
func linkCause(err error, ifindex int) error {
	switch {
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOLINK):
		return ErrGone
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST):
		return ErrForeign
	case errors.Is(err, unix.ERANGE):
		return ErrTooLarge
	case errors.Is(err, unix.EOPNOTSUPP):
		return ErrUnsupported
	case errors.Is(err, os.ErrPermission):
		return ErrPermission
	case errors.Is(err, unix.EINVAL):
		return invalidCause(ifindex)
	}
	return nil
}

// invalidCause tells what EINVAL meant: drivers say it for large MTUs, the kernel for interfaces that are not there.
func invalidCause(ifindex int) error {
	link, err := net.InterfaceByIndex(ifindex)
	switch {
	case err != nil:
		return ErrGone
	case link.MTU > largestMTU:
		return ErrTooLarge
	}
	return ErrUnsupported
}
