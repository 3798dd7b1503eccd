package introspect

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// TestLiveSieve has the reader of a tap drop frames in each of its ways, and looks whether that is noticed.
func TestLiveSieve(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip tuntap add t0 mode tap\nip tuntap add t1 mode tap\nip link set t0 up")
		f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
		if err != nil {
			t.Log(err)
			return
		}
		defer f.Close()
		request, err := unix.NewIfreq("t0")
		if err != nil {
			t.Error(err)
			return
		}
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(int(f.Fd()), unix.TUNSETIFF, request); err != nil {
			t.Error(err)
			return
		}
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		if sieve().program == nil {
			t.Log("the kernel does not let programs look at devices")
			return
		}
		tell := func(what string, number uint, p unsafe.Pointer, want bool) {
			t.Helper()
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), uintptr(number), uintptr(p)); errno != 0 {
				t.Errorf("%s: %v", what, errno)
				return
			}
			until(t, w, func(*Snapshot) bool { return linkNamed(t, w.s, "t0").Sieved == want })
			if linkNamed(t, w.s, "t1").Sieved {
				t.Errorf("%s: of the wrong tap", what)
			}
			same(t, w)
		}
		nothing, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{}})
		if err != nil {
			t.Error(err)
			return
		}
		program := unix.SockFprog{Len: 1, Filter: (*unix.SockFilter)(unsafe.Pointer(&nothing[0]))}
		tell("a filter", unix.TUNATTACHFILTER, unsafe.Pointer(&program), true)
		tell("no filter", unix.TUNDETACHFILTER, unsafe.Pointer(&program), false)
		addresses := struct {
			flags, count uint16
			address      [6]byte
		}{count: 1, address: [6]byte{2, 0, 0, 0, 0, 1}}
		tell("addresses", unix.TUNSETTXFILTER, unsafe.Pointer(&addresses), true)
		addresses.count = 0
		tell("all addresses", unix.TUNSETTXFILTER, unsafe.Pointer(&addresses), false)
	})
}
