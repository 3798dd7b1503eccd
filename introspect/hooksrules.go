package introspect

import (
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Attributes of nftables rules that x/sys names otherwise, and families that it does not name.
const (
	nftaListElement = 1
	familyARP       = 3
)

// plainExpressions are those that register no hook of their own. Others, ct and nat above all, make connection tracking
// hook into the path of every packet, wherever their chain stands.
var plainExpressions = map[string]bool{"bitwise": true, "byteorder": true, "cmp": true, "counter": true, "dup": true,
	"dynset": true, "exthdr": true, "fib": true, "fwd": true, "hash": true, "immediate": true, "inner": true, "last": true,
	"limit": true, "log": true, "lookup": true, "meta": true, "notrack": true, "numgen": true, "osf": true, "payload": true,
	"queue": true, "quota": true, "range": true, "reject": true, "rt": true, "xfrm": true}

// trackingRules stands in for the list of hooks where the kernel has none: it adds the tables with a rule that makes
// other code hook in.
func (k *sensors) trackingRules(h hooks) error {
	found := hooks{}
	err := ask(k.netfilter, nftRequest(unix.NFT_MSG_GETRULE), func() { clear(found) }, func(m netlink.Message) error {
		name, ok, err := decodeRuleHook(m.Data)
		if ok {
			found.add("nft", familyNames[m.Data[0]], name)
		}
		return err
	})
	if err != nil && !absent(err) {
		return fmt.Errorf("introspect: dump nftables rules: %w", err)
	}
	for name, hook := range found {
		h[name] = hook
	}
	return nil
}

// decodeRuleHook reads NFT_MSG_NEWRULE and names the first expression that is not plain.
func decodeRuleHook(b []byte) (string, bool, error) {
	if len(b) < sizeofNfgenmsg {
		return "", false, errShort
	}
	if b[0] == familyARP {
		return "", false, nil
	}
	var table, hooking string
	err := attributes(b[sizeofNfgenmsg:], func(kind uint16, data []byte) error {
		switch kind {
		case unix.NFTA_RULE_TABLE:
			return set(&table, readString, data)
		case unix.NFTA_RULE_EXPRESSIONS:
			return eachExpression(data, func(name string) {
				if hooking == "" && !plainExpressions[name] {
					hooking = name
				}
			})
		}
		return nil
	})
	return "expression " + hooking + " in table " + familyNames[b[0]] + " " + table, hooking != "" && err == nil, err
}

// eachExpression walks the names of a rule's expressions.
func eachExpression(b []byte, f func(string)) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != nftaListElement {
			return nil
		}
		return attributes(data, func(kind uint16, data []byte) error {
			if kind == unix.NFTA_EXPR_NAME {
				f(nameOf(data))
			}
			return nil
		})
	})
}
