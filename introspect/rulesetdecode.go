package introspect

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Decoders of the messages of nftables. Attributes are numbered as in linux/netfilter/nf_tables.h; those that say nothing
// about packets are harmless: counts of users, padding, ids within a transaction, and the notes of user space.

// nftMessage gives the family and the attributes of a message.
func nftMessage(b []byte) (family uint8, rest []byte, err error) {
	if len(b) < sizeofNfgenmsg {
		return 0, nil, errShort
	}
	return b[0], b[sizeofNfgenmsg:], nil
}

var harmlessTable = setOf(3, 5, 6, 7) // its owner is told by a flag

const (
	tableFlags   = 1 | 2 | 4 // dormant, owner, persist
	tableOwner   = 2
	tablePersist = 4
)

// decodeTable reads NFT_MSG_NEWTABLE.
func decodeTable(b []byte) (t Table, err error) {
	if t.Key.Family, b, err = nftMessage(b); err != nil {
		return t, err
	}
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return set(&t.Key.Name, readString, data)
		case 2:
			return set(&t.Flags, readBigU32, data)
		case 4:
			return set(&t.Handle, readBigU64, data)
		}
		harmlessTable.note(&t.Unknown, kind)
		return nil
	})
	if t.Flags&^tableFlags != 0 {
		t.Unknown = append(t.Unknown, "flags")
	}
	if t.Flags&tableDormant != 0 {
		// Shown from when a commit that says so is prepared, also one that is given up: the chains may be on their hooks.
		t.Unknown = append(t.Unknown, "dormant")
	}
	if t.Flags&(tableOwner|tablePersist) == tableOwner {
		t.Unknown = append(t.Unknown, "owner") // it goes with its owner, in silence
	}
	return t, err
}

var harmlessChain = setOf(chainUse, 9, 11, 12)

const chainUse = 6 // NFTA_CHAIN_USE

const (
	chainBinding = 4
	chainFlags   = 1 | 2 | chainBinding // base, offload, binding
)

// decodeChain reads NFT_MSG_NEWCHAIN.
func decodeChain(b []byte) (c Chain, err error) {
	if c.Key.Family, b, err = nftMessage(b); err != nil {
		return c, err
	}
	err = attributes(b, c.attribute)
	if c.Flags&^chainFlags != 0 {
		c.Unknown = append(c.Unknown, "flags")
	}
	return c, err
}

func (c *Chain) attribute(kind uint16, data []byte) error {
	switch kind {
	case 1:
		return set(&c.Key.Table, readString, data)
	case 2:
		return set(&c.Handle, readBigU64, data)
	case 3:
		return set(&c.Key.Name, readString, data)
	case 4:
		c.Base = true
		return attributes(data, c.place)
	case 5:
		return set(&c.Policy, readBigU32, data)
	case 7:
		return set(&c.Type, readString, data)
	case 8:
		c.Counts = true
		return nil
	case 10:
		return set(&c.Flags, readBigU32, data)
	}
	harmlessChain.note(&c.Unknown, kind)
	return nil
}

// place reads NFTA_HOOK_*.
func (c *Chain) place(kind uint16, data []byte) error {
	switch kind {
	case 1:
		return set(&c.Hook, readBigU32, data)
	case 2:
		return set(&c.Priority, readBigS32, data)
	case 3:
		return addDevice(&c.Devices, data, "")
	case 4:
		return readDevices(&c.Devices, data)
	}
	c.Unknown = append(c.Unknown, "hook-"+unknownAttribute(kind))
	return nil
}

// readDevices reads NFTA_DEVICE_*: names, and beginnings of names, which are written with an asterisk.
func readDevices(to *[]string, data []byte) error {
	return attributes(data, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return addDevice(to, data, "")
		case 2:
			return addDevice(to, data, "*")
		}
		return fmt.Errorf("a device by %s", unknownAttribute(kind))
	})
}

func addDevice(to *[]string, data []byte, suffix string) error {
	name, err := readString(data)
	if name += suffix; err == nil && !slices.Contains(*to, name) {
		*to = append(*to, name) // a single one is shown twice
	}
	return err
}

var harmlessChainRule = setOf(6, 8, 9)

