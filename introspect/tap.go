package introspect

import (
	"fmt"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Numbers of linux/sock_diag.h and linux/packet_diag.h.
const (
	sockDiagByFamily  = 20
	packetShowInfo    = 1 << 0
	packetShowFilter  = 1 << 5
	packetDiagInfo    = 0
	packetDiagFilter  = 7
	sizeofPacketReq   = 20
	sizeofPacketMsg   = 16
	sizeofSockFilter  = 8
	packetInfoMinimum = 4
)

// decodeTap reads struct packet_diag_msg. Sockets that can receive nothing are not ok.
func decodeTap(b []byte) (t Tap, ok bool, err error) {
	if len(b) < sizeofPacketMsg {
		return t, false, errShort
	}
	if b[0] != unix.AF_PACKET {
		return t, false, nil
	}
	t.Protocol, t.Key.Inode = native.Uint16(b[2:]), uint64(native.Uint32(b[4:]))
	var filter []bpf.RawInstruction
	err = attributes(b[sizeofPacketMsg:], func(kind uint16, data []byte) (err error) {
		switch kind {
		case packetDiagInfo:
			if len(data) < packetInfoMinimum {
				return errShort
			}
			t.Index = Index(int32(native.Uint32(data)))
		case packetDiagFilter:
			filter, err = decodeFilterCode(data)
		}
		return err
	})
	if err != nil || t.Index < 0 || t.Protocol == 0 {
		return Tap{}, false, err // its interface is gone, or it only sends
	}
	t.Harmless = !seesIP(t.Protocol) || len(filter) > 0 && harmlessFilter(filter, b[1] == unix.SOCK_DGRAM, t.Protocol == unix.ETH_P_ALL)
	t.Groups = len(filter) > 0 && groupFilter(filter, b[1] == unix.SOCK_DGRAM)
	return t, true, nil
}

// seesIP tells whether a packet socket bound to a protocol can be given an IP frame without a VLAN tag.
func seesIP(protocol uint16) bool {
	return protocol == unix.ETH_P_ALL || protocol == unix.ETH_P_IP || protocol == unix.ETH_P_IPV6
}

// decodeFilterCode reads an array of struct sock_filter.
func decodeFilterCode(b []byte) ([]bpf.RawInstruction, error) {
	if len(b)%sizeofSockFilter != 0 {
		return nil, fmt.Errorf("filter of %d bytes", len(b))
	}
	code := make([]bpf.RawInstruction, 0, len(b)/sizeofSockFilter)
	for ; len(b) > 0; b = b[sizeofSockFilter:] {
		code = append(code, bpf.RawInstruction{Op: native.Uint16(b), Jt: b[2], Jf: b[3], K: native.Uint32(b[4:])})
	}
	return code, nil
}
