package introspect

import (
	"fmt"
	"strconv"
	"strings"
)

// A notification that the kernel makes of the reserves of its memory reaches no socket that does not itself help to free
// memory: sk_filter_trim_cap drops it before the filter that would count it, and without ENOBUFS. It counts that it did, by
// network namespace (PFMemallocDrop).

// lookAtReserves starts over when that has happened.
func (w *Watcher) lookAtReserves() error {
	dropped, err := readReserves()
	if err != nil || dropped == w.reserves {
		return err
	}
	w.reserves = dropped
	return errLost
}

func readReserves() (uint64, error) {
	text, err := optionalFile("/proc/thread-self/net/netstat")
	if err != nil {
		return 0, err
	}
	return parseReserves(text)
}

// parseReserves finds the number in the two lines of TcpExt, names and values; a kernel without it counts none.
func parseReserves(text string) (uint64, error) {
	names, rest, _ := strings.Cut(text, "\n")
	values, _, _ := strings.Cut(rest, "\n")
	of, at := strings.Fields(values), 0
	for name := range strings.FieldsSeq(names) {
		if name == "PFMemallocDrop" {
			if at >= len(of) {
				return 0, fmt.Errorf("introspect: read netstat: no value of %s", name)
			}
			n, err := strconv.ParseUint(of[at], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("introspect: read netstat: %w", err)
			}
			return n, nil
		}
		at++
	}
	return 0, nil
}
