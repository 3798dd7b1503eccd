package packet

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func TestFramesAreValid(t *testing.T) {
	for _, text := range []string{
		"iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 3",
		"iif r0 ip 10.0.0.1>10.2.0.9 tcp sport 80 dport 443 len 1500 tos 0x10",
		"iif r0 eth 02:00:00:00:00:01 > 02:00:00:00:00:02 ip 192.0.2.1 > 198.51.100.7 icmp len 61 options 8",
		"dev r0 ip 1.2.3.4 > 5.6.7.8 proto 89 len 99 nodf id 7",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		frame := p.Frame(MAC{2, 0, 0, 0, 0, 9})
		if sum := fold(add(0, frame[14:14+p.IP.header()])); sum != 0xffff {
			t.Errorf("%s: header sums to %#x", text, sum)
		}
		decoded := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		ip, ok := decoded.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
		if !ok || int(ip.Length) != len(frame)-14 || ip.TTL != p.IP.TTL || ip.DstIP.String() != p.IP.Dst.String() {
			t.Errorf("%s: decoded as %v", text, decoded)
		}
		for _, l := range decoded.Layers() {
			if l, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				l.SetNetworkLayerForChecksum(ip)
			}
		}
		if err, bad := decoded.VerifyChecksums(); err != nil || len(bad) > 0 {
			t.Errorf("%s: checksums: %v %v", text, err, bad)
		}
	}
}

func TestFramesOfIPv6AreValid(t *testing.T) {
	for _, text := range []string{
		"iif r0 ip6 2001:db8::1 > 2001:db8:2::9 udp ttl 3",
		"iif r0 ip6 2001:db8::1>2001:db8:2::9 tcp sport 80 dport 443 len 1500 tos 0x10 flow 0xabcde",
		"iif r0 eth 02:00:00:00:00:01 > 02:00:00:00:00:02 ip6 fe80::1 > 2001:db8::7 icmp len 61 hoplimit 255",
		"dev r0 ip6 2001:db8::1 > ::ffff:5.6.7.8 proto 89 len 99",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		frame := p.Frame(MAC{2, 0, 0, 0, 0, 9})
		decoded := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		ip, ok := decoded.Layer(layers.LayerTypeIPv6).(*layers.IPv6)
		if !ok || int(ip.Length) != len(frame)-54 || ip.HopLimit != p.IP.TTL || ip.FlowLabel != p.IP.Flow || ip.TrafficClass != p.IP.TOS {
			t.Errorf("%s: decoded as %v", text, decoded)
			continue
		}
		if dst := p.IP.Dst.As16(); string(ip.DstIP) != string(dst[:]) {
			t.Errorf("%s: to %v", text, ip.DstIP)
		}
		for _, l := range decoded.Layers() {
			if l, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				l.SetNetworkLayerForChecksum(ip)
			}
		}
		if err, bad := decoded.VerifyChecksums(); err != nil || len(bad) > 0 {
			t.Errorf("%s: checksums: %v %v", text, err, bad)
		}
	}
}

func TestFrameBytes(t *testing.T) {
	p, err := Parse("iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 3")
	if err != nil {
		t.Fatal(err)
	}
	want := "0200000000090200000000fe0800" + "4500001c00004000031163cf0a0000010a020009" + "040000090008e5cf"
	got := p.Frame(MAC{2, 0, 0, 0, 0, 9})
	// The checksums are proved by TestFramesAreValid; here the rest is pinned.
	pinned, _ := hex.DecodeString(want)
	copy(pinned[24:26], got[24:26])
	copy(pinned[40:42], got[40:42])
	if diff := cmp.Diff(pinned, got); diff != "" {
		t.Error(diff)
	}
}

func TestBreaksOneThing(t *testing.T) {
	p, err := Parse("iif r0 ip 10.0.0.1 > 10.2.0.9 udp badsum")
	if err != nil {
		t.Fatal(err)
	}
	if sum := fold(add(0, p.Frame(MAC{})[14:34])); sum == 0xffff {
		t.Error("badsum gives a good checksum")
	}
	p, err = Parse("iif r0 hex 0200:0000 00ff")
	if err != nil || hex.EncodeToString(p.Frame(MAC{})) != "0200000000ff" {
		t.Errorf("hex: %v %v", p, err)
	}
}

func TestErrorsNameTheWord(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "iif NAME",
		"iif r0":                               `"ip SOURCE > DESTINATION"`,
		"iif":                                  "an interface expected",
		"iif r0 ip 10.0.0.1 10.2.0.9":          `">" expected before "10.2.0.9"`,
		"iif r0 ip 10.0.0.1 >":                 "an IPv4 address expected",
		"iif r0 ip 10.0.0.1 > ::1":             `"::1" is not an IPv4 address`,
		"iif r0 ip 10.0.0.1 > 10.0.0.256":      `"10.0.0.256"`,
		"iif r0 ip 1.1.1.1 > 2.2.2.2 ttl":      "a number after ttl",
		"iif r0 ip 1.1.1.1 > 2.2.2.2 ttl 300":  "300 is above 255",
		"iif r0 ip 1.1.1.1 > 2.2.2.2 ttl x":    `"x" is not a number`,
		"iif r0 ip 1.1.1.1 > 2.2.2.2 fast":     `unknown word "fast"`,
		"iif r0 ip 1.1.1.1 > 2.2.2.2 len 21":   "less than the 28 bytes",
		"iif r0 ip 1.1.1.1 > 2.2.2.2 offset 9": "multiple of 8",
		"iif r0 ip6 10.0.0.1 > ::1":            `"10.0.0.1" is not an IPv6 address`,
		"iif r0 ip6 fe80::1%eth0 > ::1":        "is not an IPv6 address",
		"iif r0 ip6 ::2 > ::1 badsum":          "badsum: IPv6 has no such field",
		"iif r0 ip6 ::2 > ::1 flow 0x100000":   "is above",
		"iif r0 ip6 ::2 > ::1 len 47":          "less than the 48 bytes",
		"iif r0 hex 0":                         "hex:",
		"iif r0 eth 1 > 2":                     `"1" is not an Ethernet address`,
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 3")
	f.Add("iif r0 ip6 2001:db8::1 > 2001:db8:2::9 tcp flow 7 len 1280")
	f.Add("iif r0 hex 00")
	f.Add("iif r0 ip 1.1.1.1 > 2.2.2.2 options 40 len 60 offset 8 proto 6")
	f.Add("eth 02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 7 type 0x86dd")
	f.Add("iif r0 eth 02:00:00:00:00:01 > 02:00:00:00:00:02 tag 7 ip 10.0.0.1 > 10.0.0.2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		if frame := p.Frame(MAC{1}); p.Raw == nil && len(frame) < 34 {
			t.Errorf("%q gives %d bytes", text, len(frame))
		}
	})
}

// TestTag puts a VLAN tag before the ethertype, and changes nothing else.
func TestTag(t *testing.T) {
	bare, err := Parse("iif r0 ip 10.0.0.1 > 10.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	tagged, err := Parse("iif r0 tag 10 ip 10.0.0.1 > 10.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	own := MAC{2, 0, 0, 0, 0, 1}
	if f, want := tagged.Frame(own), bare.Frame(own); !bytes.Equal(f[12:16], []byte{0x81, 0, 0, 10}) || !bytes.Equal(slices.Delete(f, 12, 16), want) {
		t.Errorf("%x, want %x and a tag", f, want)
	}
	if _, err := Parse("iif r0 tag 4095 ip 10.0.0.1 > 10.0.0.2"); err == nil {
		t.Error("tag 4095")
	}
}