// decodeChainRule reads NFT_MSG_NEWRULE.
func decodeChainRule(b []byte) (k ChainKey, r ChainRule, err error) {
	if k.Family, b, err = nftMessage(b); err != nil {
		return k, r, err
	}
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return set(&k.Table, readString, data)
		case 2:
			return set(&k.Name, readString, data)
		case 3:
			return set(&r.Handle, readBigU64, data)
		case 4:
			return set(&r.Exprs, readExprs, data)
		case 7:
			return set(&r.Comment, readComment, data)
		}
		harmlessChainRule.note(&r.Unknown, kind)
		return nil
	})
	return k, r, err
}

func readExprs(b []byte) (all []Expr, err error) {
	var a attrs
	err = attributes(b, func(kind uint16, data []byte) error {
		if kind != nftaListElement {
			return fmt.Errorf("%s in a list", unknownAttribute(kind))
		}
		e, err := a.expr(data)
		all = append(all, e)
		return err
	})
	return all, err
}

// readComment finds the comment among the notes of user space: each has a byte for its kind and one for its length.
func readComment(b []byte) (string, error) {
	const comment = 0
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if b[0] == comment {
			return readString(b[2 : 2+int(b[1])])
		}
		b = b[2+int(b[1]):]
	}
	return "", nil
}

// decodeObject reads NFT_MSG_NEWOBJ.
func decodeObject(b []byte) (o StatefulObject, err error) {
	if o.Key.Family, b, err = nftMessage(b); err != nil {
		return o, err
	}
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return set(&o.Key.Table, readString, data)
		case 2:
			return set(&o.Key.Name, readString, data)
		case 3:
			return set(&o.Key.Type, readBigU32, data)
		case 6:
			return set(&o.Handle, readBigU64, data)
		}
		return nil
	})
	return o, err
}

// decodeFlowtable reads NFT_MSG_NEWFLOWTABLE.
func decodeFlowtable(b []byte) (f Flowtable, err error) {
	if f.Key.Family, b, err = nftMessage(b); err != nil {
		return f, err
	}
	err = attributes(b, func(kind uint16, data []byte) error {
		switch kind {
		case 1:
			return set(&f.Key.Table, readString, data)
		case 2:
			return set(&f.Key.Name, readString, data)
		case 3:
			return attributes(data, f.place)
		case 5:
			return set(&f.Handle, readBigU64, data)
		case 7:
			return set(&f.Flags, readBigU32, data)
		}
		return nil
	})
	return f, err
}

// place reads NFTA_FLOWTABLE_HOOK_*.
func (f *Flowtable) place(kind uint16, data []byte) error {
	switch kind {
	case 1:
		return set(&f.Hook, readBigU32, data)
	case 2:
		return set(&f.Priority, readBigS32, data)
	case 3:
		return readDevices(&f.Devices, data)
	}
	return nil
}

// decodeGeneration reads NFT_MSG_NEWGEN.
func decodeGeneration(b []byte) (id uint32, err error) {
	if _, b, err = nftMessage(b); err != nil {
		return 0, err
	}
	found := false
	err = attributes(b, func(kind uint16, data []byte) error {
		if kind != 1 {
			return nil
		}
		found = true
		return set(&id, readBigU32, data)
	})
	if err == nil && !found {
		err = errShort
	}
	return id, err
}

// eachExpression walks the names of the expressions in a list.
func eachExpression(b []byte, f func(string)) error {
	return attributes(b, func(kind uint16, data []byte) error {
		if kind != nftaListElement {
			return nil
		}
		return attributes(data, func(kind uint16, data []byte) error {
			if kind == nftaExprName {
				f(nameOf(data))
			}
			return nil
		})
	})
}

// expressionNames are the names of the expressions in a list, joined.
func expressionNames(b []byte) (string, error) {
	var names []string
	err := eachExpression(b, func(name string) { names = append(names, name) })
	return strings.Join(names, "+"), err
}

// oneExpression is the name of an expression that stands alone.
func oneExpression(b []byte) (name string, err error) {
	err = attributes(b, func(kind uint16, data []byte) error {
		if kind != unix.NFTA_EXPR_NAME {
			return nil
		}
		return set(&name, readString, data)
	})
	return name, err
}

const nftaListElement = 1

func nameOf(data []byte) string {
	name, _ := readString(data)
	return name
}
