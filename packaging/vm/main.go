// Vm boots Debian's kernels in QEMU, without hardware virtualisation, and runs there the tests that touch the kernel. It
// prints what `go test -json` would print, with the kernel in front of the package names; packaging/tally reads it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// options are what the command line says.
type options struct {
	kernels string
	run     string
	only    string
	short   bool
	lenient bool
	args    string
	verbose bool
	script  string
	boot    string
	limit   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.kernels, "kernels", "6.1,6.12", "series of Debian's kernels, separated by commas")
	flag.StringVar(&o.run, "run", "", "only tests whose names match, as of `go test`")
	flag.StringVar(&o.only, "only", "", "only packages whose names contain one of these words, separated by commas")
	flag.StringVar(&o.args, "args", "", "more arguments of the test programs")
	flag.BoolVar(&o.short, "short", false, "a selection that takes a few minutes")
	flag.BoolVar(&o.lenient, "lenient", false, "where something cannot be installed, or takes too long, skip instead of fail")
	flag.StringVar(&o.script, "script", "", "run this shell script instead of tests, and show what it says")
	flag.StringVar(&o.boot, "append", "", "more of the kernels' command line, such as ipv6.disable=1")
	flag.BoolVar(&o.verbose, "console", false, "show the console of every kernel")
	flag.DurationVar(&o.limit, "limit", 160*time.Minute, "time limit for each kernel")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
}

// run runs the tests on every kernel, in as many guests at a time as there are processors: each takes one. What fails in
// one of them is told as an event, and does not stop the others.
func run(o options) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("find the cache: %w", err)
	}
	m := &machine{options: o, cache: filepath.Join(cache, "hone", "vm")}
	if m.work, err = os.MkdirTemp("", "hone-vm"); err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer os.RemoveAll(m.work)
	ready := m.prepare()
	var all sync.WaitGroup
	turn := make(chan bool, runtime.NumCPU())
	for i, tests := range parts(m.tests, o.short) {
		for _, series := range strings.Split(o.kernels, ",") {
			turn <- true
			all.Go(func() {
				defer func() { <-turn }()
				e := newEvents(&stdout, series)
				err := ready
				if err == nil {
					err = m.runOn(series, i, tests, e)
				}
				e.boot(err, o.lenient)
			})
		}
	}
	all.Wait()
	return nil
}

// machine is what the kernels share.
type machine struct {
	options
	cache string // downloads, kept
	work  string // this run's files
	tests []suite
	apt   sync.Mutex
}

// prepare does what is the same for every kernel.
func (m *machine) prepare() error {
	if err := install(); err != nil {
		return err
	}
	var err error
	m.tests, err = build(m.options, filepath.Join(m.work, "tests"))
	return err
}

// runOn boots one kernel with some of the tests; number tells the guests of a kernel apart.
func (m *machine) runOn(series string, number int, tests []suite, e *events) error {
	m.apt.Lock() // which locks its lists, and does not wait
	k, err := fetch(m.cache, series)
	m.apt.Unlock()
	if err != nil {
		return err
	}
	base := filepath.Join(m.work, fmt.Sprintf("%s-%d", series, number))
	if err := m.writeImage(base+".img", k, tests); err != nil {
		return err
	}
	defer os.Remove(base + ".img")
	return m.boot(k, base, e)
}
