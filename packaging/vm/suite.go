package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// suite is a package whose tests are run in the guests.
type suite struct {
	name  string // of the package, below the module
	limit string // time limit of all its tests
	short string // what the short selection runs; empty for nothing
	args  string // more arguments of the test program
	alone bool   // in a guest of its own, for it takes as long as all others
}

// suites are the packages that touch the kernel; what a short selection has no time for is best at the end.
var suites = []suite{
	{"fastpath", "10m", ".", "", false},
	{"slowpath/lab", "5m", ".", "", false},
	{"slowpath/upkeep", "5m", "", "", false},
	{"slowpath/oracle", "150m", "TestKinds|TestVRF|TestAccountsStay", "-oracle.packets=40000 -oracle.whole=false", true},
	{"cmd/script", "90m", "TestScripts/(basic|kinds|killed|links|module|old)", "-test.parallel=1", false},
	{"introspect", "60m", "TestLive|TestReadSilent", "", false},
	{"synth/emit", "30m", "TestForwarder|TestLive|TestReal|TestMetadata", "", false},
}

// build compiles the wanted tests without cgo, so that they need nothing in the guest, and hone and honed for scripts.
func build(o options, to string) ([]suite, error) {
	var built []suite
	if o.script != "" {
		text, err := os.ReadFile(o.script)
		if err != nil {
			return nil, err
		}
		script := filepath.Join(to, "script", "run.test")
		if err := errors.Join(os.MkdirAll(filepath.Dir(script), 0o755), os.WriteFile(script, text, 0o755)); err != nil {
			return nil, err
		}
		built = append(built, suite{name: "script"})
	}
	for _, s := range suites {
		if o.script != "" || !among(s.name, o.only) || o.short && s.short == "" {
			continue
		}
		dir := filepath.Join(to, s.name)
		if err := compile("test", "-c", "-o", filepath.Join(dir, "run.test"), "./"+s.name); err != nil {
			return nil, err
		}
		for _, home := range []string{s.name, filepath.Dir(s.name)} { // some read what belongs to the package above
			data := filepath.Join(home, "testdata")
			if to := filepath.Join(to, data); exists(data) && !exists(to) {
				if err := os.CopyFS(to, os.DirFS(data)); err != nil {
					return nil, err
				}
			}
		}
		if !o.short {
			s.short = "."
		}
		if o.run != "" {
			s.short = o.run
		}
		s.args += " " + o.args
		built = append(built, s)
	}
	if len(built) == 0 {
		return nil, errors.New("no package is selected")
	}
	return built, compile("build", "-o", filepath.Join(to, "bin")+"/", "./cmd/hone", "./cmd/honed")
}

// parts are the tests of each guest, the longest first. A short selection takes one.
func parts(all []suite, short bool) (parts [][]suite) {
	var others []suite
	for _, s := range all {
		if s.alone && !short {
			parts = append(parts, []suite{s})
		} else {
			others = append(others, s)
		}
	}
	if len(others) > 0 || len(parts) == 0 {
		parts = append(parts, others)
	}
	return parts
}

// among tells whether a name contains one of some words.
func among(name, words string) bool {
	return slices.ContainsFunc(strings.Split(words, ","), func(w string) bool { return strings.Contains(name, w) })
}

// listing tells the guest's init what to run: a name, a directory and arguments a line.
func listing(all []suite) string {
	var b strings.Builder
	for _, s := range all {
		if s.name == "script" {
			b.WriteString("script script\n")
			continue
		}
		fmt.Fprintf(&b, "%s %s -test.v=test2json -test.timeout=%s -test.run=%s %s\n", s.name, s.name, s.limit, s.short, s.args)
	}
	return b.String()
}

func compile(verb string, args ...string) error {
	program := os.Getenv("GO")
	if program == "" {
		program = "go"
	}
	c := exec.Command(program, append([]string{verb, "-trimpath", "-ldflags=-s -w"}, args...)...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", args[len(args)-1], err, out)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
