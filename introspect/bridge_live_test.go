package introspect

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// bridged is a bridge with three ports.
const bridged = `
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link set lo up
	ip link add br0 type bridge forward_delay 200
	ip link add p0 type veth peer name h0
	ip link add p1 type veth peer name h1
	ip link add p2 type veth peer name h2
	ip link set p0 master br0 up
	ip link set p1 master br0 up
	ip link set p2 master br0 up
	ip link set h0 up
	ip link set h1 up
	ip link set h2 up
	ip link set br0 up`

// sendFrom has a host's end of a cable send a frame with a source, to nobody.
func sendFrom(t testing.TB, device string, source ...string) {
	t.Helper()
	i, err := net.InterfaceByName(device)
	if err != nil {
		t.Error(err)
		return
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	for _, s := range source {
		mac, err := net.ParseMAC(s)
		if err != nil {
			t.Error(err)
		}
		frame := append(append([]byte{2, 0xff, 0, 0, 0, 0xff}, mac...), 0x88, 0xb5)
		frame = append(frame, make([]byte, 46)...)
		if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
			t.Error(err)
		}
	}
}

func entryAt(t testing.TB, s *Snapshot, bridge, mac string) (FDBEntry, bool) {
	t.Helper()
	k := FDBKey{Bridge: linkNamed(t, s, bridge).Index}
	if err := k.MAC.UnmarshalText([]byte(mac)); err != nil {
		t.Error(err)
	}
	return s.FDB.Get(k)
}

func TestLiveBridge(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(bridged)
		w := watchHere(t)
		defer w.Close()
		port := func(name string) Index { return linkNamed(t, w.s, name).Index }
		at := func(what, mac, device string) {
			t.Helper()
			same(t, w)
			e, ok := entryAt(t, w.s, "br0", mac)
			switch {
			case device == "":
				if ok {
					t.Errorf("%s: %+v is there", what, e)
				}
			case !ok || e.Port != port(device) || len(e.Unknown) > 0:
				t.Errorf("%s: %+v, %v", what, e, ok)
			}
		}
		state := func(what, device string, want uint8) {
			t.Helper()
			same(t, w)
			if l := linkNamed(t, w.s, device); l.Port.State != want || len(l.Port.Unknown) > 0 {
				t.Errorf("%s: %+v", what, l.Port)
			}
		}
		const host, other = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
		state("forwarding", "p0", PortForwarding)
		sendFrom(t, "h0", host)
		at("learned", host, "p0")
		sendFrom(t, "h1", host)
		at("roamed", host, "p1")
		run("bridge fdb add " + other + " dev p0 master static sticky")
		at("static", other, "p0")
		if e, _ := entryAt(t, w.s, "br0", other); !e.Static || !e.Sticky || e.Local {
			t.Errorf("static: %+v", e)
		}
		sendFrom(t, "h1", other)
		at("sticky", other, "p0")
		run("bridge fdb replace " + other + " dev p1 master dynamic extern_learn")
		at("external", other, "p1")
		if e, _ := entryAt(t, w.s, "br0", other); !e.External {
			t.Errorf("external: %+v", e)
		}
		run("bridge fdb add 02:00:00:00:aa:03 dev p0 master local")
		same(t, w)
		if e, ok := entryAt(t, w.s, "br0", "02:00:00:00:aa:03"); !ok || !e.Local || e.Port != 0 {
			t.Errorf("local: %+v, %v", e, ok)
		}
		run("bridge fdb flush dev br0 dynamic || ip link set br0 type bridge fdb_flush")
		at("flushed", host, "")
		run("bridge link set dev p0 state 0")
		state("blocked", "p0", PortDisabled)
		sendFrom(t, "h0", host)
		at("blocked", host, "")
		run("ip link set dev p0 type bridge_slave state 3")
		state("forwarding again", "p0", PortForwarding)
		for _, flag := range []string{"isolated", "hairpin", "locked"} {
			run("ip link set dev p1 type bridge_slave " + flag + " on")
			same(t, w)
		}
		if p := linkNamed(t, w.s, "p1").Port; !p.Isolated || !p.Hairpin || !p.Locked || !p.Learning || !p.Flood {
			t.Errorf("flags: %+v", p)
		}
		run("echo 0 > /sys/class/net/p1/brport/learning || bridge link set dev p1 learning off")
		same(t, w)
		if linkNamed(t, w.s, "p1").Port.Learning {
			t.Error("p1 learns")
		}
		run("bridge link set dev p1 learning on locked off")
		sendFrom(t, "h1", host)
		at("learned again", host, "p1")
		run("ip link set p1 down")
		at("the port went down", host, "")
		forwards := "for i in $(seq 200); do bridge link show dev p1 | grep -q 'state forwarding' && break; sleep 0.01; done"
		run("ip link set p1 up\n" + forwards)
		sendFrom(t, "h1", host)
		at("the port came up", host, "p1")
		run("ip link set dev br0 type bridge ageing_time 1200 stp_state 1")
		same(t, w)
		if b := linkNamed(t, w.s, "br0").Bridge; b.Ageing != 1200 || b.STP != 1 || b.ForwardDelay != 200 || len(b.Unknown) > 0 {
			t.Errorf("bridge: %+v", b)
		}
		run("ip link set dev br0 type bridge stp_state 0\nip link add br1 up type bridge\nip link set p1 master br1\n" + forwards)
		at("the port went to another bridge", host, "")
		sendFrom(t, "h1", host)
		same(t, w)
		if _, ok := entryAt(t, w.s, "br1", host); !ok || linkNamed(t, w.s, "p1").Master != port("br1") {
			t.Error("not learned in the other bridge")
		}
		run("ip link set p1 nomaster")
		same(t, w)
		if l := linkNamed(t, w.s, "p1"); !l.Port.Equal(BridgePort{}) {
			t.Errorf("still a port: %+v", l.Port)
		}
		run("ip link del br0\nip link del br1")
		same(t, w)
		if w.s.FDB.Len() > 0 {
			t.Errorf("left:\n%s", w.s)
		}
	})
}

