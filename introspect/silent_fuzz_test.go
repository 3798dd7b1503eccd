package introspect

import (
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// FuzzSilentDecoders feeds the decoders of everything that is not rtnetlink.
func FuzzSilentDecoders(f *testing.F) {
	inner := append(attribute32(ethtoolHeaderIndex, 3), 0, 0, 0, 0)
	f.Add(append([]byte{unix.AF_PACKET, unix.SOCK_RAW, 3, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, attribute32(packetDiagInfo, 2)...))
	f.Add(append([]byte{familyInet, 0, 0, 0}, nested(unix.NFTA_CHAIN_HOOK, 0)...))
	f.Add(append([]byte{familyIPv4, 0, 0, 0, 5, 0, 1, 0, 't', 0, 0, 0}, append(nested(unix.NFTA_CHAIN_HOOK, 8), attribute32(unix.NFTA_HOOK_HOOKNUM, 0)...)...))
	f.Add(append(nested(ethtoolBitsetBits, 20), nested(ethtoolBit, 12)...))
	f.Add(append(nested(ethtoolHeader, len(inner)), inner...))
	f.Add(append([]byte("net/ipv4/conf/all/accept_local"), make([]byte, recordSize)...))
	f.Add([]byte("sk RefCnt\n0000 3 3 0003 2 1 0 0 77\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if tap, ok, err := decodeTap(b); ok && (err != nil || tap.Protocol == 0) {
			t.Errorf("%v, %v", tap, err)
		}
		if taps, err := decodeTaps(b); err == nil && taps == nil {
			t.Error("no taps and no error")
		}
		if _, foreign, err := decodeHook(b); foreign && err != nil {
			t.Error(err)
		}
		_ = eachFeature(b, func(string) {})
		if taps, err := parsePacketFile(string(b)); err == nil && taps == nil {
			t.Error("no taps and no error")
		}
		if h, ok := decodeRecord(b); ok && h.count != 1 {
			t.Error("a record that does not count")
		} else if ok {
			tracked(h.path)
			sameValue(h.value, h.value)
		}
		(&stale{}).takeGeneric(&sensors{}, netlinkMessage(b))
		_ = classify(b)
	})
}

func netlinkMessage(b []byte) netlink.Message { return netlink.Message{Data: b} }

// FuzzTakeDatagram folds arbitrary datagrams as notifications: an error may end the watch, a panic may not.
func FuzzTakeDatagram(f *testing.F) {
	for _, m := range recorded(f) {
		f.Add(uint8(unix.NETLINK_ROUTE), encodeMessage(m))
	}
	f.Add(uint8(unix.NETLINK_NETFILTER), encodeMessage(netlink.Message{Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES << 8}}))
	f.Fuzz(func(t *testing.T, protocol uint8, b []byte) {
		w := &Watcher{s: &Snapshot{}, ledger: &ledger{}, sensors: &sensors{}, unsettled: map[RouteKey]bool{}}
		l := &listener{protocol: int(protocol)}
		if protocol == unix.NETLINK_ROUTE {
			l.account = &account{}
		}
		_ = w.take(l, datagram{data: b, space: -1})
		w.s, w.far = &Snapshot{Links: Map[Index, Link]{}.With(3, Link{Index: 3, Kind: "veth", SlaveKind: "bridge", Lower: 2})}, l
		_ = w.take(l, datagram{data: b})
	})
}

func encodeMessage(m netlink.Message) []byte {
	b := native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(m.Data)))
	b = native.AppendUint16(b, uint16(m.Header.Type))
	b = native.AppendUint16(b, uint16(m.Header.Flags))
	return append(append(b, make([]byte, 8)...), m.Data...)
}
