package introspect

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// advertise sends a router's advertisement out of a device: itself for so many seconds, an on-link prefix, and more options.
func advertise(t *testing.T, device string, router uint16, prefix netip.Prefix, valid uint32, more ...byte) {
	t.Helper()
	link, err := net.InterfaceByName(device)
	if err != nil {
		t.Error(err)
		return
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	for option, value := range map[int]int{unix.IPV6_MULTICAST_IF: link.Index, unix.IPV6_MULTICAST_HOPS: 255} {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, option, value); err != nil {
			t.Error(err)
		}
	}
	const advertisement, information, onLink = 134, 3, 0x80
	b := binary.BigEndian.AppendUint16([]byte{advertisement, 0, 0, 0, 64, 0}, router)
	b = append(b, make([]byte, 8)...)
	b = append(b, information, 4, byte(prefix.Bits()), onLink)
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, valid), valid)
	b = append(append(b, 0, 0, 0, 0), prefix.Addr().AsSlice()...)
	b = append(b, more...)
	all := &unix.SockaddrInet6{Addr: netip.MustParseAddr("ff02::1").As16(), ZoneId: uint32(link.Index)}
	if err := unix.Sendto(fd, b, 0, all); err != nil {
		t.Errorf("send advertisement: %v", err)
	}
}

// TestRouterAdvertisements has a router announce a prefix for ever, then for a while: its route gets an end in silence.
func TestRouterAdvertisements(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(`ip link set lo up
			ip link add r0 type veth peer name a0
			sysctl -qw net.ipv6.conf.a0.accept_dad=0
			sysctl -qw net.ipv6.conf.a0.accept_ra=0
			sysctl -qw net.ipv6.conf.r0.accept_dad=0
			sysctl -qw net.ipv6.conf.r0.accept_ra=2
			ip link set a0 up
			ip link set r0 up`)
		w := watchHere(t)
		defer w.Close()
		same(t, w)
		prefix := netip.MustParsePrefix("fd05::/64")
		route := func(dst netip.Prefix) (found Route, ok bool) {
			for k, r := range w.s.Routes6.From(RouteKey{Dst: dst}) {
				return r, k.Dst == dst
			}
			return found, false
		}
		for _, step := range []struct {
			router             uint16
			valid              uint32
			leads, there, ends bool
		}{
			{1800, ^uint32(0), true, true, false},
			{1800, 600, true, true, true},
			{0, 900, false, true, true},
			{0, ^uint32(0), false, true, false},
			{0, 0, false, false, false},
		} {
			advertise(t, "a0", step.router, prefix, step.valid)
			until(t, w, func(*Snapshot) bool {
				r, ok := route(prefix)
				_, leads := route(netip.MustParsePrefix("::/0"))
				return ok == step.there && r.Expires == step.ends && leads == step.leads
			})
			same(t, w)
			if d, ok := route(netip.MustParsePrefix("::/0")); ok != step.leads || ok && !d.Expires {
				t.Errorf("%+v: the default route is %+v", step, d)
			}
			if t.Failed() {
				t.Errorf("after %+v:\n%s", step, w.s)
				return
			}
		}
	})
}

// TestRouterEnds has a router announce an MTU, in silence, and sees that it is known once no router may announce another.
func TestRouterEnds(t *testing.T) {
	const path = "ipv6/conf/r0/mtu"
	for i, end := range []string{"accept_ra=0", "accept_ra_mtu=0", "forwarding=1"} {
		inNamespace(t, func(run func(string)) {
			run(`ip link set lo up
				ip link add r0 type veth peer name a0
				sysctl -qw net.ipv6.conf.a0.accept_dad=0
				sysctl -qw net.ipv6.conf.r0.accept_dad=0
				sysctl -qw net.ipv6.conf.r0.accept_ra=1
				ip link set a0 up
				ip link set r0 up`)
			w := watchHere(t)
			defer w.Close()
			if settle(t, w); w.sysctls == nil {
				t.Skip("no program can be attached to the root of cgroup2 here")
			}
			announced := fmt.Sprint(1400 + i)
			for begin := time.Now(); time.Since(begin) < lab.Patience(5*time.Second); time.Sleep(10 * time.Millisecond) {
				advertise(t, "a0", 0, netip.MustParsePrefix("fd05::/64"), 900, 5, 1, 0, 0, 0, 0, 0x05, byte(0x78+i))
				if v, err := readSysctl(path); err != nil || v == announced {
					break
				}
			}
			settle(t, w)
			run("sysctl -qw net.ipv6.conf.r0." + end)
			if v, _ := settle(t, w).Sysctls.Get(path); v.Value != announced {
				t.Errorf("the MTU is taken for %q after %s", v.Value, end)
			}
		})
	}
}

// TestVRFLink decodes the table of a VRF, which not every kernel has to show.
func TestVRFLink(t *testing.T) {
	b := append(header(sizeofIfInfomsg, unix.AF_UNSPEC), attribute(nil, unix.IFLA_IFNAME, []byte("red\x00"))...)
	native.PutUint32(b[4:], 7)
	info := attribute(nil, unix.IFLA_INFO_KIND, []byte("vrf\x00"))
	data := attribute(nil, unix.IFLA_VRF_TABLE, native.AppendUint32(nil, 100))
	b = attribute(b, unix.IFLA_LINKINFO, attribute(info, unix.IFLA_INFO_DATA, data))
	b = attribute(b, unix.IFLA_GROUP, native.AppendUint32(nil, 3))
	l, ok, err := decodeLink(b)
	if err != nil || !ok || l.VRFTable != 100 || l.Group != 3 || len(l.Unknown) > 0 {
		t.Errorf("%+v, %v, %v", l, ok, err)
	}
}

// TestVRFTakesRoutes puts a link into a VRF: the routes over it go in silence, be the change announced or found by a dump.
func TestVRFTakesRoutes(t *testing.T) {
	before, err := ParseSnapshot([]byte(`link index=2 name=r0 kind=veth flags=0x11043 carrier
		link index=3 name=red kind=vrf vrf-table=100
		link index=4 name=br0 kind=bridge
		route dst=10.0.0.0/8 table=254 type=1 hop=dev:2
		route6 dst=fd00::/8 table=254 type=1 hop=dev:2`))
	if err != nil {
		t.Fatal(err)
	}
	for master, want := range map[Index]Kind{3: Routes4 | Routes6, 4: 0, 5: Routes4 | Routes6} {
		b := header(sizeofIfInfomsg, unix.AF_UNSPEC)
		native.PutUint32(b[4:], 2)
		native.PutUint32(b[8:], 0x11043)
		b = attribute(b, unix.IFLA_IFNAME, []byte("r0\x00"))
		b = attribute(b, unix.IFLA_MASTER, native.AppendUint32(nil, uint32(master)))
		m := netlink.Message{Header: netlink.Header{Type: unix.RTM_NEWLINK}, Data: b}
		after, effect, err := before.Fold(m)
		if err != nil || effect.kinds()&(Routes4|Routes6) != want || after.mastered(before) != want {
			t.Errorf("master %d: %v and %v, %v, want %v", master, effect.kinds(), after.mastered(before), err, want)
		}
	}
}
