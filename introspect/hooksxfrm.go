package introspect

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of linux/xfrm.h.
const (
	xfrmGetPolicy    = 0x15
	xfrmGetDefault   = 0x28
	sizeofPolicyID   = 64
	policyFamily     = 40 // of the selector, which comes first
	policyIndexAt    = 156
	policyDirection  = 160
	sizeofPolicyInfo = 168
	socketDirections = 3 // XFRM_POLICY_MAX: from here on a policy is one socket's own
	defaultBlock     = 1 // XFRM_USERPOLICY_BLOCK
)

var policyDirections = [socketDirections]string{"in", "out", "fwd"}

// policyFamilies names the families that a policy may be of; one that says none is of both.
var policyFamilies = map[uint16]string{unix.AF_INET: hookIPv4, unix.AF_INET6: hookIPv6}

// policies adds the XFRM policies, but for those of single sockets, and a default that blocks.
func (k *sensors) policies(h hooks) error {
	if k.xfrm == nil {
		return nil
	}
	found := hooks{}
	question := request{xfrmGetPolicy, make([]byte, sizeofPolicyID)}
	err := ask(k.xfrm, question, func() { clear(found) }, func(m netlink.Message) error { return found.addPolicy(m.Data) })
	if absent(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("introspect: dump XFRM policies: %w", err)
	}
	for name, hook := range found {
		h[name] = hook
	}
	return k.defaultPolicy(h)
}

// addPolicy reads struct xfrm_userpolicy_info.
func (h hooks) addPolicy(b []byte) error {
	if len(b) < sizeofPolicyInfo {
		return errShort
	}
	if d := b[policyDirection]; d < socketDirections {
		h.add("xfrm", policyFamilies[native.Uint16(b[policyFamily:])], fmt.Sprintf("xfrm policy %s %d", policyDirections[d], native.Uint32(b[policyIndexAt:])))
	}
	return nil
}

// defaultPolicy asks what happens to packets that no policy matches.
func (k *sensors) defaultPolicy(h hooks) error {
	m := netlink.Message{Header: netlink.Header{Type: xfrmGetDefault, Flags: netlink.Request}, Data: make([]byte, 3)}
	answers, err := k.xfrm.Execute(m)
	if absent(err) {
		return nil // older than Linux 5.14: always accept
	}
	if err != nil {
		return fmt.Errorf("introspect: get default XFRM policy: %w", err)
	}
	for _, a := range answers {
		if blocks(a.Data) {
			h.add("xfrm", "", "xfrm default block")
		}
	}
	return nil
}

// blocks reads struct xfrm_userpolicy_default {in, fwd, out}: what is forwarded is asked about the last two.
func blocks(b []byte) bool {
	return len(b) >= 3 && (b[1] == defaultBlock || b[2] == defaultBlock)
}
