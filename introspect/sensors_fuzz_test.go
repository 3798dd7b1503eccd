package introspect

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzBound feeds the decoder of sockets: what it takes for an address is that of the message, in the form of its family.
func FuzzBound(f *testing.F) {
	six := make([]byte, inetSource+16)
	six[0] = unix.AF_INET6
	f.Add(bytes.Clone(six))
	f.Add(bytes.Clone(six[1:]))
	f.Add([]byte{unix.AF_INET, 1, 0, 0, 0, 22, 0, 0, 10})
	copy(six[inetSource+10:], []byte{0xff, 0xff, 10, 0, 0, 1}) // a socket of both families
	f.Add(six)
	f.Add(append([]byte{unix.AF_INET, 1, 0, 0, 0, 22, 0, 0, 10, 0, 0, 1}, make([]byte, 60)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := decodeBound(b)
		if whole := len(b) >= inetSource+16 && (b[0] == unix.AF_INET || b[0] == unix.AF_INET6); ok != whole || ok != a.IsValid() {
			t.Fatalf("%v, %v", a, ok)
		}
		if !ok {
			return
		}
		if mapped := a.As16(); a.Is4In6() || b[0] == unix.AF_INET && !a.Is4() ||
			!bytes.HasPrefix(b[inetSource:], a.AsSlice()) && !bytes.HasPrefix(b[inetSource:], mapped[:]) {
			t.Errorf("%v of % x", a, b)
		}
	})
}

// FuzzFeatures feeds the decoders of what a device can do: an answer that is wrong before it names a feature has none.
func FuzzFeatures(f *testing.F) {
	name := append([]byte("rx-vlan-hw-parse"), 0)
	bit := attribute(nil, ethtoolBit, attribute(nil, ethtoolBitName, name))
	active := attribute(nil, ethtoolFeaturesActive, attribute(nil, ethtoolBitsetBits, bit))
	f.Add(active)
	f.Add(active[:len(active)-1])
	f.Add(attribute(attribute32(netdevIfindex, 3), netdevXDPFeatures, native.AppendUint64(nil, 7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		features, strips, gro := uint64(0), false, GROOff
		err := takeXDPFeatures(&features, b)
		if word := native.AppendUint64(nil, features); err == nil && features != 0 && !bytes.Contains(b, word) {
			t.Errorf("features %#x of % x", features, b)
		}
		_ = takeActive(&strips, &gro, b)
		if strips && !bytes.Contains(b, []byte("rx-vlan-")) || gro != GROOff && !bytes.Contains(b, []byte("rx-")) {
			t.Errorf("strips %v, GRO %d by % x", strips, gro, b)
		}
	})
}

// FuzzPolicies feeds the decoders of XFRM: a whole policy is a hook, unless it is one socket's.
func FuzzPolicies(f *testing.F) {
	policy := make([]byte, sizeofPolicyInfo)
	policy[policyFamily], policy[policyDirection] = unix.AF_INET6, 2
	f.Add(bytes.Clone(policy))
	f.Add(policy[1:])
	policy[policyDirection] = socketDirections
	f.Add(policy)
	f.Add([]byte{0, defaultBlock, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		h := hooks{}
		err := h.addPolicy(b)
		if whole := len(b) >= sizeofPolicyInfo; (err == nil) != whole || (len(h) == 1) != (whole && b[policyDirection] < socketDirections) {
			t.Errorf("%v, %v", h, err)
		}
		for name, hook := range h {
			family, known := policyFamilies[native.Uint16(b[policyFamily:])]
			if hook.Name != string(name) || hook.Family != family || known != (hook.Family != "") {
				t.Errorf("%+v of % x", hook, b)
			}
		}
		if blocks(b) && bytes.IndexByte(b, defaultBlock) < 0 {
			t.Errorf("% x blocks", b)
		}
	})
}

// FuzzSensorFiles feeds the readers of modules, and of what the kernel counts, as of routes, where -1 stands for a kernel that does not tell.
func FuzzSensorFiles(f *testing.F) {
	f.Add("ebtable_filter 16384 0 - Live 0x0", 0)
	f.Add("kernel/net/bridge/netfilter/ebtable_nat.ko", 0)
	f.Add("0014 000b 0099 001d 0000 0009 0000\n", 3)
	f.Add("0014 -1 0000000100000000 1d", 2)
	f.Add("0014 000b", 2)
	f.Add("TcpExt: A PFMemallocDrop\nTcpExt: 1 23\n", 0)
	f.Fuzz(func(t *testing.T, text string, at int) {
		if table, ok := tableOf(text); ok && (!strings.Contains(text, "ebtable_"+table) || strings.ContainsAny(table, "/ ")) {
			t.Errorf("table %q of %q", table, text)
		}
		if n, err := parseReserves(text); n > 0 && (err != nil || !strings.Contains(text, "PFMemallocDrop")) {
			t.Errorf("%d, %v of %q", n, err, text)
		}
		at &= 7
		n, err := parseRouteStats(text, at)
		words := strings.Fields(text)
		switch {
		case err != nil && n != -1, n < -1, n == -1 && err == nil && at < len(words):
			t.Errorf("%d, %v", n, err)
		case n >= 0 && fmt.Sprintf("%x", n) != strings.ToLower(strings.TrimLeft(words[at][:len(words[at])-1], "0")+words[at][len(words[at])-1:]):
			t.Errorf("%d of %q", n, text)
		}
	})
}
