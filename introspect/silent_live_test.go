package introspect

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadSilent(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(`
			ip link set lo up
			ip link add v0 type veth peer name v1
			ip link set v0 up
			ip link set v1 up
			echo 1 > /proc/sys/net/ipv4/conf/v0/accept_local
			nft add table ip t
			nft add chain ip t f '{ type filter hook forward priority 0; }'
			nft add chain ip t i '{ type filter hook input priority 0; }'
			nft add rule ip t i ct state established accept
			nft add rule ip t i ip saddr 10.0.0.1 counter accept
			nft add table netdev d
			nft add chain netdev d g '{ type filter hook ingress device v0 priority 0; }'
			ip xfrm policy add src 10.0.0.0/8 dst 10.1.0.0/16 dir fwd action block
		`)
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0300)
		if err != nil {
			t.Error(err)
		}
		defer unix.Close(fd)
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		s, err := new(Snapshot).reload(c, Links)
		if err == nil {
			s, err = readSilent(s)
		}
		if err != nil {
			t.Error(err)
			return
		}
		t.Logf("\n%s", s)
		for _, name := range []Name{"ip t f", "netdev d g v0"} {
			if h, ok := s.Hooks.Get(name); !ok || h.Kind != "nft" {
				t.Errorf("hook %q is missing", name)
			}
		}
		others := 0 // beside what connection tracking registers, where the kernel lists that
		for _, h := range s.Hooks.All() {
			if h.Kind != "netfilter" {
				others++
			}
		}
		if others != 3 && others != 4 { // it is known by the rule, too
			t.Errorf("%d hooks", others)
		}
		if v, _ := s.Sysctls.Get("ipv4/conf/v0/accept_local"); v.Value != "1" {
			t.Errorf("accept_local is %q", v.Value)
		}
		if s.Taps.Len() != 1 {
			t.Errorf("%d taps", s.Taps.Len())
		}
		tells := tellsFeatures(t)
		for _, l := range s.Links.All() {
			if l.Kind == "veth" && (l.XDPFeatures == 0 && tells || !l.StripsVLAN) {
				t.Errorf("%s has features %#x, strips VLAN tags: %v", l.Name, l.XDPFeatures, l.StripsVLAN)
			}
			if (l.GRO == GROOn) != (l.Name == "lo") { // a veth has it switched off
				t.Errorf("GRO of %s: %d", l.Name, l.GRO)
			}
		}
	})
}

// tellsFeatures tells whether the kernel says what XDP can do with a device: since Linux 6.3.
func tellsFeatures(t *testing.T) bool {
	t.Helper()
	k, err := openSensors()
	if err != nil {
		t.Error(err)
		return true
	}
	defer k.close()
	return k.netdev.ID != 0
}
