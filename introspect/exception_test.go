package introspect

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDecodeException(t *testing.T) {
	b := header(unix.SizeofRtMsg, unix.AF_INET6)
	b[1] = 128
	native.PutUint32(b[8:], unix.RTM_F_CLONED)
	b = native.AppendUint16(b, 20)
	b = native.AppendUint16(b, unix.RTA_DST)
	want := netip.MustParseAddr("2001:db8::5")
	b = append(b, want.AsSlice()...)
	if e, ok, err := decodeException(b); err != nil || !ok || e.Dst != want {
		t.Errorf("%v, %v, %v", e, ok, err)
	}
	if _, ok, err := decodeRoute(b); ok || err != nil {
		t.Errorf("a learned route is taken for a route: %v, %v", ok, err)
	}
	native.PutUint32(b[8:], 0)
	if _, ok, _ := decodeException(b); ok {
		t.Error("a route is taken for a learned one")
	}
	if _, _, err := decodeException(b[:5]); err == nil {
		t.Error("a short message has no error")
	}
}

// TestDecodeException4: of IPv4 only a locked MTU is one.
func TestDecodeException4(t *testing.T) {
	for _, locks := range []uint32{0, 1 << unix.RTAX_WINDOW, 1 << unix.RTAX_MTU, 1<<unix.RTAX_MTU | 1<<unix.RTAX_RTT} {
		b := header(unix.SizeofRtMsg, unix.AF_INET)
		native.PutUint32(b[8:], unix.RTM_F_CLONED)
		b = append(native.AppendUint16(native.AppendUint16(b, 8), unix.RTA_DST), 10, 0, 0, 5)
		b = native.AppendUint16(native.AppendUint16(b, 4+8+8), unix.RTA_METRICS)
		b = native.AppendUint32(native.AppendUint16(native.AppendUint16(b, 8), unix.RTAX_MTU), 552)
		b = native.AppendUint32(native.AppendUint16(native.AppendUint16(b, 8), unix.RTAX_LOCK), locks)
		e, ok, err := decodeException(b)
		if want := locks&(1<<unix.RTAX_MTU) != 0; err != nil || ok != want || e.Dst != netip.MustParseAddr("10.0.0.5") {
			t.Errorf("locks %#x: %v, %v, %v", locks, e, ok, err)
		}
	}
}

func FuzzDecodeException(f *testing.F) {
	b := header(unix.SizeofRtMsg, unix.AF_INET6)
	native.PutUint32(b[8:], unix.RTM_F_CLONED)
	f.Add(append(b, 20, 0, 1, 0, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, ok, err := decodeException(b); ok && (err != nil || e.Dst.Is6() != (b[0] == unix.AF_INET6)) {
			t.Errorf("%v, %v", e, err)
		}
	})
}

// teach sends the host itself a "packet too big" about a destination.
func teach(t *testing.T, from, to string, mtu uint32) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	b := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0}, mtu)
	b = append(b, 0x60, 0, 0, 0, 0, 8, unix.IPPROTO_ICMPV6, 64)
	b = append(append(b, netip.MustParseAddr(from).AsSlice()...), netip.MustParseAddr(to).AsSlice()...)
	b = append(b, 128, 0, 0, 0, 0, 0, 0, 0)
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrInet6{Addr: netip.IPv6Loopback().As16()}); err != nil {
		t.Error(err)
	}
}

func TestLearnedRoutesAreNoticed(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(`ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up
ip link set v1 up
ip -6 addr add fd00::1/64 dev v0 nodad
ip -6 route add fd00:5::/64 via fd00::2`)
		w, err := Watch(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		until(t, w, func(s *Snapshot) bool { return s.Routes6.Len() > 3 && s.Learned6.Len() == 0 })
		for _, to := range []string{"fd00:5::9", "fd00:5::a"} {
			teach(t, "fd00::1", to, 1300)
			took := until(t, w, func(s *Snapshot) bool {
				_, ok := s.Learned6.Get(Address(netip.MustParseAddr(to)))
				return ok
			})
			t.Logf("noticed %s after %v", to, took)
		}
		run("ip -6 route flush cache")
		until(t, w, func(s *Snapshot) bool { return s.Learned6.Len() == 0 })
	})
}
