package introspect

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"golang.org/x/sys/unix"
)

// Commands of SIOCSIFVLAN (enum vlan_ioctl_cmds).
const (
	setVLANIngressPriority = 2
	setVLANEgressPriority  = 3
	setVLANFlag            = 7
)

// vlanIoctl is what vconfig does, with a struct vlan_ioctl_args.
func vlanIoctl(t *testing.T, command int32, device string, number uint32, qos int16) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	args := struct {
		command int32
		device  [24]byte
		number  uint32
		rest    [20]byte
		qos     int16
	}{command: command, number: number, qos: qos}
	copy(args.device[:], device)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFVLAN, uintptr(unsafe.Pointer(&args))); errno != 0 {
		t.Errorf("SIOCSIFVLAN %d of %s: %v", command, device, errno)
	}
}

// TestLiveVLANDevice makes VLAN devices on a cable to another network namespace, changes them by netlink and by ioctl, and
// compares what is known of them, and of the far end's MTU, whenever a command has returned.
func TestLiveVLANDevice(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(base)
		other, err := lab.New()
		if err != nil {
			t.Error(err)
			return
		}
		defer other.Close()
		there := func(line string) {
			t.Helper()
			if err := other.Run(line); err != nil {
				t.Error(err)
			}
		}
		name := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), other.FD())
		run("ip link set a0 netns " + name)
		there("ip link set a0 up mtu 1450")
		w := watchHere(t)
		defer w.Close()
		v := &vlanLab{T: t, w: w, run: run, there: there}
		v.far("no VLAN device", 0)
		v.pretended()
		if exec.Command("ip", "link", "add", "r0.7", "link", "r0", "type", "vlan", "id", "7").Run() != nil {
			t.Log("the kernel has no VLAN devices")
			return
		}
		v.far("the first VLAN device", 1450)
		v.netlink()
		v.ioctl()
		v.farEnd(name)
	})
}

type vlanLab struct {
	*testing.T
	w          *Watcher
	run, there func(string)
}

// far compares the MTU of the far end.
func (v *vlanLab) far(what string, want uint32) {
	v.Helper()
	if same(v.T, v.w); !v.w.sensors.hears {
		want = 0
	}
	if l := linkNamed(v.T, v.w.s, "r0"); l.FarMTU != want {
		v.Errorf("%s: far MTU %d, want %d", what, l.FarMTU, want)
	}
}

// pretended adds a VLAN device to what is known, for kernels that have none: with it the far end is read.
func (v *vlanLab) pretended() {
	s := *v.w.s
	lower := linkNamed(v.T, &s, "r0")
	s.Links = s.Links.With(1000, Link{Index: 1000, Kind: "vlan", Lower: lower.Index, PeerNS: -1})
	want := map[bool]uint32{true: 1450}[v.w.sensors.hears]
	for what, read := range map[string]func(*Snapshot) (*Snapshot, error){"all": v.w.sensors.readFar,
		"one": func(s *Snapshot) (*Snapshot, error) { return v.w.sensors.readFarOf(s, lower.Index) }} {
		n, err := read(&s)
		if got := linkNamed(v.T, n, "r0"); err != nil || got.FarMTU != want || linkNamed(v.T, n, "r1").FarMTU != 0 {
			v.Errorf("%s: far MTU %d (%v), want %d", what, got.FarMTU, err, want)
		}
	}
}

// device compares what is known of one.
func (v *vlanLab) device(name string, want VLANDevice) {
	v.Helper()
	same(v.T, v.w)
	if l := linkNamed(v.T, v.w.s, name); !l.VLAN.Equal(want) || l.Lower != linkNamed(v.T, v.w.s, "r0").Index {
		v.Errorf("%s on %d: %+v, want %+v", name, l.Lower, l.VLAN, want)
	}
}

// netlink changes devices as ip does: the epoch moves while the command runs.
func (v *vlanLab) netlink() {
	seven := VLANDevice{ID: 7, Protocol: unix.ETH_P_8021Q, Flags: 1}
	v.device("r0.7", seven)
	v.run("ip link add r0.8 link r0 type vlan id 8 loose_binding on egress-qos-map 1:2")
	v.device("r0.8", VLANDevice{ID: 8, Protocol: unix.ETH_P_8021Q, Flags: 5, Mapped: true})
	v.run("ip link add r0.9 link r0 type vlan protocol 802.1ad id 9 ingress-qos-map 1:2")
	v.device("r0.9", VLANDevice{ID: 9, Protocol: unix.ETH_P_8021AD, Flags: 1, Mapped: true})
	v.run("ip link set r0.7 up")
	for _, c := range []struct {
		option string
		mapped bool
		flags  uint32
	}{{"egress-qos-map 1:2", true, 1}, {"egress-qos-map 1:0", false, 1}, {"ingress-qos-map 3:4", true, 1}, {"ingress-qos-map 3:0", false, 1},
		{"reorder_hdr off", false, 0}, {"reorder_hdr on", false, 1}} {
		settle(v.T, v.w)
		before := v.w.ledger.moved()
		v.run("ip link set r0.7 type vlan " + c.option)
		if after := v.w.ledger.moved(); after[slowpath.Config] == before[slowpath.Config] {
			v.Errorf("%s: the epoch has not moved", c.option)
		}
		settle(v.T, v.w)
		seven.Mapped, seven.Flags = c.mapped, c.flags
		if l := linkNamed(v.T, v.w.s, "r0.7"); !l.VLAN.Equal(seven) {
			v.Errorf("%s: %+v, want %+v", c.option, l.VLAN, seven)
		}
	}
}

// ioctl changes a device in silence.
func (v *vlanLab) ioctl() {
	within := bound(v.w, silentVLANs)
	for _, c := range []struct {
		command int32
		number  uint32
		qos     int16
		want    VLANDevice
	}{
		{setVLANEgressPriority, 1, 2, VLANDevice{Flags: 1, Mapped: true}},
		{setVLANEgressPriority, 1, 0, VLANDevice{Flags: 1}},
		{setVLANIngressPriority, 1, 2, VLANDevice{Flags: 1, Mapped: true}},
		{setVLANFlag, 1, 0, VLANDevice{Mapped: true}},
	} {
		settle(v.T, v.w)
		own := v.w.ledger.own[slowpath.Config]
		c.want.ID, c.want.Protocol = 7, unix.ETH_P_8021Q
		vlanIoctl(v.T, c.command, "r0.7", c.number, c.qos)
		took := until(v.T, v.w, func(s *Snapshot) bool { return linkNamed(v.T, s, "r0.7").VLAN.Equal(c.want) || v.Failed() })
		if took > within || v.w.ledger.own[slowpath.Config] == own {
			v.Errorf("command %d: noticed after %v", c.command, took)
		}
	}
}

// farEnd changes the far end, and takes the VLAN devices away.
func (v *vlanLab) farEnd(space string) {
	settle(v.T, v.w)
	before := v.w.ledger.moved()
	v.there("ip link set a0 mtu 1400")
	if after := v.w.ledger.moved(); v.w.sensors.hears && after[slowpath.FDB] == before[slowpath.FDB] {
		v.Error("the epoch has not moved")
	}
	v.far("another MTU", 1400)
	v.run("ip link del r0.7\nip link del r0.9")
	v.far("one left", 1400)
	v.run("ip link set r0.8 netns " + space)
	v.far("moved away", 0)
	v.run("ip link add r0.7 link r0 type vlan id 7")
	v.far("a new one", 1400)
	v.run("ip link del r0.7")
	v.far("none left", 0)
}
