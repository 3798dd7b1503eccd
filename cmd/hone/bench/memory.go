package bench

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// memory is what an agent occupies, in millions of bytes.
type memory struct {
	rss, peak float64 // of its process, what it shares with the kernel's tables included
	tables    float64 // of the maps of its programs
}

func (d *daemon) memory() (m memory, err error) {
	if m.rss, err = d.proc("VmRSS:"); err != nil {
		return m, err
	}
	if m.peak, err = d.proc("VmHWM:"); err != nil {
		return m, err
	}
	m.tables, err = d.tables()
	return m, err
}

// proc reads a size out of the process's status, in which it stands in units of 1024 bytes.
func (d *daemon) proc(name string) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("bench: read memory of honed: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == name {
			kib, err := strconv.ParseFloat(words[1], 64)
			return kib * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("bench: read memory of honed: no %s", name)
}

// tables sums up the maps of its programs, shared ones once.
func (d *daemon) tables() (float64, error) {
	s, err := d.status()
	if err != nil {
		return 0, err
	}
	sizes := map[ebpf.MapID]uint64{}
	for _, i := range s.Interfaces {
		if i.Program != nil {
			if err := mapSizes(ebpf.ProgramID(i.Program.ID), sizes); err != nil {
				return 0, err
			}
		}
	}
	sum := uint64(0)
	for _, n := range sizes {
		sum += n
	}
	return float64(sum) / 1e6, nil
}

func mapSizes(id ebpf.ProgramID, sizes map[ebpf.MapID]uint64) error {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return fmt.Errorf("bench: open program %d: %w", id, err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return fmt.Errorf("bench: ask for program %d: %w", id, err)
	}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			return fmt.Errorf("bench: open map %d: %w", id, err)
		}
		info, err := m.Info()
		m.Close()
		if err != nil {
			return fmt.Errorf("bench: ask for map %d: %w", id, err)
		}
		sizes[id], _ = info.Memlock()
	}
	return nil
}

// cpuTime is how long the agent has run so far.
func (d *daemon) cpuTime() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("bench: read time of honed: %w", err)
	}
	// The name, which may hold spaces, ends with the last parenthesis; utime and stime are words 14 and 15 of all.
	words := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(words) < 13 {
		return 0, fmt.Errorf("bench: read time of honed: %d words", len(words))
	}
	user, err := strconv.Atoi(words[11])
	if err != nil {
		return 0, fmt.Errorf("bench: read time of honed: %w", err)
	}
	system, err := strconv.Atoi(words[12])
	if err != nil {
		return 0, fmt.Errorf("bench: read time of honed: %w", err)
	}
	const tick = 10 * time.Millisecond // 1 / USER_HZ
	return time.Duration(user+system) * tick, nil
}
