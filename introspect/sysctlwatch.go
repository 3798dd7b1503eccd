package introspect

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/hone-net/hone/slowpath"
)

const (
	holdLimit = 50 * time.Millisecond // how long a write may take to show
	holdStep  = time.Millisecond
)

// sysctlWatch is a program on the root of cgroup2 that counts writes below sysctlPlaces, and the writes that are not accounted for
// yet: the program runs before the value is stored, so the Watcher waits until /proc shows it.
type sysctlWatch struct {
	ring    *ebpf.Map
	program *ebpf.Program
	link    link.Link
	reader  *ringbuf.Reader
	record  ringbuf.Record
	here    uint64 // the network namespace that is watched
	holds   []hold
	lost    uint64
}

// hold is a write that is not accounted for; without a path it stands for some that are not known.
type hold struct {
	path, value string
	space       uint64 // the writer's network namespace, 0 if not known
	count       uint64
	until       time.Time
}

// watchSysctls attaches the program to the root of cgroup2. Where that cannot be, sysctls have to be polled.
func watchSysctls(l *ledger, root string) (*sysctlWatch, error) {
	w := &sysctlWatch{here: namespaceHere()}
	if err := w.attach(l, root); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *sysctlWatch) attach(l *ledger, root string) (err error) {
	if w.ring, err = ebpf.NewMap(&ebpf.MapSpec{Name: "sysctls", Type: ebpf.RingBuf, MaxEntries: 1 << 16}); err != nil {
		return fmt.Errorf("introspect: make ring of sysctl writes: %w", err)
	}
	if err = w.load(l, ownSpace); err != nil {
		err = w.load(l, writerSpace) // before Linux 6.2
	}
	if err != nil {
		return fmt.Errorf("introspect: load sysctl program: %w", err)
	}
	if w.reader, err = ringbuf.NewReader(w.ring); err != nil {
		return fmt.Errorf("introspect: read ring of sysctl writes: %w", err)
	}
	w.link, err = link.AttachCgroup(link.CgroupOptions{Path: root, Attach: ebpf.AttachCGroupSysctl, Program: w.program})
	if err != nil {
		return fmt.Errorf("introspect: attach sysctl program: %w", err)
	}
	return nil
}

func (w *sysctlWatch) load(l *ledger, ask spaceAsker) error {
	code, err := sysctlProgram(&l.counters, w.ring.FD(), ask)
	if err != nil {
		return err
	}
	w.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "hone_sysctl", Type: ebpf.CGroupSysctl,
		AttachType: ebpf.AttachCGroupSysctl, Instructions: code, License: "GPL"})
	return err
}

// takeSysctls reads the ring, and accounts for the writes that show, or that had their time.
func (w *Watcher) takeSysctls() error {
	if w.sysctls == nil {
		return nil
	}
	if err := w.sysctls.read(w.ledger); err != nil {
		return err
	}
	left := w.sysctls.holds[:0]
	for _, h := range w.sysctls.holds {
		if !h.shows() && time.Now().Before(h.until) {
			left = append(left, h)
			continue
		}
		s, err := w.readHeld(h)
		if err != nil {
			return err
		}
		w.s = s
		for d := range slowpath.NumDomains {
			if toConfig&(1<<d) != 0 {
				w.ledger.sysctls[d] += h.count
			}
		}
	}
	w.sysctls.holds = left
	return nil
}

func (w *Watcher) readHeld(h hold) (*Snapshot, error) {
	if h.path == "" || strings.HasSuffix(h.path, "/disable_ipv6") {
		w.passed = false
		w.stale.kinds(Routes6) // with skip_notify_on_dev_down they are flushed in silence
	}
	if h.path == "" || spreads(h.path) {
		return readSysctls(w.s)
	}
	if device, ok := ends(h.path); ok {
		return readDeviceSysctls(w.s, []string{device})
	}
	if !tracked(h.path) {
		return w.s, nil
	}
	n := *w.s
	err := n.readSysctl(h.path)
	return changed(w.s, &n), err
}

