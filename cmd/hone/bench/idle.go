package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// idleMost is what an idle honed may use of a CPU, in nanoseconds a second: more could be measured by anybody.
const idleMost = 500_000

// idleRest is how long honed is left alone before it is measured: duplicate address detection has to end, and honed to
// find that nothing is used.
const idleRest = 12 * time.Second

var idleCase = Case{Name: "idle", Doc: "the CPU time that honed uses while nothing happens", run: func(o Options) (Result, error) {
	result := Result{Case: "idle", Figures: map[string]float64{}}
	r, err := newRouter(50)
	if err != nil {
		return result, err
	}
	defer r.close()
	d, err := r.honed()
	if err != nil {
		return result, err
	}
	defer d.stop()
	time.Sleep(idleRest)
	begin := time.Now()
	before, err := d.used()
	if err != nil {
		return result, err
	}
	time.Sleep(max(o.Time, 5*time.Second))
	after, err := d.used()
	if err != nil {
		return result, err
	}
	seconds := time.Since(begin).Seconds()
	result.Figures["seconds"] = seconds
	result.Figures["idle_ns_per_s"] = float64(after.run-before.run) / seconds
	result.Figures["idle_ticks"] = float64(after.ticks - before.ticks)
	result.Figures["wakings_per_s"] = float64(after.slices-before.slices) / seconds
	if ns := result.Figures["idle_ns_per_s"]; ns > idleMost {
		result.Failed = append(result.Failed, fmt.Sprintf("%.0f ns a second", ns))
	}
	return result, nil
}}

// usage is what the scheduler says of a process.
type usage struct {
	run    time.Duration // on a CPU, exactly
	slices int           // how often it was given one
	ticks  int           // user and system time as ps shows it, 1/100 s
}

// used sums over the threads of the agent: each has a schedstat of its own.
func (d *daemon) used() (u usage, err error) {
	root := fmt.Sprintf("/proc/%d/", d.cmd.Process.Pid)
	threads, err := filepath.Glob(root + "task/*/schedstat")
	if err != nil {
		return u, fmt.Errorf("bench: list threads: %w", err)
	}
	for _, path := range threads {
		words, err := numbers(path, 0)
		if err != nil || len(words) < 3 {
			return u, fmt.Errorf("bench: read %s: %v %w", path, words, err)
		}
		u.run, u.slices = u.run+time.Duration(words[0]), u.slices+words[2]
	}
	const first, user, system = 3, 14, 15 // numbers of fields in proc(5), behind the state
	words, err := numbers(root+"stat", first)
	if err != nil || len(words) <= system-first-1 {
		return u, fmt.Errorf("bench: read processor time: %w", err)
	}
	u.ticks = words[user-first-1] + words[system-first-1]
	return u, nil
}

// numbers reads the words of a file behind so many that are not numbers.
func numbers(path string, skip int) ([]int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(text))
	var all []int
	for _, word := range words[min(skip, len(words)):] {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			break // a number without sign that does not fit is far behind what is read
		}
		all = append(all, int(n))
	}
	return all, nil
}
