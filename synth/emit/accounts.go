package emit

import (
	"encoding/binary"
	"net/netip"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Places in an account: packets and bytes of the original direction and of the other, the original tuple of the connection,
// whether it goes on, and the address of the connection's entry, which is the key, too. A program opens it with the connection's
// first packet; it is ended when the entry's memory is about to be freed.
const (
	accountSums  = 0
	accountTuple = 32
	accountState = accountTuple + tupleBytes
	tupleBytes   = 40

	// AccountState is where an account says whether it goes on, four bytes.
	AccountState = accountState
	// AccountEntry is where it says of which entry it is: the memory of an account that was removed may be another one's by now.
	AccountEntry = accountState + 8
	// AccountBytes is the size of an account.
	AccountBytes = AccountEntry + 8
)

// States of an account. It has neither for a moment, as long as it does not say whose it is.
const (
	AccountOpen  = 1
	AccountEnded = 2
)

// maxAccounts is how many connections have accounts: as many as the flow caches of both families hold.
const maxAccounts = 1 << 18

// Accounts describes the map of accounts. Memory is taken for those that there are.
func Accounts() *ebpf.MapSpec {
	return &ebpf.MapSpec{Name: MapAccounts, Type: ebpf.Hash, KeySize: 8, ValueSize: AccountBytes, MaxEntries: maxAccounts,
		Flags: unix.BPF_F_NO_PREALLOC}
}

// Account is what programs have counted for one connection.
type Account struct {
	Protocol     uint8
	Source, Dest netip.AddrPort // of its first packet
	Sums         [2]Sum         // in that direction, and against it
}

// Sum is packets and their bytes, of the IP packet as the kernel counts them.
type Sum struct{ Packets, Bytes uint64 }

// ParseAccount decodes an account; it is false of one that has ended, or is being opened.
func ParseAccount(b [AccountBytes]byte) (a Account, ok bool) {
	const family, dest, protocol = 18, 20, 38 // in a tuple
	tuple := b[accountTuple : accountTuple+tupleBytes]
	end := func(at int) netip.AddrPort {
		size := 16
		if binary.NativeEndian.Uint16(tuple[family:]) == unix.AF_INET {
			size = 4
		}
		addr, _ := netip.AddrFromSlice(tuple[at : at+size])
		return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(tuple[at+16:]))
	}
	a = Account{Protocol: tuple[protocol], Source: end(0), Dest: end(dest)}
	for i := range a.Sums {
		sum := b[accountSums+16*i:]
		a.Sums[i] = Sum{binary.NativeEndian.Uint64(sum), binary.NativeEndian.Uint64(sum[8:])}
	}
	return a, binary.NativeEndian.Uint32(b[accountState:]) == AccountOpen
}
