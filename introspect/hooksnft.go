package introspect

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Families of netfilter (NFPROTO_*) and their hooks that x/sys does not name.
const (
	familyInet   = 1
	familyIPv4   = 2
	familyIPv6   = 10
	familyNetdev = 5

	sizeofNfgenmsg = 4

	nftaFlowtableTable = 1
	nftaFlowtableName  = 2

	hookPreRouting  = 0
	hookForward     = 2
	hookPostRouting = 4
	hookIngress     = 5 // of the inet family
)

var familyNames = map[byte]string{familyInet: "inet", familyIPv4: hookIPv4, familyIPv6: hookIPv6, familyNetdev: "netdev"}

func nftRequest(message uint16) request {
	return request{unix.NFNL_SUBSYS_NFTABLES<<8 | message, make([]byte, sizeofNfgenmsg)}
}

// nftables adds the base chains and flowtables that can see forwarded packets.
func (k *sensors) nftables(h hooks) error {
	if k.netfilter == nil {
		return nil
	}
	found := hooks{}
	for _, d := range []struct {
		what   string
		ask    request
		decode func([]byte) (string, bool, error)
	}{
		{"chains", nftRequest(unix.NFT_MSG_GETCHAIN), decodeChain},
		{"flowtables", nftRequest(unix.NFT_MSG_GETFLOWTABLE), decodeFlowtable},
	} {
		part := hooks{}
		err := ask(k.netfilter, d.ask, func() { clear(part) }, func(m netlink.Message) error {
			name, ok, err := d.decode(m.Data)
			if ok {
				part.add("nft", familyNames[m.Data[0]], name)
			}
			return err
		})
		if err != nil && !absent(err) {
			return fmt.Errorf("introspect: dump nftables %s: %w", d.what, err)
		}
		for name, hook := range part {
			found[name] = hook
		}
	}
	for name, hook := range found {
		h[name] = hook
	}
	if k.unlisted {
		return k.trackingRules(h)
	}
	return nil
}

// baseChain is a base chain as it is read.
type baseChain struct {
	table, name string
	hooked      bool
	hook        uint32
	devices     []string
}

// decodeChain reads NFT_MSG_NEWCHAIN and names the chain if forwarded packets can pass its hook.
func decodeChain(b []byte) (string, bool, error) {
	if len(b) < sizeofNfgenmsg {
		return "", false, errShort
	}
	family, c := b[0], baseChain{}
	if err := attributes(b[sizeofNfgenmsg:], c.attribute); err != nil {
		return "", false, err
	}
	if !c.hooked || !hookSees(family, c.hook) {
		return "", false, nil
	}
	words := append([]string{familyNames[family], c.table, c.name}, c.devices...)
	return strings.Join(words, " "), true, nil
}

func (c *baseChain) attribute(kind uint16, data []byte) error {
	switch kind {
	case unix.NFTA_CHAIN_TABLE:
		return set(&c.table, readString, data)
	case unix.NFTA_CHAIN_NAME:
		return set(&c.name, readString, data)
	case unix.NFTA_CHAIN_HOOK:
		c.hooked = true
		return attributes(data, c.place)
	}
	return nil
}

func (c *baseChain) place(kind uint16, data []byte) error {
	switch kind {
	case unix.NFTA_HOOK_HOOKNUM:
		return set(&c.hook, readBigU32, data)
	case unix.NFTA_HOOK_DEV:
		c.devices = append(c.devices, nameOf(data))
	}
	return nil
}

func nameOf(data []byte) string {
	name, _ := readString(data)
	return name
}

// hookSees tells whether forwarded packets can pass a hook. Bridge and ARP hooks it does not pass, local input and output
// neither; what is not known, it may.
func hookSees(family byte, hook uint32) bool {
	switch family {
	case familyNetdev:
		return true // ingress and egress of a device
	case familyIPv4, familyIPv6, familyInet:
		return hook == hookPreRouting || hook == hookForward || hook == hookPostRouting || hook >= hookIngress
	}
	return false
}

// decodeFlowtable reads NFT_MSG_NEWFLOWTABLE.
func decodeFlowtable(b []byte) (string, bool, error) {
	if len(b) < sizeofNfgenmsg {
		return "", false, errShort
	}
	var table, name string
	err := attributes(b[sizeofNfgenmsg:], func(kind uint16, data []byte) error {
		switch kind {
		case nftaFlowtableTable:
			return set(&table, readString, data)
		case nftaFlowtableName:
			return set(&name, readString, data)
		}
		return nil
	})
	family, known := familyNames[b[0]]
	return "flowtable " + family + " " + table + " " + name, known && err == nil, err
}

// readBigU64 is readBigU32 of 64 bits.
func readBigU64(b []byte) (uint64, error) {
	if err := wantSize(b, 8); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

// readBigU32 reads an integer of network byte order, as netfilter sends them.
func readBigU32(b []byte) (uint32, error) {
	if err := wantSize(b, 4); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}