// TestLiveBridgeSilent has things change that no bridge announces.
func TestLiveBridgeSilent(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(bridged)
		w := watchHere(t)
		defer w.Close()
		if l := linkNamed(t, w.s, "p0"); l.Promiscuity != 1 {
			t.Errorf("p0: %+v", l)
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0300)
		if err != nil {
			t.Error(err)
		}
		i, err := net.InterfaceByName("p0")
		if err == nil {
			err = unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
				&unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC})
		}
		if err != nil {
			t.Error(err)
		}
		same(t, w)
		if l := linkNamed(t, w.s, "p0"); l.Promiscuity != 2 {
			t.Errorf("tapped p0: %+v", l)
		}
		unix.Close(fd)
		same(t, w)
		const path = "bridge/bridge-nf-call-iptables"
		if _, ok := w.s.Sysctls.Get(path); !ok {
			t.Log("this kernel has no br_netfilter")
			return
		}
		run("sysctl -qw net.bridge.bridge-nf-call-iptables=0")
		same(t, w)
		if v, _ := w.s.Sysctls.Get(path); v.Value != "0" {
			t.Errorf("%s is %q", path, v.Value)
		}
		run("sysctl -qw net.bridge.bridge-nf-call-iptables=1")
		same(t, w)
	})
}

// TestLiveVLANs needs a kernel that filters VLANs.
func TestLiveVLANs(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(bridged)
		out, err := exec.Command("ip", "link", "set", "dev", "br0", "type", "bridge", "vlan_filtering", "1").CombinedOutput()
		if err != nil {
			t.Logf("not tested: this kernel does not filter VLANs: %s", strings.TrimSpace(string(out)))
			return
		}
		w := watchHere(t)
		defer w.Close()
		vlan := func(device string, vid uint16) (VLAN, bool) {
			return w.s.VLANs.Get(VLANKey{linkNamed(t, w.s, device).Index, vid})
		}
		run("bridge vlan add dev p0 vid 10 pvid untagged\nbridge vlan add dev p1 vid 100-4000\nbridge vlan add dev br0 vid 10 self")
		same(t, w)
		if v, ok := vlan("p0", 10); !ok || !v.PVID || !v.Untagged {
			t.Errorf("VLAN 10: %+v, %v", v, ok)
		}
		if v, ok := vlan("p0", 1); !ok || v.PVID {
			t.Errorf("VLAN 1: %+v, %v", v, ok)
		}
		if v, ok := vlan("p1", 3999); !ok || v.PVID || v.Untagged || v.State != PortForwarding || len(v.Unknown) > 0 {
			t.Errorf("VLAN 3999: %+v, %v", v, ok)
		}
		run("bridge vlan del dev p1 vid 200-4000\nbridge vlan set dev p0 vid 10 state blocking")
		same(t, w)
		if v, _ := vlan("p0", 10); v.State != PortBlocking {
			t.Errorf("VLAN 10: %+v", v)
		}
		sendFrom(t, "h1", "02:00:00:00:aa:01")
		run("ip link set dev br0 type bridge vlan_default_pvid 20\nip link set p0 nomaster")
		same(t, w)
		if v, ok := vlan("p0", 10); ok {
			t.Errorf("VLAN 10: %+v", v)
		}
		run("ip link set dev br0 type bridge vlan_filtering 0")
		same(t, w)
	})
}
