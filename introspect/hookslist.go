package introspect

import (
	"errors"
	"fmt"
	"maps"
	"unsafe"

	"github.com/cilium/ebpf/link"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of linux/netfilter/nfnetlink_hook.h.
const (
	subsysHook       = 12
	hookMessageGet   = 0
	hookAttrNumber   = 1
	hookAttrFunction = 4
	hookAttrModule   = 5
	hookAttrChain    = 6
	hookInfoType     = 2
	hookTypeNftables = 1
)

// forwardHooks are the hooks of IPv4, and of IPv6, that forwarded packets pass.
var forwardHooks = map[byte]string{hookPreRouting: "prerouting", hookForward: "forward", hookPostRouting: "postrouting"}

// netfilterHooks adds the functions on the hooks of forwarded packets that belong to no chain of nftables: connection
// tracking, SELinux, programs, and whatever else. A kernel that cannot list hooks is asked for its netfilter programs.
func (k *sensors) netfilterHooks(h hooks) error {
	switch {
	case k.netfilter == nil:
		return nil
	case k.unlisted:
		if err := bridgeTables(h); err != nil {
			return err
		}
		return k.netfilterPrograms(h)
	}
	for _, family := range []byte{unix.NFPROTO_IPV4, unix.NFPROTO_IPV6} {
		for number, name := range forwardHooks {
			found, err := k.hooksAt(family, number, name)
			if err != nil {
				return fmt.Errorf("introspect: dump netfilter hooks: %w", err)
			}
			maps.Copy(h, found)
		}
	}
	return k.bridgeHooks(h)
}

// bridgeHooks adds the functions on the hooks of bridges.
func (k *sensors) bridgeHooks(h hooks) error {
	for number, name := range hookNames {
		found, err := k.hooksAt(familyBridge, byte(number), name)
		if absent(err) {
			return nil // a kernel without such hooks
		}
		if err != nil {
			return fmt.Errorf("introspect: dump netfilter hooks of bridges: %w", err)
		}
		maps.Copy(h, found)
	}
	return nil
}

// probeHooks finds out whether the kernel lists its hooks.
func (k *sensors) probeHooks() error {
	if k.netfilter == nil {
		return nil
	}
	_, err := k.hooksAt(unix.NFPROTO_IPV4, hookForward, "")
	if k.unlisted = absent(err); k.unlisted {
		return nil
	}
	return err
}

func (k *sensors) hooksAt(family, number byte, name string) (hooks, error) {
	body := []byte{family, 0, 0, number, 8, 0, hookAttrNumber, 0, 0, 0, 0, number}
	native.PutUint16(body[4:], 8)
	native.PutUint16(body[6:], hookAttrNumber)
	found := hooks{}
	question := request{subsysHook<<8 | hookMessageGet, body}
	err := ask(k.netfilter, question, func() { clear(found) }, func(m netlink.Message) error {
		owner, foreign, err := decodeHook(m.Data)
		switch {
		case foreign && trackingFunctions[owner]:
			found.addTracking(familyNames[family])
		case foreign && translatingFunctions[owner]:
		case foreign && family == familyBridge && callingFunctions[owner]:
		case foreign:
			found.add("netfilter", familyNames[family], familyNames[family]+" "+name+" "+owner)
		}
		return err
	})
	if errors.Is(err, unix.ENOENT) {
		err = nil // nothing on it
	}
	return found, err
}

// harmlessHooks are functions of the kernel proper that let every forwarded packet pass. AppArmor's looks only at packets
// that a socket of this host sends (security/apparmor/lsm.c); Debian and Ubuntu have it in every namespace. What puts
// fragments together does nothing to other packets, and fragments are the kernel's. That of br_netfilter, in every namespace
// with a bridge, keeps packets that a bridge has shown to the hooks before from being shown to them again.
var harmlessHooks = map[string]bool{"apparmor_ip_postroute": true,
	"ipv4_conntrack_defrag": true, "ipv4_conntrack_defrag nf_defrag_ipv4": true,
	"ipv6_defrag": true, "ipv6_defrag nf_defrag_ipv6": true,
	"ip_sabotage_in": true, "ip_sabotage_in br_netfilter": true}

// callingFunctions are those by which a bridge has the hooks of IP look at its frames, as its sysctls say.
var callingFunctions = functionsOf(map[string][]string{
	"br_netfilter": {"br_nf_pre_routing", "br_nf_local_in", "br_nf_forward", "br_nf_forward_ip", "br_nf_forward_arp", "br_nf_post_routing"},
})

// trackingFunctions are those of connection tracking, on a kernel that has them built in and on one that has them in
// modules.
var trackingFunctions = functionsOf(map[string][]string{
	"nf_conntrack": {"ipv4_conntrack_in", "ipv6_conntrack_in", "nf_confirm", "ipv4_confirm", "ipv6_confirm", "ipv4_helper", "ipv6_helper"},
})

// translatingFunctions are those of address translation, which are there for chains of that type, and do nothing to packets
// that are not tracked.
var translatingFunctions = functionsOf(map[string][]string{
	"nf_nat": {"nf_nat_ipv4_pre_routing", "nf_nat_ipv4_in", "nf_nat_ipv4_out", "nf_nat_ipv6_pre_routing", "nf_nat_ipv6_in",
		"nf_nat_ipv6_out"},
})

func functionsOf(modules map[string][]string) map[string]bool {
	all := map[string]bool{}
	for module, functions := range modules {
		for _, f := range functions {
			all[f], all[f+" "+module] = true, true
		}
	}
	return all
}

// decodeHook reads one function on a hook: foreign ones are no chain of nftables, and not harmless. A function of a module
// has the module's name with it, so that it cannot pass for one of the kernel.
func decodeHook(b []byte) (owner string, foreign bool, err error) {
	if len(b) < sizeofNfgenmsg {
		return "", false, errShort
	}
	var function, module string
	kind := uint32(0)
	err = attributes(b[sizeofNfgenmsg:], func(attribute uint16, data []byte) error {
		switch attribute {
		case hookAttrFunction:
			function = nameOf(data)
		case hookAttrModule: // which comes first
			module = " " + nameOf(data)
		case hookAttrChain:
			return attributes(data, func(attribute uint16, data []byte) error {
				if attribute != hookInfoType {
					return nil
				}
				return set(&kind, readBigU32, data)
			})
		}
		return nil
	})
	owner = function + module
	return owner, err == nil && kind != hookTypeNftables && (kind != 0 || !harmlessHooks[owner]), err
}

// unlistedPrograms stands for those that may be on any hook, where CAP_SYS_ADMIN is missing.
var unlistedPrograms = Hook{Kind: "netfilter", Name: "programs, perhaps: only CAP_SYS_ADMIN may list BPF links"}

// netfilterPrograms adds the BPF programs on the hooks. A link does not tell its namespace, so those of all count.
func (k *sensors) netfilterPrograms(h hooks) error {
	known := map[link.ID]Hook{} // what a link is does not change
	for id := link.ID(0); ; {
		next, err := nextLink(id)
		if errors.Is(err, unix.ENOENT) {
			k.programs = known
			return nil
		}
		if errors.Is(err, unix.EPERM) { // there may be any
			h[Name(unlistedPrograms.Name)] = unlistedPrograms
			return nil
		}
		if err != nil {
			return fmt.Errorf("introspect: list BPF links: %w", err)
		}
		id = next
		hook, ok := k.programs[id]
		if !ok {
			if hook, err = netfilterProgram(id); err != nil {
				continue // on its way in or out; the next look sees what became of it
			}
		}
		if known[id] = hook; hook.Kind != "" {
			h[Name(hook.Name)] = hook
		}
	}
}

const bpfLinkGetNextID = 31

// nextLink finds the link with the next higher id.
func nextLink(id link.ID) (link.ID, error) {
	attr := struct{ start, next, flags uint32 }{start: uint32(id)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, bpfLinkGetNextID, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, errno
	}
	return link.ID(attr.next), nil
}

// netfilterProgram tells the hook that a link is on, if forwarded packets pass it.
func netfilterProgram(id link.ID) (Hook, error) {
	l, err := link.NewFromID(id)
	if err != nil {
		return Hook{}, err
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil || info.Type != link.NetfilterType {
		return Hook{}, err
	}
	n := info.Netfilter()
	if n == nil {
		return Hook{Kind: "netfilter", Name: fmt.Sprintf("bpf link %d", id)}, nil
	}
	place, ok := forwardHooks[byte(n.Hook)]
	family := familyNames[byte(n.ProtocolFamily)]
	if !ok || family != hookIPv4 && family != hookIPv6 {
		return Hook{}, nil
	}
	return Hook{Kind: "netfilter", Name: fmt.Sprintf("bpf %s %s link %d", family, place, id), Family: family}, nil
}
