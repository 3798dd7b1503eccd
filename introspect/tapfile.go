package introspect

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// readPacketFile lists the packet sockets from /proc, where their filters are not to be seen.
func readPacketFile(s *Snapshot) (*Snapshot, error) {
	text, err := os.ReadFile("/proc/thread-self/net/packet")
	if err != nil {
		return s, fmt.Errorf("introspect: list packet sockets: %w", err)
	}
	want, err := parsePacketFile(string(text))
	if err != nil {
		return s, fmt.Errorf("introspect: list packet sockets: %w", err)
	}
	n := *s
	n.Taps = become(s.Taps, want)
	return changed(s, &n), nil
}

// parsePacketFile reads lines of: sk RefCnt Type Proto Iface R Rmem User Inode.
func parsePacketFile(text string) (map[TapKey]Tap, error) {
	taps := map[TapKey]Tap{}
	_, body, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(body) {
		words := strings.Fields(line)
		if len(words) < 9 {
			return nil, fmt.Errorf("line %q has %d words", line, len(words))
		}
		protocol, err := strconv.ParseUint(words[3], 16, 16)
		if err != nil {
			return nil, fmt.Errorf("protocol: %w", err)
		}
		index, err := strconv.ParseInt(words[4], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("interface: %w", err)
		}
		inode, err := strconv.ParseUint(words[8], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("inode: %w", err)
		}
		if index < 0 || protocol == 0 {
			continue
		}
		k := TapKey{inode}
		taps[k] = Tap{Key: k, Index: Index(index), Protocol: uint16(protocol), Harmless: !seesIP(uint16(protocol))}
	}
	return taps, nil
}
