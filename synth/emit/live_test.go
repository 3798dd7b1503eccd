package emit

import (
	"encoding/binary"
	"net"
	"testing"

	"github.com/hone-net/hone/slowpath"
	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/ir"
)

// TestLiveLookup runs the cold arm in a namespace with routes: the live lookup, and the vetting of what it answers.
func TestLiveLookup(t *testing.T) {
	needRoot(t)
	ns, err := lab.New()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := ns.Run("ip link add out0 type veth peer name peer0", "ip link set out0 address 02:aa:bb:cc:dd:ee up",
		"ip link set peer0 up", "ip addr add 10.7.0.1/24 dev out0", "ip route add 10.1.0.0/16 via 10.7.0.9 mtu lock 1400",
		"ip neigh add 10.7.0.9 lladdr 02:11:22:33:44:55 dev out0", "ip route add blackhole 10.2.0.0/16"); err != nil {
		t.Fatal(err)
	}
	if err := ns.Sysctl("ipv4/ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	k := newKernelRun(t, forwarder(), testKernel)
	if err := ns.Do(func() error { return liveLookups(t, k) }); err != nil {
		t.Fatal(err)
	}
}

func liveLookups(t *testing.T, k kernelRun) error {
	out, err := net.InterfaceByName("out0")
	if err != nil {
		return err
	}
	device := make([]byte, testDevice.RowSize)
	binary.NativeEndian.PutUint32(device, 1500)
	vetted := map[string]map[uint32][]byte{"device": {uint32(out.Index): device}}
	env := &ir.Env{Hash: vetted, Moved: slowpath.Epochs{slowpath.Any: 1}}
	forwarded := []byte{2, 0x11, 0x22, 0x33, 0x44, 0x55, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}
	for _, c := range []struct {
		what string
		env  *ir.Env
		dst  uint32
		len  int
		want ir.Verdict
	}{
		{"route", env, 0x0a010203, 60, ir.Verdict{Kind: ir.RedirectExit, Oif: uint32(out.Index)}},
		{"blackhole", env, 0x0a020203, 60, ir.Verdict{Kind: ir.Punt, Reason: slowpath.LiveLookup}},
		{"no route", env, 0x0b020203, 60, ir.Verdict{Kind: ir.Punt, Reason: slowpath.LiveLookup}},
		{"longer than the route's MTU", env, 0x0a010203, 1450, ir.Verdict{Kind: ir.Punt, Reason: slowpath.LiveLookup}},
		{"device not vetted", &ir.Env{Moved: env.Moved, Hash: map[string]map[uint32][]byte{"device": {}}}, 0x0a010203, 60,
			ir.Verdict{Kind: ir.Punt, Reason: slowpath.LiveDevice}},
		{"configuration moved", &ir.Env{Hash: vetted, Moved: slowpath.Epochs{slowpath.Any: 1, slowpath.Config: 1}}, 0x0a010203, 60,
			ir.Verdict{Kind: ir.Punt, Reason: slowpath.Moved}},
	} {
		frame := testFrame(c.dst, 64)
		frame = append(frame, make([]byte, c.len-len(frame))...)
		if c.len > 60 {
			binary.BigEndian.PutUint16(frame[16:], uint16(c.len-14))
			fixChecksum(frame)
		}
		k.set(t, c.env)
		got := k.run(t, frame)
		if got.String() != c.want.String() {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
		if got.Kind == ir.RedirectExit && string(got.Packet[:12]) != string(forwarded) {
			t.Errorf("%s: sent with MACs %x", c.what, got.Packet[:12])
		}
		if n := k.counters(t)[CounterOffset(ir.CountLive)/8]; n != 1 && got.Kind == ir.RedirectExit {
			t.Errorf("%s: counted %d times", c.what, n)
		}
	}
	return nil
}
