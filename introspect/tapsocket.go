package introspect

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// tapQuestion asks for every packet socket of the namespace, with its interface and filter.
var tapQuestion = packetQuestion()

func packetQuestion() []byte {
	b := native.AppendUint32(nil, unix.SizeofNlMsghdr+sizeofPacketReq)
	b = native.AppendUint16(b, sockDiagByFamily)
	b = native.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = append(b, 1, 0, 0, 0, 0, 0, 0, 0) // always the same sequence number, so that like answers are alike
	b = append(b, unix.AF_PACKET, 0, 0, 0, 0, 0, 0, 0)
	b = native.AppendUint32(b, packetShowInfo|packetShowFilter)
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

// tapSocket asks for packet sockets again and again. It is a socket of its own, for a dump this small is answered within
// the request, so that there is nothing to wait for, and an answer like the last needs no decoding.
type tapSocket struct {
	fd     int // -1 where the kernel has no packet_diag
	buffer []byte
	answer []byte           // the last, as it came
	taps   map[TapKey]Tap   // what it said
	seen   Map[TapKey, Tap] // the same in a Snapshot
}

func openTaps() (*tapSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if errors.Is(err, unix.EPROTONOSUPPORT) {
		return &tapSocket{fd: -1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("introspect: open socket for packet sockets: %w", err)
	}
	return &tapSocket{fd: fd, buffer: make([]byte, 64<<10)}, nil
}

func (t *tapSocket) close() error {
	if t == nil || t.fd < 0 {
		return nil
	}
	return unix.Close(t.fd)
}

// readTaps dumps the packet sockets. Without packet_diag every one of /proc/net/packet counts, since no filter can be
// read.
func (k *sensors) readTaps(s *Snapshot) (*Snapshot, error) {
	if k.taps.fd < 0 {
		return readPacketFile(s)
	}
	same, err := k.taps.dump()
	if absent(err) {
		return readPacketFile(s)
	}
	if err != nil {
		return s, fmt.Errorf("introspect: dump packet sockets: %w", err)
	}
	if same && s.Taps == k.taps.seen {
		return s, nil
	}
	n := *s
	n.Taps = become(s.Taps, k.taps.taps)
	k.taps.seen = n.Taps
	return changed(s, &n), nil
}

// dump asks, and tells whether the answer is the last one. The kernel goes on by number after each part of an answer, and
// passes over a socket where one that it has shown is closed meanwhile: another answer has to come twice.
func (t *tapSocket) dump() (same bool, err error) {
	changed := false
	for range maxTries {
		if same, err = t.dumpOnce(); retryable(err) {
			continue
		}
		if err != nil || same {
			return same && !changed, err
		}
		changed = true
	}
	return false, err
}

func (t *tapSocket) dumpOnce() (same bool, err error) {
	if err := unix.Sendto(t.fd, tapQuestion, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return false, err
	}
	var answer []byte
	for done := false; !done; {
		n, _, err := unix.Recvfrom(t.fd, t.buffer, unix.MSG_TRUNC)
		if err != nil {
			return false, err
		}
		if n > len(t.buffer) {
			return false, fmt.Errorf("message of %d bytes in %d", n, len(t.buffer))
		}
		if done, err = messages(t.buffer[:n], func(netlink.Message) error { return nil }); err != nil {
			return false, err
		}
		answer = append(answer, t.buffer[:n]...)
	}
	if bytes.Equal(answer, t.answer) {
		return true, nil
	}
	taps, err := decodeTaps(answer)
	if err == nil {
		t.answer, t.taps = answer, taps
	}
	return false, err
}

// decodeTaps reads a whole answer.
func decodeTaps(answer []byte) (map[TapKey]Tap, error) {
	taps := map[TapKey]Tap{}
	_, err := messages(answer, func(m netlink.Message) error {
		switch {
		case m.Header.Flags&netlink.DumpInterrupted != 0:
			return errTorn
		case m.Header.Type != sockDiagByFamily:
			return nil
		}
		t, ok, err := decodeTap(m.Data)
		if ok {
			taps[t.Key] = t
		}
		return err
	})
	return taps, err
}
