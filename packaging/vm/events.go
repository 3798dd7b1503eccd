package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// events writes the results of one kernel as `go test -json` does.
type events struct {
	out     *json.Encoder
	raw     io.Writer
	series  string
	started time.Time
	release string
	late    func() bool // time is up, and that is no failure
}

// event is one line of `go test -json`.
type event struct {
	Action, Package string
	Test            string  `json:",omitempty"`
	Output          string  `json:",omitempty"`
	Elapsed         float64 `json:",omitempty"`
}

func newEvents(w io.Writer, series string) *events {
	return &events{out: json.NewEncoder(w), raw: w, series: series, started: time.Now(), release: series, late: func() bool { return false }}
}

// follow reads what a guest says until it ends, and tells whether it said that it is done.
func (e *events) follow(r *bufio.Reader) bool {
	var c *converter
	defer func() { c.end("") }()
	for {
		line, err := r.ReadString('\n')
		words := strings.Fields(line)
		switch {
		case len(words) < 2 || words[0] != "@@":
			c.line(line)
		case words[1] == "release" && len(words) == 3:
			e.release = words[2]
		case words[1] == "start" && len(words) == 3:
			c.end("")
			c = e.convert(words[2])
		case words[1] == "end" && len(words) == 4:
			c.end(words[3])
			c = nil
		case words[1] == "done":
			return true
		}
		if err != nil {
			return false
		}
	}
}

// boot tells of the kernel itself, as a test of that name.
func (e *events) boot(err error, lenient bool) {
	pkg, action := "linux-"+e.series, "pass"
	var u unavailable
	switch {
	case err == nil:
		e.out.Encode(event{Action: "output", Package: pkg, Test: "boot",
			Output: fmt.Sprintf("told: Linux %s, %s\n", e.release, time.Since(e.started).Round(time.Second))})
	case errors.As(err, &u) && lenient:
		action = "skip"
	default:
		action = "fail"
	}
	if err != nil {
		e.out.Encode(event{Action: "output", Package: pkg, Test: "boot", Output: "not run: " + err.Error() + "\n"})
	}
	e.out.Encode(event{Action: action, Package: pkg, Test: "boot", Elapsed: time.Since(e.started).Seconds()})
}

// output is what the kernels share: each write is whole.
type output struct {
	mu   sync.Mutex
	file *os.File
}

var stdout = output{file: os.Stdout}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file.Write(b)
}

// lineWriter hands on whole lines.
type lineWriter struct {
	w    io.Writer
	rest []byte
}

func (l *lineWriter) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	if end == 0 {
		return len(b), nil
	}
	_, err := l.w.Write(l.rest[:end])
	l.rest = l.rest[end:]
	return len(b), err
}

// converter turns the output of one test program into events; nil takes what is outside of one.
type converter struct {
	command *exec.Cmd
	in      io.WriteCloser
	events  *events
	name    string
}

func (e *events) convert(name string) *converter {
	c := &converter{events: e, name: "linux-" + e.series + "/" + name}
	c.command = exec.Command("go", "tool", "test2json", "-t", "-p", c.name)
	c.command.Stdout = &lineWriter{w: e.raw}
	var err error
	if c.in, err = c.command.StdinPipe(); err == nil {
		err = c.command.Start()
	}
	if err != nil {
		e.out.Encode(event{Action: "fail", Package: c.name, Test: "convert", Output: err.Error()})
		return nil
	}
	return c
}

func (c *converter) line(text string) {
	if c != nil {
		io.WriteString(c.in, text)
	}
}

// end closes the program's output. One that did not end well without a test that failed fails by itself.
func (c *converter) end(code string) {
	if c == nil {
		return
	}
	if code == "" && c.events.late() { // without a verdict on what was cut off
		c.command.Process.Kill()
		c.in.Close()
		c.command.Wait()
		return
	}
	c.in.Close()
	c.command.Wait()
	if code != "0" {
		if code == "" {
			code = "none: the guest ended"
		}
		c.events.out.Encode(event{Action: "output", Package: c.name, Test: "program", Output: "exit code " + code + "\n"})
		c.events.out.Encode(event{Action: "fail", Package: c.name, Test: "program"})
	}
}
