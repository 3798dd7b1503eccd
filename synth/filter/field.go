package filter

import "fmt"

// Base says what the place of a Field is counted from.
type Base uint8

// The bases: headers of the packet, and what is known of it beside.
const (
	Link      Base = iota // the Ethernet header
	Network               // the header of IPv4 or IPv6
	Transport             // what follows it
	Meta                  // At is one of the keys of Meta*
	Conn                  // what connection tracking knows: At is NFT_CT_*, of tuples with Conn*
)

// Keys of Meta that programs can tell (NFT_META_*).
const (
	MetaLen     = 0
	MetaMark    = 3
	MetaOIF     = 5
	MetaL4Proto = 16
)

// What is added to NFT_CT_* to tell the fields of a connection's tuples apart.
const (
	ConnReply = 1 << 8 // that of answers, not of the connection's first packet
	ConnLow   = 1 << 9 // the second half of an address of IPv6
)

// Field is a number that rules look at: Width (1, 2, 4 or 8) bytes of a header, most significant first, or a fact.
type Field struct {
	Base  Base
	At    int
	Width uint8
}

// Fields that are not always what stands in the frame.
var (
	FieldTTL      = Field{Network, 8, 1}
	FieldSum      = Field{Network, 10, 2}
	FieldHopLimit = Field{Network, 7, 1}
	fieldL4Proto  = Field{Meta, MetaL4Proto, 1}
)

// OIF is the index of the interface that the packet leaves by.
var OIF = Field{Meta, MetaOIF, 4}

var baseNames = [...]string{"link", "network", "transport", "meta", "ct"}

// String names the field.
func (f Field) String() string { return fmt.Sprintf("%s+%d.%d", baseNames[f.Base], f.At, f.Width) }

// ConnKey is the NFT_CT_* of a field of Conn.
func (f Field) ConnKey() int { return f.At &^ (ConnReply | ConnLow) }

// bits is the number of bits of the field.
func (f Field) bits() int { return 8 * int(f.Width) }

// most is the largest number that the field can hold.
func (f Field) most() uint64 {
	if f.Width >= 8 {
		return ^uint64(0)
	}
	return 1<<f.bits() - 1
}

// headers are the fields that headers consist of, by their places: what rules load of them is put together of these, so
// that all rules that look at an address look at the same field.
var (
	linkFields = []Field{{Link, 0, 4}, {Link, 4, 2}, {Link, 6, 4}, {Link, 10, 2}, {Link, 12, 2}}
	ip4Fields  = []Field{{Network, 0, 1}, {Network, 1, 1}, {Network, 2, 2}, {Network, 4, 2}, {Network, 6, 2}, FieldTTL,
		{Network, 9, 1}, FieldSum, {Network, 12, 4}, {Network, 16, 4}}
	ip6Fields = []Field{{Network, 0, 4}, {Network, 4, 2}, {Network, 6, 1}, FieldHopLimit, {Network, 8, 8}, {Network, 16, 8},
		{Network, 24, 8}, {Network, 32, 8}}
	transportFields = []Field{{Transport, 0, 2}, {Transport, 2, 2}, {Transport, 4, 2}, {Transport, 6, 2}, {Transport, 8, 4},
		{Transport, 12, 1}, {Transport, 13, 1}, {Transport, 14, 2}, {Transport, 16, 2}, {Transport, 18, 2}}
)

// fieldAt finds the field that holds a byte of a header.
func fieldAt(header []Field, at int) (Field, bool) {
	for _, f := range header {
		if f.At <= at && at < f.At+int(f.Width) {
			return f, true
		}
	}
	return Field{}, false
}
