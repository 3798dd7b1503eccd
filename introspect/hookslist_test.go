package introspect

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// hookMessage is one function on a hook as nfnetlink_hook tells of it; no kind is one that has no chain.
func hookMessage(function, module string, kind uint32) []byte {
	b := []byte{unix.NFPROTO_IPV4, 0, 0, hookPostRouting}
	text := func(attribute uint16, s string) {
		if s == "" {
			return
		}
		b = native.AppendUint16(b, uint16(unix.SizeofNlAttr+len(s)+1))
		b = append(native.AppendUint16(b, attribute), s...)
		b = append(b, make([]byte, 4-len(s)&3)...)
	}
	text(hookAttrModule, module)
	text(hookAttrFunction, function)
	if kind != 0 {
		inner := binary.BigEndian.AppendUint32(native.AppendUint16(native.AppendUint16(nil, 8), hookInfoType), kind)
		b = append(append(b, nested(hookAttrChain, len(inner))...), inner...)
	}
	return b
}

func TestHooksOfOthers(t *testing.T) {
	for _, c := range []struct {
		function, module string
		kind             uint32
		foreign          bool
	}{
		{"ipv4_conntrack_in", "nf_conntrack", 0, true},
		{"selinux_ip_forward", "", 0, true},
		{"nft_do_chain_ipv4", "nf_tables", hookTypeNftables, false},
		{"apparmor_ip_postroute", "", 0, false},
		{"apparmor_ip_postroute", "impostor", 0, true},
		{"ip_sabotage_in", "br_netfilter", 0, false},
		{"apparmor_ip_postroute", "", 2, true},
	} {
		owner, foreign, err := decodeHook(hookMessage(c.function, c.module, c.kind))
		if err != nil || foreign != c.foreign {
			t.Errorf("%s of module %q, kind %d: %q, foreign %v, %v", c.function, c.module, c.kind, owner, foreign, err)
		}
	}
}
