package script

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/slowpath/lab"
)

// How many frames are sent at once, and how long nothing comes when all have come.
const (
	someFrames = 40
	quiet      = 60 * time.Millisecond
)

// marked is the type of the frames that are counted. Behind it they have a number that no others have.
const marked = experimental + 1

// frames HOST TO TAGS sends some frames from one host to another, or to all, and tells how many of them each host is
// given, and with which VLAN tags. TAGS are VLAN identifiers from the outermost, those of service providers as ad:VID;
// "-" is none, and "cut" a tag that ends too soon.
func (p *play) frames(line, from, to, tags string) error {
	p.marks++
	frame, err := p.tagged(from, to, tags)
	if err != nil {
		return err
	}
	ears, err := p.listeners()
	if err != nil {
		return err
	}
	defer func() {
		for _, fd := range ears {
			unix.Close(fd)
		}
	}()
	out, err := p.packetSocket(from, 0)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	for range someFrames {
		if _, err := unix.Write(out, frame); err != nil {
			return err
		}
	}
	got := map[string]int{}
	for end := time.Now().Add(lab.Patience(quiet)); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for i, fd := range ears {
			if p.hear(fd, fmt.Sprintf("h%d", i+1), got) {
				end = time.Now().Add(lab.Patience(quiet))
			}
		}
	}
	p.say(line, tell(got))
	return nil
}

// tell lists what was counted.
func tell(got map[string]int) string {
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(got)) {
		lines = append(lines, fmt.Sprintf("%s %d", what, got[what]))
	}
	return strings.Join(lines, "\n")
}

// tagged makes a frame with tags.
func (p *play) tagged(from, to, tags string) ([]byte, error) {
	f := slices.Concat(net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, hostMAC(from))
	if to != "all" {
		copy(f, hostMAC(to))
	}
	if tags == "cut" {
		return append(f, 0x81, 0, 0), nil
	}
	for word := range strings.SplitSeq(strings.TrimPrefix(tags, "-"), ",") {
		if word == "" {
			continue
		}
		number, ad := strings.CutPrefix(word, "ad:")
		vid, err := strconv.ParseUint(number, 10, 12)
		if err != nil {
			return nil, err
		}
		kind := uint16(unix.ETH_P_8021Q)
		if ad {
			kind = unix.ETH_P_8021AD
		}
		f = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(f, kind), uint16(vid))
	}
	f = binary.BigEndian.AppendUint16(f, marked)
	return append(binary.BigEndian.AppendUint64(f, p.marks), make([]byte, 60)...), nil
}

// listeners opens a socket at each host that is shown all frames that come to it.
func (p *play) listeners() (all []int, err error) {
	for i := range p.hosts {
		fd, err := p.packetSocket(fmt.Sprintf("h%d", i+1), unix.ETH_P_ALL)
		if err != nil {
			return all, err
		}
		all = append(all, fd)
		for _, option := range []int{unix.PACKET_AUXDATA, unix.PACKET_IGNORE_OUTGOING} {
			if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, option, 1); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// hear counts what a host has been given, if there is anything.
func (p *play) hear(fd int, host string, got map[string]int) (some bool) {
	var frame, aux [256]byte
	for {
		n, more, _, _, err := unix.Recvmsg(fd, frame[:], aux[:], unix.MSG_DONTWAIT)
		if err != nil {
			return some
		}
		if tags, ok := p.ours(frame[:n], aux[:more]); ok {
			got[host+" is given, tags "+tags+":"]++
			some = true
		}
	}
}

// ours tells whether a frame is one of those that were sent last, and names its tags: one that the kernel has taken off
// is beside the frame.
func (p *play) ours(f, aux []byte) (tags string, ok bool) {
	var all []string
	if messages, err := unix.ParseSocketControlMessage(aux); err == nil && len(messages) == 1 && len(messages[0].Data) >= 20 {
		beside := messages[0].Data // struct tpacket_auxdata
		if binary.NativeEndian.Uint32(beside)&unix.TP_STATUS_VLAN_VALID != 0 {
			all = append(all, tagName(binary.NativeEndian.Uint16(beside[18:]), binary.NativeEndian.Uint16(beside[16:])))
		}
	}
	f = f[min(len(f), 12):]
	for len(f) >= 4 && (f[0] == 0x81 || f[0] == 0x88 && f[1] == 0xa8) {
		all = append(all, tagName(binary.BigEndian.Uint16(f), binary.BigEndian.Uint16(f[2:])))
		f = f[4:]
	}
	ok = len(f) >= 10 && binary.BigEndian.Uint16(f) == marked && binary.BigEndian.Uint64(f[2:]) == p.marks
	if len(all) == 0 {
		return "-", ok
	}
	return strings.Join(all, ","), ok
}

func tagName(kind, tci uint16) string {
	if kind == unix.ETH_P_8021AD {
		return fmt.Sprintf("ad:%d", tci)
	}
	return fmt.Sprint(tci)
}
