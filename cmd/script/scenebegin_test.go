package script

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

func (p *play) until(pattern, rest string) error {
	wanted, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		return err
	}
	host, line, _ := strings.Cut(rest, " ")
	out := ""
	for end := time.Now().Add(lab.Patience(40 * time.Second)); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if out = p.run(host, line); wanted.MatchString(out) {
			return nil
		}
	}
	return fmt.Errorf("never: %s", out)
}

func (p *play) begin(name, rest string) error {
	host, line, _ := strings.Cut(rest, " ")
	b := &begun{monitor: strings.Contains(line, " monitor")}
	b.cmd = p.shell(context.Background(), host, "exec "+line)
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.out
	p.begun[name] = b
	if err := b.cmd.Start(); err != nil {
		return err
	}
	calm := 0 // how often it was found to wait; at first it asks for links by the same socket, and drops what it is told meanwhile
	b.await(func(listens, _ bool) bool {
		if calm++; !listens || !b.sleeps() {
			calm = 0
		}
		return calm == 5
	})
	return nil
}

// sleeps tells whether the command waits for something (proc_pid_stat(5)).
func (b *begun) sleeps() bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.cmd.Process.Pid)) // it may be gone
	_, state, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(state, "S")
}

// await waits until a command that listens to netlink does so, or has read everything; for another one, a moment.
func (b *begun) await(until func(listens, waiting bool) bool) {
	most := lab.Patience(300 * time.Millisecond)
	if b.monitor {
		most = patience
	}
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if until(b.queue()) {
			return
		}
	}
}

// queue tells whether the command listens to a group of netlink, and whether something waits there for it.
func (b *begun) queue() (listens, waiting bool) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/netlink", b.cmd.Process.Pid)) // it may be gone
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line) // sk Eth Pid Groups Rmem ...
		if len(words) > 4 && words[2] == strconv.Itoa(b.cmd.Process.Pid) && strings.Trim(words[3], "0") != "" {
			listens, waiting = true, waiting || words[4] != "0"
		}
	}
	return listens, waiting
}

func (p *play) end(rest string) error {
	name, once, _ := strings.Cut(rest, " ")
	b := p.begun[name]
	if b == nil {
		return fmt.Errorf("nothing of that name")
	}
	delete(p.begun, name)
	b.await(func(listens, waiting bool) bool { return listens && !waiting })
	time.Sleep(lab.Patience(100 * time.Millisecond)) // it prints what it has read
	b.cmd.Process.Signal(syscall.SIGINT)
	b.cmd.Wait()
	lines := strings.Split(strings.TrimSpace(seen(b.out.String())), "\n")
	if slices.Sort(lines); once == "once" {
		lines = slices.Compact(lines)
	}
	p.say("end "+name, strings.Join(lines, "\n"))
	return nil
}