// tracked tells whether a path is one of those in a Snapshot.
func tracked(path string) bool {
	if slices.Contains(globalSysctls, path) || slices.Contains(trackingSysctls, path) || slices.Contains(bridgeSysctls, path) {
		return true
	}
	words := strings.Split(path, "/")
	if len(words) != 4 || words[1] != "conf" || words[2] == "default" {
		return false
	}
	if words[0] == "ipv6" {
		return words[2] != "all" && slices.Contains(deviceSysctls6, words[3])
	}
	return slices.Contains(deviceSysctls, words[3])
}

// spreads tells whether a write changes other values with its own: conf/default those of the devices that never had one of
// their own, forwarding for all what is accepted of redirects, and IPv6 for all that of the devices.
func spreads(path string) bool {
	words := strings.Split(path, "/")
	switch {
	case len(words) == 2:
		return words[1] == "ip_forward"
	case len(words) != 4 || words[1] != "conf":
		return false
	case words[2] == "all":
		return words[3] == "forwarding" || words[3] == "disable_ipv6"
	}
	return words[2] == "default" && words[0] == "ipv4" && tracked(strings.Replace(path, "default", "all", 1))
}

// ends tells whether a write may end that routers announce the MTU of a device: what they announced until then shows in a
// sysctl of which nobody told.
func ends(path string) (device string, ok bool) {
	words := strings.Split(path, "/")
	if len(words) != 4 || words[0] != "ipv6" || words[1] != "conf" || words[2] == "all" || words[2] == "default" {
		return "", false
	}
	return words[2], words[3] == "accept_ra" || words[3] == "accept_ra_mtu" || words[3] == "forwarding"
}

// shows tells whether the written value is there, or will never be: of what is not read, and of devices that this
// namespace does not have. What others change with it cannot be known to show before the time is up.
func (h hold) shows() bool {
	if h.path == "" || spreads(h.path) {
		return false
	}
	if _, ok := ends(h.path); !ok && !tracked(h.path) {
		return true
	}
	value, err := readSysctl(h.path)
	return missing(err) || err == nil && sameValue(value, h.value)
}

// sameValue compares what /proc shows with what was written to it.
func sameValue(shown, written string) bool {
	written = strings.TrimSpace(written)
	if shown == written {
		return true
	}
	a, err := strconv.ParseInt(shown, 10, 64)
	if err != nil {
		return false
	}
	b, err := strconv.ParseInt(written, 0, 64)
	return err == nil && a == b
}

// read takes the records out of the ring.
func (w *sysctlWatch) read(l *ledger) error {
	until := time.Now().Add(holdLimit)
	for w.reader.AvailableBytes() > 0 {
		w.reader.SetDeadline(time.Now())
		err := w.reader.ReadInto(&w.record)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return fmt.Errorf("introspect: read sysctl write: %w", err)
		}
		if h, ok := decodeRecord(w.record.RawSample); ok {
			if h.until = until; h.space != 0 && w.here != 0 && h.space != w.here {
				h.until = time.Time{} // another namespace's, or its value is on its way through a file opened here
			}
			w.holds = append(w.holds, h)
		}
	}
	if lost := l.lost(); lost != w.lost {
		w.holds = append(w.holds, hold{count: lost - w.lost, until: until})
		w.lost = lost
	}
	return nil
}

func decodeRecord(b []byte) (hold, bool) {
	if len(b) < recordSize {
		return hold{}, false
	}
	name, _, _ := bytes.Cut(b[:recordName], []byte{0})
	value, _, _ := bytes.Cut(b[recordName:recordName+recordValue], []byte{0})
	return hold{path: strings.TrimPrefix(string(name), "net/"), value: string(value), count: 1,
		space: native.Uint64(b[recordName+recordValue:])}, true
}

// waiting tells whether some writes are not accounted for.
func (w *sysctlWatch) waiting() bool { return len(w.holds) > 0 }

func (w *sysctlWatch) descriptors() []int {
	if l, ok := w.link.(interface{ FD() int }); ok {
		return []int{l.FD()}
	}
	return nil
}

func (w *sysctlWatch) close() error {
	var errs []error
	if w.link != nil {
		errs = append(errs, w.link.Close())
	}
	if w.reader != nil {
		errs = append(errs, w.reader.Close())
	}
	if w.program != nil {
		errs = append(errs, w.program.Close())
	}
	if w.ring != nil {
		errs = append(errs, w.ring.Close())
	}
	return errors.Join(errs...)
}
