package introspect

import (
	"strings"
	"testing"
)

// TestHookFamilies has hooks of each family: one of IPv6 alone does not concern IPv4, and the reverse.
func TestHookFamilies(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(`
			ip link add v0 type veth peer name v1
			nft add table ip6 six
			nft add chain ip6 six f '{ type filter hook forward priority 0; }'
			nft add table ip four
			nft add chain ip four f '{ type filter hook prerouting priority 0; }'
			nft add table inet both
			nft add chain inet both f '{ type filter hook postrouting priority 0; }'
			nft add table netdev dev
			nft add chain netdev dev g '{ type filter hook ingress device v0 priority 0; }'
			nft add table bridge br
			nft add chain bridge br f '{ type filter hook forward priority 0; }'
			ip xfrm policy add src fd00::/16 dst fd01::/16 dir fwd action block
			ip xfrm policy add src 10.0.0.0/8 dst 10.1.0.0/16 dir fwd action block
		`)
		s, err := readSilent(new(Snapshot))
		if err != nil {
			t.Error(err)
			return
		}
		wants := map[string][2]bool{"ip6 six f": {false, true}, "ip four f": {true, false}, "inet both f": {true, true},
			"netdev dev g v0": {true, true}}
		policies := [2]int{}
		for _, h := range s.Hooks.All() {
			if h.Kind == "xfrm" {
				policies[map[bool]int{false: 0, true: 1}[h.SeesIPv6()]]++
				continue
			}
			want, ok := wants[h.Name]
			if delete(wants, h.Name); ok && want != [2]bool{h.SeesIPv4(), h.SeesIPv6()} || !ok && !strings.HasPrefix(h.Kind, "netfilter") {
				t.Errorf("hook %+v", h)
			}
		}
		if len(wants) > 0 || policies != [2]int{1, 1} {
			t.Errorf("missing %v, policies %v in\n%s", wants, policies, s)
		}
	})
}

// TestTrackingIsOfItsFamily has the kernel track the connections of IPv6 only, which it does by hooks of no chain.
func TestTrackingIsOfItsFamily(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run(`
			nft add table ip6 six
			nft add chain ip6 six i '{ type filter hook input priority 0; }'
			nft add rule ip6 six i ct state established accept
		`)
		s, err := readSilent(new(Snapshot))
		if err != nil {
			t.Error(err)
			return
		}
		seen := false
		for _, h := range s.Hooks.All() {
			seen = seen || h.SeesIPv6()
			if h.SeesIPv4() {
				t.Errorf("hook %+v", h)
			}
		}
		if !seen {
			t.Errorf("no hook in\n%s", s)
		}
	})
}
