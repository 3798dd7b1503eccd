package introspect

import (
	"errors"
	"fmt"
	"strings"
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

// forwardHooks are the hooks of the ip family that forwarded packets pass.
var forwardHooks = map[byte]string{hookPreRouting: "prerouting", hookForward: "forward", hookPostRouting: "postrouting"}

// netfilterHooks adds the functions on the hooks of forwarded packets that belong to no chain of nftables: connection
// tracking, SELinux, programs, and whatever else. A kernel that cannot list hooks is asked for its netfilter programs.
func (k *sensors) netfilterHooks(h hooks) error {
	switch {
	case k.netfilter == nil:
		return nil
	case k.unlisted:
		return k.netfilterPrograms(h)
	}
	for number, name := range forwardHooks {
		found, err := k.hooksAt(number, name)
		if err != nil {
			return fmt.Errorf("introspect: dump netfilter hooks: %w", err)
		}
		for n, hook := range found {
			h[n] = hook
		}
	}
	return nil
}

// probeHooks finds out whether the kernel lists its hooks.
func (k *sensors) probeHooks() error {
	if k.netfilter == nil {
		return nil
	}
	_, err := k.hooksAt(hookForward, "")
	if k.unlisted = absent(err); k.unlisted {
		return nil
	}
	return err
}

func (k *sensors) hooksAt(number byte, name string) (hooks, error) {
	body := []byte{unix.NFPROTO_IPV4, 0, 0, number, 8, 0, hookAttrNumber, 0, 0, 0, 0, number}
	native.PutUint16(body[4:], 8)
	native.PutUint16(body[6:], hookAttrNumber)
	found := hooks{}
	question := request{subsysHook<<8 | hookMessageGet, body}
	err := ask(k.netfilter, question, func() { clear(found) }, func(m netlink.Message) error {
		owner, foreign, err := decodeHook(m.Data)
		if foreign {
			found.add("netfilter", "ip "+name+" "+owner)
		}
		return err
	})
	if errors.Is(err, unix.ENOENT) {
		err = nil // nothing on it
	}
	return found, err
}

// harmlessHooks are functions of the kernel proper that let every forwarded packet pass. AppArmor's looks only at packets
// that a socket of this host sends (security/apparmor/lsm.c); Debian and Ubuntu have it in every namespace.
var harmlessHooks = map[string]bool{"apparmor_ip_postroute": true}

// decodeHook reads one function on a hook: foreign ones are no chain of nftables, and not harmless. A function of a module
// has the module's name with it, so that it cannot pass for one of the kernel.
func decodeHook(b []byte) (owner string, foreign bool, err error) {
	if len(b) < sizeofNfgenmsg {
		return "", false, errShort
	}
	var words []string
	kind := uint32(0)
	err = attributes(b[sizeofNfgenmsg:], func(attribute uint16, data []byte) error {
		switch attribute {
		case hookAttrFunction, hookAttrModule:
			words = append(words, nameOf(data))
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
	owner = strings.Join(words, " ")
	return owner, err == nil && kind != hookTypeNftables && (kind != 0 || !harmlessHooks[owner]), err
}

// netfilterPrograms adds the BPF programs on IPv4 hooks. A link does not tell its namespace, so those of all count.
func (k *sensors) netfilterPrograms(h hooks) error {
	known := map[link.ID]string{} // what a link is does not change
	for id := link.ID(0); ; {
		next, err := nextLink(id)
		if errors.Is(err, unix.ENOENT) {
			k.programs = known
			return nil
		}
		if err != nil {
			return fmt.Errorf("introspect: list BPF links: %w", err)
		}
		id = next
		name, ok := k.programs[id]
		if !ok {
			if name, err = netfilterProgram(id); err != nil {
				continue // on its way in or out; the next look sees what became of it
			}
		}
		if known[id] = name; name != "" {
			h.add("netfilter", fmt.Sprintf("%s link %d", name, id))
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

// netfilterProgram names the hook that a link is on, if forwarded IPv4 passes it.
func netfilterProgram(id link.ID) (string, error) {
	l, err := link.NewFromID(id)
	if err != nil {
		return "", err
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil || info.Type != link.NetfilterType {
		return "", err
	}
	n := info.Netfilter()
	if n == nil {
		return "bpf", nil
	}
	if name, ok := forwardHooks[byte(n.Hook)]; ok && n.ProtocolFamily == link.NetfilterProtoIPv4 {
		return "bpf " + name, nil
	}
	return "", nil
}
