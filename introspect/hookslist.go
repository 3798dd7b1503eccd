package introspect

import (
	"errors"
	"fmt"
	"strings"

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
	if k.netfilter == nil {
		return nil
	}
	for number, name := range forwardHooks {
		found, err := k.hooksAt(number, name)
		if absent(err) {
			return netfilterPrograms(h)
		}
		if err != nil {
			return fmt.Errorf("introspect: dump netfilter hooks: %w", err)
		}
		for n, hook := range found {
			h[n] = hook
		}
	}
	return nil
}

func (k *sensors) hooksAt(number byte, name string) (hooks, error) {
	body := []byte{unix.NFPROTO_IPV4, 0, 0, number, 8, 0, hookAttrNumber, 0, 0, 0, 0, number}
	native.PutUint16(body[4:], 8)
	native.PutUint16(body[6:], hookAttrNumber)
	found := hooks{}
	err := ask(k.netfilter, request{subsysHook<<8 | hookMessageGet, body}, func() { clear(found) }, func(m netlink.Message) error {
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

// decodeHook reads one function on a hook: foreign ones are no chain of nftables.
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
	return strings.Join(words, " "), err == nil && kind != hookTypeNftables, err
}

// netfilterPrograms adds the BPF programs on IPv4 hooks. A link does not tell its namespace, so those of all count.
func netfilterPrograms(h hooks) error {
	it := new(link.Iterator)
	for it.Next() {
		if name := netfilterProgram(it.Link); name != "" {
			h.add("netfilter", fmt.Sprintf("%s link %d", name, it.ID))
		}
	}
	return errors.Join(it.Err())
}

func netfilterProgram(l link.Link) string {
	info, err := l.Info()
	if err != nil || info.Type != link.NetfilterType {
		return ""
	}
	n := info.Netfilter()
	if n == nil {
		return "bpf"
	}
	if name, ok := forwardHooks[byte(n.Hook)]; ok && n.ProtocolFamily == link.NetfilterProtoIPv4 {
		return "bpf " + name
	}
	return ""
}
